"""Nested lists, tuples and dicts of things, `None` being a thing like any other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

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


def flatten_with_treedef(structure: Any) -> tuple[list[Any], Any]:
    """Returns the leaves and what is needed to put them back."""
    return jax.tree_util.tree_flatten(structure, is_leaf=_is_none)


def unflatten(definition: Any, leaves: Any) -> Any:
    """Puts leaves back into their structure."""
    return jax.tree_util.tree_unflatten(definition, leaves)


def leaves(structure: Any) -> list[Any]:
    """Returns the leaves alone."""
    return jax.tree_util.tree_leaves(structure, is_leaf=_is_none)


def signature(structure: Any) -> tuple[Any, ...]:
    """Returns what programs for nested arrays depend on: structure, shapes and dtypes."""
    parts, definition = flatten_with_treedef(structure)
    return (definition, *[None if x is None else (x.shape, x.dtype) for x in parts])


def map(fn: Callable[..., Any], structure: Any, *rest: Any) -> Any:
    """Applies `fn` to the leaves (of several equal structures side by side)."""
    return jax.tree_util.tree_map(fn, structure, *rest, is_leaf=_is_none)


def map_up_to(fn: Callable[..., Any], shallow: Any, deep: Any) -> Any:
    """Applies `fn` to each leaf of `shallow` with the part of `deep` that stands there."""
    parts, definition = flatten_with_treedef(shallow)
    pairs = zip(parts, definition.flatten_up_to(deep), strict=True)
    return unflatten(definition, [fn(a, b) for a, b in pairs])


def flatten_with_path(structure: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """Returns (path, leaf) pairs; a path is made of keys and positions."""
    plain = traverse(_plain_tuple, structure, top_down=False)
    pairs, _ = jax.tree_util.tree_flatten_with_path(plain, is_leaf=_is_none)
    return [(tuple(_step(part) for part in path), leaf) for path, leaf in pairs]


def _plain_tuple(x: Any) -> tuple[Any, ...] | None:
    return tuple(x) if isinstance(x, tuple) else None


def _step(part: Any) -> Any:
    if isinstance(part, jax.tree_util.DictKey):
        return part.key
    if isinstance(part, jax.tree_util.SequenceKey):
        return part.idx
    return str(part)


# ------------------------------------------------------------------ the public names of keras.tree


class MAP_TO_NONE:
    """What a function given to `traverse` returns to put None in a place."""


def flatten(structure: Any) -> list[Any]:
    """Returns the leaves in a list, those of a dict in the order of its keys.

    Example:

    >>> flatten({"b": [1, None], "a": (2, 3)})
    [2, 3, 1, None]
    """
    return leaves(structure)


def is_nested(structure: Any) -> bool:
    """Tells whether something is a list, tuple, dict or other structure rather than a leaf."""
    return not jax.tree_util.all_leaves([structure], is_leaf=_is_none)


def map_structure(func: Callable[..., Any], *structures: Any, none_is_leaf: bool = True) -> Any:
    """Applies `func` to the leaves of one structure, or of several equal ones side by side.

    Args:
        func: takes one leaf of each structure.
        *structures: nested alike.
        none_is_leaf: whether `func` is called for None too; otherwise None stays.

    Raises:
        ValueError: the structures are not nested alike.

    Example:

    >>> map_structure(lambda a, b: a + b, {"x": [1, 2]}, {"x": [10, 20]})
    {'x': [11, 22]}
    """
    if not structures:
        raise ValueError("map_structure: give at least one structure.")
    for other in structures[1:]:
        assert_same_structure(structures[0], other)
    is_leaf = _is_none if none_is_leaf else None
    return jax.tree_util.tree_map(func, *structures, is_leaf=is_leaf)


def map_structure_up_to(shallow_structure: Any, func: Callable[..., Any], *structures: Any) -> Any:
    """Applies `func` to the parts of structures that stand at the leaves of another.

    Example:

    >>> map_structure_up_to([None, None], len, [[1, 1, 1], [2]])
    [3, 1]
    """
    if not structures:
        raise ValueError("map_structure_up_to: give at least one structure.")
    _, definition = flatten_with_treedef(shallow_structure)
    parts = [definition.flatten_up_to(structure) for structure in structures]
    return unflatten(definition, [func(*group) for group in zip(*parts, strict=True)])


def map_shape_structure(func: Callable[[Any], Any], structure: Any) -> Any:
    """Applies `func` to the shapes in a structure: lists and tuples of integers and None.

    Example:

    >>> map_shape_structure(len, {"image": (None, 28, 28), "label": (None,)})
    {'image': 3, 'label': 1}
    """
    return jax.tree_util.tree_map(func, structure, is_leaf=_is_shape)


def _is_shape(x: Any) -> bool:
    return isinstance(x, (list, tuple)) and all(isinstance(e, (int, type(None))) for e in x)


def pack_sequence_as(structure: Any, flat_sequence: Any) -> Any:
    """Puts leaves in their order into a structure.

    Raises:
        ValueError: there are too many or too few.

    Example:

    >>> pack_sequence_as({"b": 0, "a": (0, 0)}, [1, 2, 3])
    {'a': (1, 2), 'b': 3}
    """
    return unflatten(flatten_with_treedef(structure)[1], flat_sequence)


def traverse(func: Callable[[Any], Any], structure: Any, top_down: bool = True) -> Any:
    """Replaces the parts of a structure for which `func` returns something else than None.

    Args:
        func: is given every part, the whole structure and leaves included. It returns what to
            put there, `MAP_TO_NONE` to put None there, or None to leave it.
        structure: what to go through.
        top_down: whether a part is offered before what is in it (which is not offered any more
            if the part is replaced) or after.

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


def lists_to_tuples(structure: Any) -> Any:
    """Returns the structure with tuples in the place of lists."""
    return traverse(lambda x: tuple(x) if isinstance(x, list) else None, structure, top_down=False)


def assert_same_structure(a: Any, b: Any, check_types: Any = None) -> None:
    """Raises an error unless two structures are nested alike; kinds of dicts count as one.

    Args:
        a, b: the structures.
        check_types: has no effect; an argument of old versions.

    Raises:
        ValueError: they are not nested alike.
    """
    first, second = (flatten_with_treedef(_plain_dicts(structure))[1] for structure in (a, b))
    if first != second:
        raise ValueError(f"The structures are not nested alike:\n{first}\n{second}")


def _plain_dicts(structure: Any) -> Any:
    return traverse(lambda x: dict(x) if isinstance(x, dict) else None, structure, top_down=False)


def assert_same_paths(a: Any, b: Any) -> None:
    """Raises an error unless two structures have leaves at the same paths.

    Lists and tuples count as the same.

    Raises:
        ValueError: a path is in one of them only.
    """
    first, second = ({path for path, _ in flatten_with_path(structure)} for structure in (a, b))
    if first != second:
        raise ValueError(
            "The structures have different paths.\n"
            f"Only in the first: {sorted(first - second, key=str)}\n"
            f"Only in the second: {sorted(second - first, key=str)}"
        )
