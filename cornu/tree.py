"""Nested lists, tuples and dicts, called structures.

Unlike in `jax.tree_util`, `None` is a leaf: arguments and masks may be None. So are sparse arrays.
"""

from __future__ import annotations

import functools
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import jax

from cornu.errors import suggest_names
from cornu.types import PyTree

__all__ = [
    "MAP_TO_NONE",
    "assert_same_paths",
    "assert_same_structure",
    "flatten",
    "flatten_with_path",
    "flatten_with_treedef",
    "is_nested",
    "leaves",
    "lists_to_tuples",
    "map",
    "map_shape_structure",
    "map_structure",
    "map_structure_up_to",
    "map_up_to",
    "pack_sequence_as",
    "signature",
    "traverse",
    "unflatten",
]


def _is_leaf(x: Any) -> bool:
    # JAX calls it for every leaf and container: the class is looked up in a cache.
    return x is None or _is_sparse_class(type(x))  # type: ignore[arg-type]


@functools.lru_cache(maxsize=1024)
def _is_sparse_class(cls: Any) -> bool:
    """Whether instances are sparse arrays, which JAX regards as containers of two arrays."""
    found = ((base.__module__.partition(".")[0], base.__name__) for base in cls.__mro__)
    return any(name in (("jax", "JAXSparse"), ("cornu", "SparseRows")) for name in found)


def flatten_with_treedef(structure: PyTree) -> tuple[list[Any], Any]:
    """Returns the leaves, and the treedef that `unflatten` needs.

    Args:
        structure: a nested structure of lists, tuples, dicts and classes registered with JAX.

    Example:

    >>> import cornu
    >>> leaves, definition = cornu.tree.flatten_with_treedef({"a": [1, 2]})
    >>> leaves
    [1, 2]
    """
    return jax.tree_util.tree_flatten(structure, is_leaf=_is_leaf)


def unflatten(definition: Any, leaves: Iterable[Any]) -> PyTree:
    """Builds a structure from its treedef and leaves.

    Args:
        definition: the treedef that `flatten_with_treedef` returned.
        leaves: the leaves, in the order of `flatten_with_treedef`.

    Example:

    >>> import cornu
    >>> leaves, definition = cornu.tree.flatten_with_treedef({"a": [1, 2]})
    >>> cornu.tree.unflatten(definition, [3, 4])
    {'a': [3, 4]}
    """
    return jax.tree_util.tree_unflatten(definition, leaves)


def leaves(structure: PyTree) -> list[Any]:
    """Returns the leaves in a list.

    Args:
        structure: a nested structure; a single leaf gives a list of one element.

    Example:

    >>> leaves({"b": [1, None], "a": 2})
    [2, 1, None]
    """
    return jax.tree_util.tree_leaves(structure, is_leaf=_is_leaf)


def signature(structure: PyTree) -> tuple[Any, ...]:
    """

    Args:
        structure: a nested structure of arrays, or of objects with `shape` and `dtype`.

    Returns what a compiled program depends on: the treedef, and the shapes and dtypes.

    Two calls with equal signatures can use the same program.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> x = {"a": np.zeros(2)}
    >>> cornu.tree.signature(x) == cornu.tree.signature({"a": np.ones(2)})
    True
    """
    # For every batch. The treedef of JAX says where None is, and `is_leaf` would double the time.
    parts, definition = jax.tree_util.tree_flatten(structure)
    return (definition, *[(x.shape, x.dtype) for x in parts])


def map(fn: Callable[..., Any], structure: PyTree, *rest: PyTree) -> PyTree:
    """Applies `fn` to the leaves of one structure, or of several with the same nesting.

    Args:
        fn: a function of one leaf of each structure.
        structure: the structure whose nesting the result has.
        *rest: further structures with the same nesting.

    Example:

    >>> import cornu
    >>> cornu.tree.map(lambda x: 2 * x, {"a": [1, 2]})
    {'a': [2, 4]}
    """
    return jax.tree_util.tree_map(fn, structure, *rest, is_leaf=_is_leaf)


def map_up_to(fn: Callable[..., Any], shallow: PyTree, deep: PyTree) -> PyTree:
    """Applies `fn` to each leaf of `shallow` and the subtree of `deep` at the same path.

    Args:
        fn: a function of a leaf and a subtree.
        shallow: the structure whose nesting the result has.
        deep: a structure with subtrees where `shallow` has leaves.

    Example:

    >>> import cornu
    >>> cornu.tree.map_up_to(lambda name, values: len(values), {"a": 0}, {"a": [1, 2]})
    {'a': 2}
    """
    parts, definition = flatten_with_treedef(shallow)
    pairs = zip(parts, definition.flatten_up_to(deep), strict=True)
    return unflatten(definition, [fn(a, b) for a, b in pairs])


