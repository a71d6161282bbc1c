"""cornu.tree does what keras.tree does."""

from __future__ import annotations

from collections import OrderedDict, namedtuple

import keras
import numpy as np
import pytest

from cornu import tree

Point = namedtuple("Point", ["x", "y"])
STRUCTURES = [
    1,
    None,
    [],
    [1, (2, [3, None])],
    {"b": 1, "a": {"d": (2, 3), "c": None}},
    Point(1, [2, 3]),
    OrderedDict([("b", [1]), ("a", 2)]),
]


def test_functions_of_one_structure():
    for x in STRUCTURES:
        for name in ("is_nested", "lists_to_tuples", "flatten_with_path"):
            got, want = (getattr(library, name)(x) for library in (tree, keras.tree))
            assert got == want and type(got) is type(want), (name, x)
        leaves = keras.tree.flatten(x)
        assert tree.flatten(x) == tree.leaves(x) == leaves
        assert tree.pack_sequence_as(x, leaves) == x
        for keep in (True, False):

            def text(leaf):
                return str(leaf)

            got, want = (
                library.map_structure(text, x, none_is_leaf=keep) for library in (tree, keras.tree)
            )
            assert got == want


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

    def refused(function, a, b):
        try:
            function(a, b)
        except (ValueError, TypeError):
            return True
        return False

    for name in ("assert_same_structure", "assert_same_paths"):
        for a in others:
            for b in others:
                got, want = (refused(getattr(lib, name), a, b) for lib in (tree, keras.tree))
                assert got == want, (name, a, b)


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


def test_errors_say_what_differs():
    with pytest.raises(ValueError, match="different nesting"):
        tree.map_structure(max, [1], [1, 2])
    with pytest.raises(ValueError, match=r"Only in the first: \[\('a',\)\]"):
        tree.assert_same_paths({"a": 1}, {"b": 1})
    for function in (tree.map_structure, tree.map_structure_up_to):
        with pytest.raises(ValueError, match="at least one structure"):
            function(*([None] if function is tree.map_structure_up_to else []), max)
    with pytest.raises(ValueError):
        tree.pack_sequence_as([1, 2], [1, 2, 3])


def test_signature_tells_apart_what_needs_another_program():
    def of(x, *rest):
        return tree.signature((x, *rest))

    x = np.ones((2, 3), "float32")
    assert of(x, None) == of(np.zeros((2, 3), "float32"), None)
    others = [of(x[:1], None), of(x.astype("int32"), None), of(x, x), of([x], None), of(None, x)]
    assert len({of(x, None), *others}) == 6
