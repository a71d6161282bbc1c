"""The state of an optimizer in old files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from cornu.core.layer.layer import Layer
from cornu.core.state.variable import Variable
from cornu.legacy.arrays import (
    as_stored,
    convert_arrays,
    count_arrays,
    in_old_order,
    restore_arrays,
)
from cornu.legacy.optimizers import Nadam as OldNadam
from cornu.legacy.source import Source
from cornu.optimizers import Nadam
from cornu.optimizers.base import Optimizer
from cornu.optimizers.update_rule import UpdateRule

__all__ = ["StoredLayer", "convert_state", "restore_state"]

# The slots of each optimizer in the order of files, each under the names that classes of today and
# of `legacy.optimizers` give it.
_SLOTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "SGD": (("momentum",),),
    "RMSprop": (("velocity", "accumulator"), ("momentum",), ("average_gradient",)),
    "Adagrad": (("accumulator",),),
    "Adadelta": (("accumulated_grad",), ("accumulated_delta_var",)),
    "Adam": (("momentum",), ("velocity",), ("velocity_hat",)),
    "Adamax": (("momentum",), ("norm",)),
    "Nadam": (("momentum",), ("velocity",)),
    "Ftrl": (("accumulator",), ("linear",)),
}
# Slots that files have even if the optimizer does not need them with its arguments.
_ALWAYS = {"SGD": ("momentum",)}
# Optimizers whose number of steps is not in files before Keras 2.3.
_UNCOUNTED = ("RMSprop", "Adagrad", "Adadelta")
_FIRST_COUNTED = (2, 3)
# Scalars by the beginning of their names.
_ITERATIONS = "iter"
_RATES = ("learning_rate", "current_learning_rate", "lr", "decay")
_MAX_FACTORS = 1_000_000  # far beyond them, the product is 0
_PRODUCTS = ("momentum_cache", "m_schedule", "momentum_product", "u_product", "_u_product")


class StoredLayer(NamedTuple):
    """A layer of a model with its arrays in the file.

    Attributes:
        layer: the layer, which is built.
        arrays: its arrays.
        names: their names.
    """

    layer: Layer
    arrays: list[np.ndarray]
    names: list[str]


def convert_state(
    optimizer: Optimizer,
    arrays: Mapping[str, np.ndarray],
    layers: Sequence[StoredLayer],
    source: Source,
    by_weight: bool,
) -> list[tuple[Variable, np.ndarray]] | None:
    """Returns the values of Variables of an optimizer.

    Args:
        optimizer: the optimizer, which is built.
        arrays: the arrays in the file by name, in its order.
        layers: the layers of the model in the order of the file.
        source: what wrote the file.
        by_weight: whether the file has all slots of a weight before those of the next.

    Returns:
        None if the arrays do not match the optimizer.
    """
    if not isinstance(optimizer, UpdateRule):
        return None
    scalars, slots = _separate_scalars(arrays)
    names = _stored_slots(optimizer)
    trained = [
        name
        for stored in layers
        for name in stored.names[: count_arrays(stored.layer, source, len(stored.arrays))[0]]
    ]
    count = len(trained)
    columns = (_by_weight if by_weight else _by_slot)(optimizer, names, slots, count)
    if columns is None:
        return None
    found = _convert_scalars(optimizer, scalars)
    for name, column in columns.items():
        if source.era == 1:
            column = _unsort(column, trained)
        converted = _convert_slot(name, column, optimizer, layers, source)
        if converted is None:
            return None
        found += converted
    return found


def _unsort(column: list[np.ndarray], names: Sequence[str]) -> list[np.ndarray]:
    """Returns the arrays of a slot in the order of the weights.

    Keras 1 has them in the order of the names of the weights.
    """
    positions = sorted(range(len(names)), key=names.__getitem__)
    placed = dict(zip(positions, column, strict=True))
    return [placed[i] for i in range(len(names))]


def _separate_scalars(
    arrays: Mapping[str, np.ndarray],
) -> tuple[dict[str, np.ndarray], list[np.ndarray]]:
    """Separates the number of steps and the like from the arrays of weights."""
    scalars: dict[str, np.ndarray] = {}
    slots: list[np.ndarray] = []
    for position, (name, array) in enumerate(arrays.items()):
        last = name.rpartition("/")[2].partition(":")[0]
        kind = next((k for k in (_ITERATIONS, *_RATES, *_PRODUCTS) if last.startswith(k)), "")
        if array.shape == () and (kind or position == 0):
            scalars[kind or _ITERATIONS] = array
        else:
            slots.append(array)
    return scalars, slots


def _stored_slots(optimizer: UpdateRule) -> list[str]:
    """Returns the slots that an optimizer has, in the order of files."""
    has = {slot for group in optimizer.slots for slot in group}
    order = _SLOTS.get(type(optimizer).__name__, ())
    return [name for names in order for name in names if name in has]


def _by_slot(
    optimizer: UpdateRule, names: Sequence[str], slots: list[np.ndarray], count: int
) -> dict[str, list[np.ndarray]] | None:
    """Returns the arrays of each slot, from a file that has all of a slot before the next.

    Files may have further slots, which the optimizer does not need with its arguments.
    """
    if len(slots) < len(names) * count or count and len(slots) % count:
        return None
    return {name: slots[i * count : (i + 1) * count] for i, name in enumerate(names)}


def _by_weight(
    optimizer: UpdateRule, names: Sequence[str], slots: list[np.ndarray], count: int
) -> dict[str, list[np.ndarray]] | None:
    """Returns the arrays of each slot, from a file in the order of optimizers of today."""
    columns: dict[str, list[np.ndarray]] = {}
    if not optimizer.slots:  # SGD without momentum, for which tf.keras stores momenta all the same
        return columns
    left = iter(slots)
    for group in optimizer.slots:
        for _ in range(count):
            for slot in group:
                array = next(left, None)
                if array is None:
                    return None
                columns.setdefault(slot, []).append(array)
    return None if next(left, None) is not None else columns


def _convert_slot(
    name: str,
    column: list[np.ndarray],
    optimizer: UpdateRule,
    layers: Sequence[StoredLayer],
    source: Source,
) -> list[tuple[Variable, np.ndarray]] | None:
    """Returns the Variables of a slot with their values, which are converted as the weights are."""
    found: list[tuple[Variable, np.ndarray]] = []
    left = list(column)
    for layer, arrays, _ in layers:
        count, _ = count_arrays(layer, source, len(arrays))
        own, left = left[:count], left[count:]
        if any(a.shape != b.shape for a, b in zip(own, arrays, strict=False)):
            return None
        converted = convert_arrays(layer, [*own, *arrays[count:]], source, repr(layer.name))
        trained = layer.trainable_weights
        # An average of squares of two weights is not that of their sum.
        if sum(a.size for a in own) != sum(math.prod(v.shape) for v in trained):
            return None
        for variable, array in zip(trained, converted, strict=False):
            slot = optimizer._slots_of_(variable).get(name)
            if slot is None or slot.shape != array.shape:
                return None
            found.append((slot, array))
    return found


def _convert_scalars(
    optimizer: UpdateRule, scalars: Mapping[str, np.ndarray]
) -> list[tuple[Variable, np.ndarray]]:
    found: list[tuple[Variable, np.ndarray]] = []
    iterations = optimizer.iterations
    if _ITERATIONS in scalars and isinstance(iterations, Variable):
        found.append((iterations, scalars[_ITERATIONS]))
        product = next((v for v in optimizer.variables if v.name == "momentum_product"), None)
        if product is not None and isinstance(optimizer, Nadam):
            steps = int(scalars[_ITERATIONS])
            found.append((product, _momentum_product(optimizer, steps)))
    rate = optimizer.learning_rate
    if "learning_rate" in scalars and isinstance(rate, Variable):
        found.append((rate, scalars["learning_rate"]))
    return found


def _momentum_product(optimizer: Nadam, steps: int) -> np.ndarray:
    """Computes the product of the momentum factors of all steps, which Keras 2 did not store."""
    speed = optimizer.schedule_decay if isinstance(optimizer, OldNadam) else 1.0
    times = speed * np.arange(1, min(max(steps, 0), _MAX_FACTORS) + 1)
    return np.asarray(np.prod(optimizer.beta_1 * (1 - 0.5 * 0.96**times)), "float32")


def restore_state(
    optimizer: Optimizer, layers: Sequence[StoredLayer], source: Source
) -> dict[str, np.ndarray] | None:
    """Returns the arrays of an optimizer in an old version; the inverse of `convert_state`.

    Args:
        optimizer: the optimizer, which is built.
        layers: the layers of the model with their arrays, in the order of the file.
        source: Keras 1, or Keras 2 before tf.keras.

    Returns:
        The arrays by name, or None if the optimizer has no such state.
    """
    kind = type(optimizer).__name__
    if not isinstance(optimizer, UpdateRule) or kind not in _SLOTS:
        return None
    columns: dict[str, dict[str, np.ndarray]] = {
        slot: {} for slot in _ALWAYS.get(kind, _stored_slots(optimizer))
    }
    for position, (layer, arrays, names) in enumerate(layers):
        layout = as_stored(layer, source, len(arrays))
        count, _ = count_arrays(layer, source, len(arrays))
        # Keras 1 trains weights in the order of their names, Keras 2 in that of layers.
        keys = names[:count] if source.era == 1 else [f"{position}/{i}" for i in range(count)]
        for slot, column in columns.items():
            values = _slot_values(optimizer, layer, slot)
            if values is None:
                return None
            column.update(zip(keys, restore_arrays(layer, values, layout), strict=False))
    found = _restore_scalars(optimizer, kind, source)
    for slot, column in columns.items():
        ordered = sorted(column) if source.era == 1 else list(column)
        found.update((f"{slot}_{name}", column[name]) for name in ordered)
    if kind == "Adam" and source.era > 1 and "velocity_hat" not in columns:
        # Keras 2 has an array of one number for each weight without amsgrad.
        count = len(columns["momentum"])
        found.update((f"velocity_hat_{i}", np.zeros(1, "float32")) for i in range(count))
    return found


def _restore_scalars(optimizer: UpdateRule, kind: str, source: Source) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    if kind not in _UNCOUNTED or source.version >= _FIRST_COUNTED:
        dtype = "float32" if source.era == 1 else "int64"
        found["iterations:0"] = np.asarray(optimizer.iterations, dtype)
    if isinstance(optimizer, Nadam) and source.version >= _FIRST_COUNTED:
        steps = int(np.asarray(optimizer.iterations))
        found["m_schedule:0"] = _momentum_product(optimizer, steps)
    return found


def _slot_values(optimizer: UpdateRule, layer: Layer, slot: str) -> list[np.ndarray] | None:
    """Returns the values of a slot for the weights of a layer; weights that have none are kept."""
    trained = {id(v) for v in layer.trainable_weights}
    found: list[np.ndarray] = []
    for variable in in_old_order(layer):
        if id(variable) not in trained:
            found.append(variable.numpy())
        elif slot in (slots := optimizer._slots_of_(variable)):
            found.append(slots[slot].numpy())
        elif optimizer.slots:
            return None  # the layer was frozen when the model was compiled
        else:
            found.append(np.zeros_like(variable.numpy()))
    return found