# ------------------------------------------------------------------ the public names of keras.tree
#
# Unlike `jax.tree_util`, they support deques, keep the order of the keys of a dict, and report
# where two structures differ. So does optree, which Keras uses.


class MAP_TO_NONE:
    """The value that a function passed to `traverse` returns to replace a subtree by None.

    Example:

    >>> import cornu
    >>> cornu.tree.traverse(lambda x: cornu.tree.MAP_TO_NONE if x == 1 else None, [1, 2])
    [None, 2]
    """


class _Node(NamedTuple):
    """A container and its children.

    Attributes:
        kind: the type, or dict for all classes of dicts; equal for containers of equal structure.
        keys: the keys or positions of the children, in the order of the leaves.
        children: the children, in the same order.
        rebuild: a function that makes a container of the same kind from other children.
    """

    kind: Any
    keys: tuple[Any, ...]
    children: tuple[Any, ...]
    rebuild: Callable[[Sequence[Any]], Any]


def _to_node(x: Any) -> _Node | None:
    """Returns the children of a container; None for a leaf."""
    cls = type(x)
    if x is None or cls in (bool, int, float, str) or _is_leaf(x):
        return None
    if cls in (list, tuple):
        return _Node(cls, tuple(range(len(x))), tuple(x), cls)
    if cls in (dict, defaultdict, OrderedDict):
        keys = tuple(x) if cls is OrderedDict else _sort_keys(x)
        return _Node(dict, keys, tuple(x[key] for key in keys), functools.partial(_fill, x, keys))
    if cls is deque:
        return _Node(deque, tuple(range(len(x))), tuple(x), lambda c: deque(c, x.maxlen))
    if isinstance(x, tuple) and hasattr(cls, "_fields"):
        return _Node(cls, tuple(range(len(x))), tuple(x), lambda c: cls(*c))
    if isinstance(x, tuple) and hasattr(cls, "n_sequence_fields"):  # such as time.struct_time
        return _Node(cls, tuple(range(len(x))), tuple(x), cls)
    # A class that the program registered with JAX.
    if jax.tree_util.all_leaves([x]):
        return None
    pairs, definition = jax.tree_util.tree_flatten_with_path(x, is_leaf=lambda y: y is not x)
    return _Node(
        cls,
        tuple(_path_entry(path[-1]) for path, _ in pairs),
        tuple(child for _, child in pairs),
        functools.partial(unflatten, definition),
    )


def _fill(original: Any, keys: tuple[Any, ...], children: Sequence[Any]) -> Any:
    """Returns a dict like another one, with the same order of the keys."""
    new = original.copy()  # of the same class; a defaultdict keeps its factory
    new.update(zip(keys, children, strict=True))
    return new


def _sort_keys(mapping: Mapping[Any, Any]) -> tuple[Any, ...]:
    def by_type(key: Any) -> tuple[str, Any]:
        return f"{type(key).__module__}.{type(key).__qualname__}", key

    # As optree does: keys of different types are sorted by type, others keep their order.
    for order in (None, by_type):
        try:
            return tuple(sorted(mapping, key=order))
        except TypeError:
            continue
    return tuple(mapping)


def _path_entry(part: Any) -> Any:
    if isinstance(part, jax.tree_util.DictKey):
        return part.key
    if isinstance(part, jax.tree_util.SequenceKey):
        return part.idx
    return str(part)


def _match(node: _Node, other: Any, path: tuple[Any, ...]) -> tuple[Any, ...]:
    """Returns the children of `other` in the order of those of `node`.

    Raises:
        ValueError: the containers differ in kind, keys or number of children.
    """
    found = _to_node(other)
    same = found is not None and node.kind is found.kind and set(node.keys) == set(found.keys)
    if found is None or not same:
        raise _mismatch(_describe(node), other, path)
    children = dict(zip(found.keys, found.children, strict=True))
    return tuple(children[key] for key in node.keys)


def _mismatch(expected: str, other: Any, path: tuple[Any, ...]) -> ValueError:
    node = _to_node(other)
    received = f"a leaf ({other!r})" if node is None else _describe(node)
    location = "".join(f"[{key!r}]" for key in path)
    return ValueError(
        f"The structures don't have the same nested structure. Expected{' at ' * bool(location)}"
        f"{location}: {expected}. Received: {received}"
    )


