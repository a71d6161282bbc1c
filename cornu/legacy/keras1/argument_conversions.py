"""Conversions of arguments in the layer table, where renaming is not enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cornu import layers
from cornu.legacy.keras1.argument_values import ArrayInitializer, PerGateInitializer
from cornu.legacy.keras1.class_mapping import TARGET_CLASS, Arguments
from cornu.legacy.layers.modes import (
    BatchwiseNormalization,
    DroppedEmbedding,
    FeaturewiseNormalization,
)
from cornu.parts import initializers
from cornu.parts.constraints import MaxNorm, MinMaxNorm, UnitNorm
from cornu.renamed import KERAS_1_ARGUMENTS

__all__ = [
    "combine_arguments",
    "convert_bidirectional_weights",
    "convert_embedding",
    "convert_gates",
    "convert_kernel_layout",
    "convert_separable_kernels",
    "convert_zero_padding",
    "drop_arguments",
    "infer_output_padding",
    "initialize_from_weights",
    "select_normalization",
    "set_fan_axes",
    "set_input_shape",
    "wrap_in_time_distributed",
]

ArgumentConversion = Callable[[Arguments], None]


def combine_arguments(new_name: str, *names: str) -> ArgumentConversion:
    """Combines several arguments into one tuple, such as `nb_row` and `nb_col`."""

    def rule(given: Arguments) -> None:
        given[new_name] = tuple(given.pop(name) for name in names)

    return rule


def drop_arguments(*names: str) -> ArgumentConversion:
    """Drops arguments that cornu infers."""

    def rule(given: Arguments) -> None:
        for name in names:
            del given[name]

    return rule


def set_input_shape(*sizes: str) -> ArgumentConversion:
    """Sets `input_shape` from `input_dim`, and from `input_length` if there is one."""

    def rule(given: Arguments) -> None:
        shape = tuple(given.pop(size) for size in sizes)
        if shape[-1] is not None:
            given["input_shape"] = shape

    return rule


# ----------------------------------------------------------------------------------------- weights


def initialize_from_weights(*names: str) -> ArgumentConversion:
    """Converts the arrays in `weights` to initializers."""

    def rule(given: Arguments) -> None:
        _initialize_from(given, names, given.pop("weights"))

    return rule


def _initialize_from(given: Arguments, names: Sequence[str], arrays: Any) -> None:
    for name, array in zip(names, arrays or (), strict=False):
        given[name] = ArrayInitializer(array)


def convert_kernel_layout(tf: Sequence[int], th: Sequence[int]) -> ArgumentConversion:
    """Converts a kernel, and the axes of its constraint, from the layout of Keras 1.

    Args:
        tf, th: for each axis of the new kernel the axis of the old kernel, by `dim_ordering`.
    """

    def rule(given: Arguments) -> None:
        axes = tuple(th if given.get("dim_ordering") == "channels_first" else tf)
        arrays = given.pop("weights")
        if arrays is not None:
            arrays = [_transpose(np.asarray(arrays[0]), axes), *arrays[1:]]
            _initialize_from(given, ("init", "bias_initializer"), arrays)
        given["W_constraint"] = _convert_constraint_axes(given["W_constraint"], axes)

    return rule


def _transpose(array: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """Transposes an array, and drops other axes, which have size 1."""
    left = tuple(axis for axis in range(array.ndim) if axis not in axes)
    return np.squeeze(array.transpose(*axes, *left), tuple(range(len(axes), array.ndim)))


def _convert_constraint_axes(constraint: Any, axes: tuple[int, ...]) -> Any:
    if not isinstance(constraint, (MaxNorm, MinMaxNorm, UnitNorm)):
        return constraint
    then = [constraint.axis] if isinstance(constraint.axis, int) else constraint.axis
    count = max(axes) + 1
    now = [axes.index(axis % count) for axis in then if axis % count in axes]
    return type(constraint)(**{**constraint._constructor_arguments_(), "axis": now})


def set_fan_axes(
    inputs: Sequence[int], outputs: Sequence[int], always: bool = True
) -> ArgumentConversion:
    """Sets the kernel axes from which Keras 1 computes fan-in and fan-out.

    Args:
        inputs, outputs: the axes of the new kernel.
        always: whether this also holds with channels first.
    """

    def rule(given: Arguments) -> None:
        init = given["init"]
        if not always and given["dim_ordering"] == "channels_first":
            return
        if isinstance(init, initializers.VarianceScaling):
            given["init"] = initializers.VarianceScaling(
                init.scale,
                init.mode,
                init.distribution,
                input_axes=tuple(inputs),
                output_axes=tuple(outputs),
            )

    return rule


def convert_separable_kernels(given: Arguments) -> None:
    """Sets the initializers of both kernels of a separable convolution."""
    arrays = given.pop("weights")
    init = given.pop("init")
    given["depthwise_initializer"] = given["pointwise_initializer"] = init
    if arrays is not None:
        axes = (2, 3, 1, 0) if given["dim_ordering"] == "channels_first" else (0, 1, 2, 3)
        moved = [np.asarray(array).transpose(axes) for array in arrays[:2]]
        names = ("depthwise_initializer", "pointwise_initializer", "bias_initializer")
        _initialize_from(given, names, [*moved, *arrays[2:]])


# --------------------------------------------------------------------------------- recurrent layers


# Gates as letters, in the order of the arrays of Keras 1 and of the columns of cornu.
GATES = {
    layers.SimpleRNN: ("h", "h"),
    layers.GRU: ("zrh", "zrh"),
    layers.LSTM: ("icfo", "ifco"),
    layers.ConvLSTM2D: ("icfo", "ifco"),
}


def convert_gates(kind: type) -> ArgumentConversion:
    """Initializes the gates separately, and reorders the arrays of `weights`.

    `inner_init` applies to the recurrent kernel, as documented. Keras 1.2 ignores it for GRU and
    LSTM unless `consume_less="gpu"`, which is a bug.
    """
    then, now = GATES[kind]

    def rule(given: Arguments) -> None:
        fused = given.get("consume_less") == "gpu"
        count = len(now)
        if count > 1 and not fused:
            given["init"] = PerGateInitializer([given["init"]] * count)
            given["inner_init"] = PerGateInitializer([given["inner_init"]] * count)
        if "forget_bias_init" in given:
            forget = given.pop("forget_bias_init")
            blocks = [forget if gate == "f" else initializers.Zeros() for gate in now]
            given["bias_initializer"] = PerGateInitializer(blocks)
            given["unit_forget_bias"] = False
        arrays = given.pop("weights")
        if arrays is not None:
            _initialize_from(
                given,
                ("init", "inner_init", "bias_initializer"),
                _concatenate_gates(arrays, then, now),
            )

    return rule


def _concatenate_gates(arrays: Any, then: str, now: str) -> list[Any]:
    """Concatenates three arrays of each gate to kernel, recurrent kernel and bias."""
    if len(arrays) == 3:
        return list(arrays)
    gates = {gate: arrays[3 * i : 3 * i + 3] for i, gate in enumerate(then)}
    columns = zip(*(gates[gate] for gate in now), strict=True)
    return [np.concatenate(parts, axis=-1) for parts in columns]


def convert_bidirectional_weights(given: Arguments) -> None:
    """Reorders the arrays of both directions."""
    arrays = given["weights"]
    orders = [GATES[kind] for kind in GATES if isinstance(given["layer"], kind)]
    if arrays is not None and orders:
        half = len(arrays) // 2
        halves = (arrays[:half], arrays[half:])
        given["weights"] = [
            array for own in halves for array in _concatenate_gates(own, *orders[0])
        ]


def wrap_in_time_distributed(given: Arguments) -> None:
    """Converts the arguments of `TimeDistributedDense` to those of `TimeDistributed(Dense)`."""
    outer = ("name", "trainable", "input_shape", "batch_input_shape", "input_dtype")
    inner = {name: given.pop(name) for name in list(given) if name not in outer}
    names = {KERAS_1_ARGUMENTS.get(name, name): value for name, value in inner.items()}
    given["layer"] = layers.Dense(**names, name="dense")


# ------------------------------------------------------------------------------------- other layers


def convert_embedding(given: Arguments) -> None:
    """Sets the input shape, and selects the class that drops embeddings if `dropout` is set."""
    length = given.pop("input_length")
    if given["input_shape"] is None and given["batch_input_shape"] is None:
        given["input_shape"] = tuple(length) if isinstance(length, (list, tuple)) else (length,)
    rate = given.pop("dropout")
    if rate:
        given[TARGET_CLASS] = DroppedEmbedding
        given["rate"] = rate


def select_normalization(given: Arguments) -> None:
    """Selects the class for `mode`."""
    mode = given.pop("mode")
    kinds = {0: layers.BatchNormalization, 1: FeaturewiseNormalization, 2: BatchwiseNormalization}
    if mode not in kinds:
        raise ValueError(
            f"BatchNormalization of Keras 1: mode must be 0, 1 or 2. Received: {mode!r}"
        )
    if mode:
        given[TARGET_CLASS] = kinds[mode]


def convert_zero_padding(given: Arguments) -> None:
    """Converts a padding that is a dict by side, or one number for each side, to pairs."""
    value = given["padding"]
    if isinstance(value, dict):
        sides = ("top_pad", "bottom_pad", "left_pad", "right_pad")
        unknown = [side for side in value if side not in sides]
        if unknown:
            raise ValueError(
                f"padding: the keys must be in {', '.join(sides)}. Received: {unknown[0]!r}"
            )
        top, bottom, left, right = (value.get(side, 0) for side in sides)
        two = "dim_ordering" in given
        given["padding"] = ((top, bottom), (left, right)) if two else (left, right)
    elif isinstance(value, (list, tuple)) and len(value) == 4:
        given["padding"] = (tuple(value[:2]), tuple(value[2:]))


def infer_output_padding(given: Arguments) -> None:
    """Computes the output padding that results in the size of `output_shape`."""
    shape = given.pop("output_shape")
    first = given["dim_ordering"] == "channels_first"
    sizes = shape[2:4] if first else shape[1:3]
    if None in sizes:
        return
    same = given["border_mode"] == "same"
    extra: list[int] = []
    for size, kernel, step in zip(sizes, given["kernel_size"], given["subsample"], strict=True):
        begun = -(-size // step) if same else (size - kernel) // step + 1
        extra.append(size - (begun - 1) * step - (kernel % 2 if same else kernel))
    # With "same" padding, the default output size is already a multiple of the stride.
    steps = zip(sizes, given["subsample"], strict=True)
    if not (same and all(size % step == 0 for size, step in steps)):
        given["output_padding"] = tuple(extra)
