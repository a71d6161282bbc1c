"""Weights of old models in the order and layout of today, layer by layer.

What a layer stores is known from the layer of today that receives it, so that files of weights are
converted as those of whole models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cornu.core.layer.layer import Layer
from cornu.core.state.variable import Variable
from cornu.errors import quantity
from cornu.legacy import keras1, keras2
from cornu.legacy.array_row import ArrayRow, stored_weights
from cornu.legacy.source import Source

__all__ = [
    "as_stored",
    "convert_arrays",
    "count_arrays",
    "in_old_order",
    "name_arrays",
    "restore_arrays",
]

_TABLES: dict[int, Mapping[type, ArrayRow]] = {1: keras1.ARRAYS, 2: keras2.ARRAYS}
_SAME = ArrayRow()


def in_old_order(layer: Layer) -> list[Variable]:
    """Returns the Variables of a layer in the order of files: first those that are trained."""
    trained, fixed = stored_weights(layer)
    return [*trained, *fixed]


def convert_arrays(
    layer: Layer, arrays: Sequence[np.ndarray], source: Source, label: str
) -> list[np.ndarray]:
    """Returns the values of the Variables of a layer, in the order of `in_old_order`.

    Args:
        layer: the layer of today, which is built.
        arrays: the arrays of the layer in a file.
        source: what wrote the file.
        label: the layer in the file, as messages show it.

    Raises:
        ValueError: the layer has another number of arrays, or they cannot be converted.
    """
    if source.era > 2:
        return list(arrays)
    source = as_stored(layer, source, len(arrays))
    leaves = _leaves(layer, source)
    parts = [leaf.row.count(leaf.layer, source) for leaf in leaves]
    expected = sum(trained + fixed for trained, fixed in parts)
    if expected != len(arrays):
        raise ValueError(
            f"Layer {layer.name!r} has {quantity(expected, 'weight')} in files of {source}, "
            f"{label} in the file has {len(arrays)}. The model was not changed."
        )
    # The file has the trained weights of all inner layers first.
    left = list(arrays)
    trained = [[left.pop(0) for _ in range(count)] for count, _ in parts]
    fixed = [[left.pop(0) for _ in range(count)] for _, count in parts]
    values: dict[int, np.ndarray] = {}
    for leaf, first, last in zip(leaves, trained, fixed, strict=True):
        converted = leaf.row.convert(leaf.layer, [*first, *last], source)
        values.update(zip(map(id, leaf.variables), converted, strict=True))
    return [values[id(variable)] for variable in in_old_order(layer)]


def restore_arrays(layer: Layer, values: Sequence[np.ndarray], source: Source) -> list[np.ndarray]:
    """Returns the arrays of a layer as an old version has them; the inverse of `convert_arrays`.

    Args:
        layer: the layer of today, which is built.
        values: those of its Variables, in the order of `in_old_order`.
        source: the old version.
    """
    by_variable = dict(zip(map(id, in_old_order(layer)), values, strict=True))
    trained: list[np.ndarray] = []
    fixed: list[np.ndarray] = []
    for leaf in _leaves(layer, source):
        own = [by_variable[id(variable)] for variable in leaf.variables]
        arrays = leaf.row.restore(leaf.layer, own, source)
        count, _ = leaf.row.count(leaf.layer, source)
        trained += arrays[:count]
        fixed += arrays[count:]
    return [*trained, *fixed]


def name_arrays(layer: Layer, source: Source, name: str | None = None) -> list[str]:
    """Returns the names of the arrays that `restore_arrays` returns, in Keras 1.

    Args:
        layer: the layer of today, which is built.
        source: the version of Keras 1.
        name: the name of the arrays, if they do not have that of the inner layer.
    """
    trained: list[str] = []
    fixed: list[str] = []
    for leaf in _leaves(layer, source):
        names = keras1.name_arrays(leaf.layer, name or leaf.layer.name, source)
        count, others = leaf.row.count(leaf.layer, source)
        trained += names[:count]
        fixed += names[count : count + others]
    return [*trained, *fixed]


def count_arrays(layer: Layer, source: Source, total: int) -> tuple[int, int]:
    """Returns how many arrays a file has for a layer: of weights that are trained, and others.

    Args:
        layer: the layer of today.
        source: what wrote the file.
        total: the number of arrays of the layer in the file.
    """
    if source.era > 2:
        trained, fixed = stored_weights(layer)
        return len(trained), len(fixed)
    source = as_stored(layer, source, total)
    counts = [leaf.row.count(leaf.layer, source) for leaf in _leaves(layer, source)]
    return sum(trained for trained, _ in counts), sum(fixed for _, fixed in counts)


def as_stored(layer: Layer, source: Source, total: int) -> Source:
    """Returns the source, with one array for all gates if the number of arrays says so.

    Args:
        layer: the layer of today.
        source: what wrote the file.
        total: the number of arrays of the layer in the file.
    """
    if source.era > 1:
        return source
    fused = replace(source, fuses_gates=True)
    count = sum(sum(leaf.row.count(leaf.layer, fused)) for leaf in _leaves(layer, fused))
    return fused if count == total else source


@dataclass(frozen=True)
class _Leaf:
    """A layer whose arrays are converted as a whole."""

    layer: Layer
    row: ArrayRow
    variables: list[Variable]


def _leaves(layer: Layer, source: Source) -> list[_Leaf]:
    """Returns the inner layers with weights, if they own all weights of a layer in its order."""
    row = _row_of(layer, source)
    found: list[_Leaf] = []
    if row is None:
        inner = [leaf for part in _parts(layer) for leaf in _leaves(part, source)]
        owned = [v for leaf in inner for v in stored_weights(leaf.layer)[0]]
        owned += [v for leaf in inner for v in stored_weights(leaf.layer)[1]]
        if inner and list(map(id, owned)) == list(map(id, in_old_order(layer))):
            found = inner
    if not found and in_old_order(layer):
        found = [_Leaf(layer, row or _SAME, in_old_order(layer))]
    return found


def _parts(layer: Layer) -> list[Layer]:
    unique = {id(part): part for part in layer._sublayers_()}
    return list(unique.values())


def _row_of(layer: Layer, source: Source) -> ArrayRow | None:
    table = _TABLES[source.era]
    return next((table[cls] for cls in type(layer).__mro__ if cls in table), None)