def _describe(node: _Node) -> str:
    if node.kind is dict:
        return f"dict with the keys {list(node.keys)}"
    name = "namedtuple " * hasattr(node.kind, "_fields") + node.kind.__name__
    return f"{name} with {len(node.keys)} elements"


def _walk(
    function: Callable[..., Any],
    structures: tuple[Any, ...],
    path: tuple[Any, ...] = (),
    *,
    none_is_leaf: bool = True,
    is_leaf: Callable[[Any], bool] | None = None,
    up_to: bool = False,
) -> Any:
    """Calls a function with each leaf of the first structure and the matching parts of the others.

    Args:
        function: a function of (path, *leaves).
        structures: the structures; the others must have the nesting of the first.
        path: the path of the structures in those of the outermost call.
        none_is_leaf: whether the function is called for None, which is kept otherwise.
        is_leaf: tells which containers of the first structure are leaves.
        up_to: whether the others may have containers where the first one has leaves.
    """
    first, others = structures[0], structures[1:]
    node = None if is_leaf is not None and is_leaf(first) else _to_node(first)
    if node is None:
        for other in others:
            wrong_none = not none_is_leaf and (first is None) != (other is None)
            if wrong_none or (not up_to and _to_node(other) is not None):
                raise _mismatch("None" if first is None else "a leaf", other, path)
        return None if first is None and not none_is_leaf else function(path, *structures)
    groups = zip(node.children, *(_match(node, other, path) for other in others), strict=True)
    options: dict[str, Any] = {"none_is_leaf": none_is_leaf, "is_leaf": is_leaf, "up_to": up_to}
    return node.rebuild(
        [
            _walk(function, group, (*path, key), **options)
            for key, group in zip(node.keys, groups, strict=True)
        ]
    )


def _check_structures(name: str, function: Any, structures: tuple[Any, ...]) -> None:
    if not callable(function):
        raise TypeError(f"{name}: func must be callable. Received: {function!r}")
    if not structures:
        raise ValueError(f"{name} requires at least one structure.")


def flatten(structure: PyTree) -> list[Any]:
    """Returns a list of the leaves; those of a dict are ordered by key.

    Args:
        structure: a nested structure; a single leaf gives a list of one element.

    Example:

    >>> flatten({"b": [1, None], "a": (2, 3)})
    [2, 3, 1, None]
    """
    return [leaf for _, leaf in flatten_with_path(structure)]


def flatten_with_path(structure: PyTree) -> list[tuple[tuple[Any, ...], Any]]:
    """Returns (path, leaf) pairs; a path is a tuple of keys and positions.

    Args:
        structure: a nested structure; the path of a single leaf is the empty tuple.

    Example:

    >>> flatten_with_path({"a": [1, 2]})
    [(('a', 0), 1), (('a', 1), 2)]
    """
    node = _to_node(structure)
    if node is None:
        return [((), structure)]
    return [
        ((key, *path), leaf)
        for key, child in zip(node.keys, node.children, strict=True)
        for path, leaf in flatten_with_path(child)
    ]


def is_nested(structure: PyTree) -> bool:
    """Tells whether `structure` is a list, tuple, dict or other container, not a leaf.

    Args:
        structure: any object.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.tree.is_nested([1, 2]), cornu.tree.is_nested(np.zeros(2))
    (True, False)
    """
    return _to_node(structure) is not None


def map_structure(
    func: Callable[..., Any], *structures: PyTree, none_is_leaf: bool = True
) -> PyTree:
    """Applies `func` to the leaves of one structure, or of several with the same nesting.

    Args:
        func: a function of one leaf of each structure.
        *structures: the structures.
        none_is_leaf: whether `func` is called for None; otherwise None is kept.

    Raises:
        ValueError: the structures differ in their nesting.

    Example:

    >>> map_structure(lambda a, b: a + b, {"x": [1, 2]}, {"x": [10, 20]})
    {'x': [11, 22]}
    """
    _check_structures("map_structure", func, structures)
    return _walk(lambda path, *parts: func(*parts), structures, none_is_leaf=none_is_leaf)


def map_structure_up_to(
    shallow_structure: PyTree, func: Callable[..., Any], *structures: PyTree
) -> PyTree:
    """Applies `func` to the subtrees of structures at the leaves of a shallow structure.

    Args:
        shallow_structure: the structure whose nesting the result has; its leaves are not used.
        func: a function of one subtree of each structure.
        *structures: structures whose outer nesting is that of the shallow structure.

    Raises:
        ValueError: a structure does not have this nesting.

    Example:

    >>> map_structure_up_to([None, None], len, [[1, 1, 1], [2]])
    [3, 1]
    """
    _check_structures("map_structure_up_to", func, structures)
    everything = (shallow_structure, *structures)
    return _walk(lambda path, shallow, *parts: func(*parts), everything, up_to=True)


