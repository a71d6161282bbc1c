"""Nested lists, tuples and dicts, called structures.

Unlike in `jax.tree_util`, `None` is a leaf: arguments and masks may be None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import jax

from cornu.errors import suggest_names
from cornu.types import PyTree

__all__ = [
    "MAP_TO_NONE",
    "assert_same_paths",
    "assert_same_structure",
    "flatten",
    "flatten_with_path",
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
    "flatten_with_treedef",
    "traverse",
    "unflatten",
]


def _is_none(x: Any) -> bool:
    return x is None


def flatten_with_treedef(structure: PyTree) -> tuple[list[Any], Any]:
    """Returns the leaves, and the treedef that `unflatten` needs."""
    return jax.tree_util.tree_flatten(structure, is_leaf=_is_none)


def unflatten(definition: Any, leaves: Iterable[Any]) -> PyTree:
    """Builds a structure from its treedef and leaves."""
    return jax.tree_util.tree_unflatten(definition, leaves)


def leaves(structure: PyTree) -> list[Any]:
    """Returns the leaves in a list."""
    return jax.tree_util.tree_leaves(structure, is_leaf=_is_none)


def signature(structure: PyTree) -> tuple[Any, ...]:
    """Returns what a compiled program depends on: the treedef, and the shapes and dtypes.

    Two calls with equal signatures can use the same program.
    """
    parts, definition = flatten_with_treedef(structure)
    return (definition, *[None if x is None else (x.shape, x.dtype) for x in parts])


def map(fn: Callable[..., Any], structure: PyTree, *rest: PyTree) -> PyTree:
    """Applies `fn` to the leaves of one structure, or of several with the same nesting."""
    return jax.tree_util.tree_map(fn, structure, *rest, is_leaf=_is_none)


def map_up_to(fn: Callable[..., Any], shallow: PyTree, deep: PyTree) -> PyTree:
    """Applies `fn` to each leaf of `shallow` and the subtree of `deep` at the same path."""
    parts, definition = flatten_with_treedef(shallow)
    pairs = zip(parts, definition.flatten_up_to(deep), strict=True)
    return unflatten(definition, [fn(a, b) for a, b in pairs])


def flatten_with_path(structure: PyTree) -> list[tuple[tuple[Any, ...], Any]]:
    """Returns (path, leaf) pairs; a path is a tuple of keys and positions."""
    plain = traverse(_plain_tuple, structure, top_down=False)
    pairs, _ = jax.tree_util.tree_flatten_with_path(plain, is_leaf=_is_none)
    return [(tuple(_path_entry(part) for part in path), leaf) for path, leaf in pairs]


def _plain_tuple(x: Any) -> tuple[Any, ...] | None:
    return tuple(x) if isinstance(x, tuple) else None


def _path_entry(part: Any) -> Any:
    if isinstance(part, jax.tree_util.DictKey):
        return part.key
    if isinstance(part, jax.tree_util.SequenceKey):
        return part.idx
    return str(part)


# ------------------------------------------------------------------ the public names of keras.tree


class MAP_TO_NONE:
    """The value that a function passed to `traverse` returns to replace a subtree by None."""


def flatten(structure: PyTree) -> list[Any]:
    """Returns a list of the leaves; those of a dict are ordered by key.

    Example:

    >>> flatten({"b": [1, None], "a": (2, 3)})
    [2, 3, 1, None]
    """
    return leaves(structure)


def is_nested(structure: PyTree) -> bool:
    """Tells whether `structure` is a list, tuple, dict or other container, not a leaf."""
    return not jax.tree_util.all_leaves([structure], is_leaf=_is_none)


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
    if not structures:
        raise ValueError("map_structure requires at least one structure.")
    for other in structures[1:]:
        assert_same_structure(structures[0], other)
    is_leaf = _is_none if none_is_leaf else None
    return jax.tree_util.tree_map(func, *structures, is_leaf=is_leaf)


def map_structure_up_to(
    shallow_structure: PyTree, func: Callable[..., Any], *structures: PyTree
) -> PyTree:
    """Applies `func` to the subtrees of structures at the leaves of a shallow structure.

    Example:

    >>> map_structure_up_to([None, None], len, [[1, 1, 1], [2]])
    [3, 1]
    """
    if not structures:
        raise ValueError("map_structure_up_to requires at least one structure.")
    _, definition = flatten_with_treedef(shallow_structure)
    parts = [definition.flatten_up_to(structure) for structure in structures]
    return unflatten(definition, [func(*group) for group in zip(*parts, strict=True)])


def map_shape_structure(func: Callable[[Any], Any], structure: PyTree) -> PyTree:
    """Applies `func` to the shapes in a structure: lists and tuples of integers and None.

    Example:

    >>> map_shape_structure(len, {"image": (None, 28, 28), "label": (None,)})
    {'image': 3, 'label': 1}
    """
    return jax.tree_util.tree_map(func, structure, is_leaf=_is_shape)


def _is_shape(x: Any) -> bool:
    return isinstance(x, (list, tuple)) and all(isinstance(e, (int, type(None))) for e in x)


def pack_sequence_as(structure: PyTree, flat_sequence: Iterable[Any]) -> PyTree:
    """Replaces the leaves of a structure by those of a flat sequence.

    Raises:
        ValueError: the number of leaves differs.

    Example:

    >>> pack_sequence_as({"b": 0, "a": (0, 0)}, [1, 2, 3])
    {'a': (1, 2), 'b': 3}
    """
    return unflatten(flatten_with_treedef(structure)[1], flat_sequence)


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
    part = structure if top_down else _traverse_inside(func, structure, top_down)
    new = func(part)
    if new is None:
        return _traverse_inside(func, part, top_down) if top_down else part
    return None if new is MAP_TO_NONE else new


def _traverse_inside(func: Callable[[Any], Any], structure: Any, top_down: bool) -> Any:
    if not is_nested(structure):
        return structure
    parts, definition = jax.tree_util.tree_flatten(structure, is_leaf=lambda x: x is not structure)
    return unflatten(definition, [traverse(func, part, top_down) for part in parts])


def lists_to_tuples(structure: PyTree) -> PyTree:
    """Converts the lists in a structure to tuples."""
    return traverse(lambda x: tuple(x) if isinstance(x, list) else None, structure, top_down=False)


def assert_same_structure(a: PyTree, b: PyTree, check_types: bool | None = None) -> None:
    """Raises an error unless two structures have the same nesting. Types of dicts are ignored.

    Args:
        a, b: the structures.
        check_types: has no effect; kept for compatibility.

    Raises:
        ValueError: the nesting differs.
    """
    first, second = (flatten_with_treedef(_plain_dicts(structure))[1] for structure in (a, b))
    if first != second:
        raise ValueError(f"The structures have different nesting:\n{first}\n{second}")


def _plain_dicts(structure: Any) -> Any:
    return traverse(lambda x: dict(x) if isinstance(x, dict) else None, structure, top_down=False)


def assert_same_paths(a: PyTree, b: PyTree) -> None:
    """Raises an error unless two structures have leaves at the same paths.

    Lists and tuples are not distinguished.

    Raises:
        ValueError: a path exists in one structure only.
    """
    first, second = ({path for path, _ in flatten_with_path(structure)} for structure in (a, b))
    if first != second:
        raise ValueError(
            "The structures have different paths.\n"
            f"Only in the first: {sorted(first - second, key=str)}\n"
            f"Only in the second: {sorted(second - first, key=str)}"
        )


suggest_names(__name__, __all__)
