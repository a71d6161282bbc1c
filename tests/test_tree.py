"""cornu.tree does what keras.tree does."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections import OrderedDict, defaultdict, deque, namedtuple

import jax
import keras
import numpy as np
import pytest

from cornu import tree

Point = namedtuple("Point", ["x", "y"])
Other = namedtuple("Other", ["x", "y"])
STRUCTURES = [
    1,
    None,
    [],
    [1, (2, [3, None])],
    {"b": 1, "a": {"d": (2, 3), "c": None}},
    Point(1, [2, 3]),
    OrderedDict([("b", [1]), ("a", 2)]),
    defaultdict(list, {"b": 1, "a": [2]}),
    deque([1, (2, None)], maxlen=3),
    deque(),
    (),
    {},
    {2: 1, "a": 2, None: 3},
    {"z": {"y": 1, "x": 2}, "a": [Other(1, Point(2, 3))]},
    time.gmtime(0),
    {1, 2},
]


def test_functions_of_one_structure():
    for x in STRUCTURES:
        for name in ("is_nested", "lists_to_tuples", "flatten_with_path"):
            got, want = (getattr(library, name)(x) for library in (tree, keras.tree))
            assert got == want and type(got) is type(want), (name, x)
        leaves = keras.tree.flatten(x)
        assert tree.flatten(x) == leaves
        assert tree.pack_sequence_as(x, leaves) == x
        assert repr(tree.pack_sequence_as(x, leaves)) == repr(x)  # the order of keys as well
        assert repr(tree.traverse(lambda part: None, x)) == repr(x)
        for keep in (True, False):

            def text(leaf):
                return str(leaf)

            got, want = (
                library.map_structure(text, x, none_is_leaf=keep) for library in (tree, keras.tree)
            )
            assert got == want and repr(got) == repr(want)


def test_functions_of_several_structures():
    a, b = {"x": [1, 2], "y": 3}, {"x": [10, 20], "y": 30}
    assert tree.map_structure(lambda p, q: p + q, a, b) == {"x": [11, 22], "y": 33}
    shallow, deep = [0, [0, 0]], [[1, 1], [[2], 3]]
    for library in (tree, keras.tree):
        assert library.map_structure_up_to(shallow, str, deep) == ["[1, 1]", ["[2]", "3"]]
    shapes = {"a": (None, 2), "b": [(3,), ()]}
    assert tree.map_shape_structure(len, shapes) == keras.tree.map_shape_structure(len, shapes)


def test_structures_are_compared_as_in_keras():
    others = [*STRUCTURES, [1, 2], (1, 2), {"a": 1}, OrderedDict(a=2), {"b": 1}, Point(1, 2)]
    others += [Other(1, 2), deque([1, 2]), defaultdict(int, a=1), [[], None], [(), None]]

    def error(function, *args):
        try:
            function(*args)
        except Exception as found:
            return type(found)
        return None

    for a in others:
        for b in others:
            for name in ("assert_same_structure", "assert_same_paths"):
                got, want = (error(getattr(lib, name), a, b) for lib in (tree, keras.tree))
                assert got == want, (name, a, b)
            for keep in (True, False):
                options = {"none_is_leaf": keep}
                got, want = (
                    error(functools.partial(lib.map_structure, **options), repr_all, a, b)
                    for lib in (tree, keras.tree)
                )
                assert got == want, (keep, a, b)
            if None in tree.flatten(a):  # Keras refuses None in a shallow structure
                continue
            got, want = (error(lib.map_structure_up_to, a, str, b) for lib in (tree, keras.tree))
            assert got == want, ("up to", a, b)


def repr_all(*leaves):
    return repr(leaves)


def test_traverse():
    def double(x):
        return [x, x] if x == 2 else None

    def pair(x):
        return tuple(x) if isinstance(x, list) else None

    x = {"a": [1, 2, [2]], "b": (1, None)}
    for top_down in (True, False):
        for fn in (double, pair):
            got, want = (library.traverse(fn, x, top_down) for library in (tree, keras.tree))
            assert got == want
        for library in (tree, keras.tree):
            hidden = library.traverse(
                lambda x, none=library.MAP_TO_NONE: none if x == 1 else None, x, top_down
            )
            assert hidden == {"a": [None, 2, [2]], "b": (None, None)}


def test_errors_name_the_difference():
    expected = r"Expected at \['a'\]\[1\]: list with 1 elements. Received: tuple with 1 elements"
    with pytest.raises(ValueError, match=expected):
        tree.map_structure(max, {"a": (0, [1])}, {"a": (0, (1,))})
    with pytest.raises(ValueError, match=r"Expected: dict with the keys \['a'\]. .*a leaf \(3\)"):
        tree.assert_same_structure({"a": 1}, 3)
    with pytest.raises(ValueError, match=r"Expected: a leaf. Received: deque with 0 elements"):
        tree.assert_same_structure(1, deque())
    with pytest.raises(TypeError, match="func must be callable. Received: 'bad'"):
        tree.map_structure("bad", [1])
    with pytest.raises(ValueError, match=r"Only in the first: \[\('a',\)\]"):
        tree.assert_same_paths({"a": 1}, {"b": 1})
    for function in (tree.map_structure, tree.map_structure_up_to):
        with pytest.raises(ValueError, match="at least one structure"):
            function(*([None] if function is tree.map_structure_up_to else []), max)
    for count, word in ((1, "few"), (3, "many")):
        with pytest.raises(ValueError, match=f"Too {word} leaves: the structure holds 2"):
            tree.pack_sequence_as([1, 2], range(count))


@jax.tree_util.register_dataclass
@dataclasses.dataclass
class Pair:
    left: object
    right: object


def test_classes_that_are_registered_with_jax():
    pair = Pair(1, {"b": 2, "a": None})
    assert tree.flatten(pair) == [1, None, 2] and tree.is_nested(pair)
    assert tree.map_structure(str, pair) == Pair("1", {"b": "2", "a": "None"})
    with pytest.raises(ValueError, match="Expected: Pair with 2 elements"):
        tree.assert_same_structure(pair, (1, 2))


def test_the_signature_distinguishes_programs():
    def of(x, *rest):
        return tree.signature((x, *rest))

    x = np.ones((2, 3), "float32")
    assert of(x, None) == of(np.zeros((2, 3), "float32"), None)
    others = [of(x[:1], None), of(x.astype("int32"), None), of(x, x), of([x], None), of(None, x)]
    assert len({of(x, None), *others}) == 6