def map_shape_structure(func: Callable[[Any], Any], structure: PyTree) -> PyTree:
    """Applies `func` to the shapes in a structure: lists and tuples of integers and None.

    Args:
        func: a function of a shape.
        structure: a nested structure of shapes.

    Example:

    >>> map_shape_structure(len, {"image": (None, 28, 28), "label": (None,)})
    {'image': 3, 'label': 1}
    """
    _check_structures("map_shape_structure", func, (structure,))
    return _walk(lambda path, shape: func(shape), (structure,), is_leaf=_is_shape)


def _is_shape(x: Any) -> bool:
    return isinstance(x, (list, tuple)) and all(isinstance(e, (int, type(None))) for e in x)


def pack_sequence_as(structure: PyTree, flat_sequence: Iterable[Any]) -> PyTree:
    """Replaces the leaves of a structure by those of a flat sequence.

    Args:
        structure: the structure whose nesting the result has; its leaves are not used.
        flat_sequence: the new leaves, in the order of `flatten`.

    Raises:
        ValueError: the number of leaves differs.

    Example:

    >>> pack_sequence_as({"b": 0, "a": (0, 0)}, [1, 2, 3])
    {'b': 3, 'a': (1, 2)}
    """
    new, count = list(flat_sequence), len(flatten(structure))
    if len(new) != count:
        raise ValueError(
            f"Too {'few' if len(new) < count else 'many'} leaves: the structure holds {count}. "
            f"Received: {len(new)}"
        )
    remaining = iter(new)
    return _walk(lambda path, old: next(remaining), (structure,))


def traverse(func: Callable[[Any], Any], structure: PyTree, top_down: bool = True) -> PyTree:
    """Replaces the subtrees of a structure for which `func` does not return None.

    Args:
        func: a function that is called on the structure, its subtrees and leaves. It returns a
            replacement, `MAP_TO_NONE` to replace the subtree by None, or None to keep it.
        structure: the structure.
        top_down: whether a subtree is visited before its children, which are then skipped if it
            is replaced. Otherwise, the children are visited first.

    Example:

    >>> traverse(lambda x: tuple(x) if isinstance(x, list) else None, [1, [2]], top_down=False)
    (1, (2,))
    """
    part = structure if top_down else _traverse_children(func, structure, top_down)
    new = func(part)
    if new is None:
        return _traverse_children(func, part, top_down) if top_down else part
    return None if new is MAP_TO_NONE else new


def _traverse_children(func: Callable[[Any], Any], structure: Any, top_down: bool) -> Any:
    node = _to_node(structure)
    if node is None:
        return structure
    return node.rebuild([traverse(func, child, top_down) for child in node.children])


def lists_to_tuples(structure: PyTree) -> PyTree:
    """Converts the lists in a structure to tuples.

    Args:
        structure: a nested structure.

    Example:

    >>> lists_to_tuples({"a": [1, [2]]})
    {'a': (1, (2,))}
    """
    return traverse(lambda x: tuple(x) if isinstance(x, list) else None, structure, top_down=False)


def assert_same_structure(a: PyTree, b: PyTree, check_types: bool | None = None) -> None:
    """Raises an error unless two structures have the same nesting. Types of dicts are ignored.

    Args:
        a, b: the structures.
        check_types: has no effect; kept for compatibility.

    Raises:
        ValueError: the nesting differs.

    Example:

    >>> assert_same_structure([1, (2, 3)], ["a", ("b", "c")])
    """
    _walk(lambda path, *leaves: None, (a, b))


def assert_same_paths(a: PyTree, b: PyTree) -> None:
    """Raises an error unless two structures have leaves at the same paths.

    Lists and tuples are not distinguished.

    Args:
        a, b: the structures.

    Raises:
        ValueError: a path exists in one structure only.

    Example:

    >>> import cornu
    >>> cornu.tree.assert_same_paths({"a": [1, 2]}, {"a": (3, 4)})
    """
    first, second = ({path for path, _ in flatten_with_path(structure)} for structure in (a, b))
    if first != second:
        raise ValueError(
            "The structures don't have the same paths.\n"
            f"Only in the first: {sorted(first - second, key=str)}\n"
            f"Only in the second: {sorted(second - first, key=str)}"
        )


suggest_names(__name__, __all__)
