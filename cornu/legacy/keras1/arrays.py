"""The arrays of layers of Keras 1, where they differ from those of today."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu import layers
from cornu.legacy.array_row import ArrayRow, stored_weights
from cornu.legacy.keras1.argument_conversions import GATES
from cornu.legacy.kernels import flip_for_backend
from cornu.legacy.layers.activations import ParametricSoftplus, SReLU
from cornu.legacy.layers.dense import Highway, MaxoutDense
from cornu.legacy.layers.locally_connected import LocallyConnected1D, LocallyConnected2D
from cornu.legacy.layers.modes import BatchwiseNormalization, FeaturewiseNormalization
from cornu.legacy.layers.theano import check_layer
from cornu.legacy.source import Source

__all__ = ["ARRAYS", "name_arrays"]

Arrays = list[np.ndarray]

# Since this version, kernels of 1D convolutions are (length, 1, in, out).
_FIRST_WITH_NEW_1D = (1, 1)


def _move(kernel: np.ndarray, axes: Sequence[int], source: Source) -> np.ndarray:
    """Transposes a kernel to (*sizes, in, out), and reverses it if Theano computed with it."""
    if kernel.ndim != len(axes):
        raise ValueError(
            f"Expected a kernel with {len(axes)} axes. Received the shape {kernel.shape}."
        )
    return flip_for_backend(kernel.transpose(axes), source)


def _by_format(layer: Any, last: Sequence[int], first: Sequence[int]) -> Sequence[int]:
    return first if layer.data_format == "channels_first" else last


def _convert_convolution_1d(layer: Any, arrays: Arrays, source: Source) -> Arrays:
    """Converts a kernel (length, 1, in, out), or (out, in, length, 1) of early versions."""
    check_layer(layer, source)
    kernel, *bias = arrays
    new, old = (0, 2, 3), (2, 1, 0)
    expected = layer.kernel.shape
    fits = [axes for axes in (new, old) if _shape(kernel, axes) == expected]
    # If both fit, as for one input channel, the version decides.
    is_old = fits == [old] or len(fits) == 2 and source.version < _FIRST_WITH_NEW_1D
    axes = (2, 3, 1, 0) if is_old else (0, 1, 2, 3)
    moved = _move(kernel, axes, source)
    return [moved[:, 0] if moved.shape[1] == 1 else moved, *bias]


def _shape(kernel: np.ndarray, axes: Sequence[int]) -> tuple[int, ...]:
    return tuple(kernel.shape[axis] for axis in axes) if kernel.ndim == 4 else ()


def _convert_convolution_2d(layer: Any, arrays: Arrays, source: Source) -> Arrays:
    check_layer(layer, source)
    axes = _by_format(layer, (0, 1, 2, 3), (2, 3, 1, 0))
    return [_move(arrays[0], axes, source), *arrays[1:]]


def _convert_convolution_3d(layer: Any, arrays: Arrays, source: Source) -> Arrays:
    check_layer(layer, source)
    axes = _by_format(layer, (0, 1, 2, 3, 4), (2, 3, 4, 1, 0))
    return [_move(arrays[0], axes, source), *arrays[1:]]


def _convert_transposed(layer: Any, arrays: Arrays, source: Source) -> Arrays:
    check_layer(layer, source)
    axes = _by_format(layer, (0, 1, 3, 2), (2, 3, 0, 1))
    return [_move(arrays[0], axes, source), *arrays[1:]]


def _convert_separable(layer: Any, arrays: Arrays, source: Source) -> Arrays:
    check_layer(layer, source)
    axes = _by_format(layer, (0, 1, 2, 3), (2, 3, 1, 0))
    return [*(_move(kernel, axes, source) for kernel in arrays[:2]), *arrays[2:]]


def _convert_gates(layer: Any, arrays: Arrays, source: Source) -> Arrays:
    """Concatenates the arrays of all gates, unless they are one array already."""
    then, now = next(GATES[cls] for cls in type(layer).__mro__ if cls in GATES)
    if len(arrays) == 3:
        return arrays
    gates = {gate: arrays[3 * i : 3 * i + 3] for i, gate in enumerate(then)}
    columns = zip(*(gates[gate] for gate in now), strict=True)
    return [np.concatenate(parts, axis=-1) for parts in columns]


def _convert_conv_lstm(layer: Any, arrays: Arrays, source: Source) -> Arrays:
    check_layer(layer, source)
    axes = _by_format(layer, (0, 1, 2, 3), (2, 3, 1, 0))
    moved = [_move(a, axes, source) if a.ndim == 4 else a for a in arrays]
    return _convert_gates(layer, moved, source)


def _count_gates(layer: Any, source: Source) -> tuple[int, int]:
    now = next(GATES[cls] for cls in type(layer).__mro__ if cls in GATES)[1]
    count = 3 if source.fuses_gates else 3 * len(now)
    return (count, 0) if layer.trainable else (0, count)


def _restore_1d(layer: Any, arrays: Arrays, source: Source) -> Arrays:
    return [arrays[0][:, None], *arrays[1:]]


def _restore_kernels(last: Sequence[int], first: Sequence[int], count: int = 1) -> Any:
    """Returns the inverse of a conversion that transposes kernels by these axes."""

    def restore(layer: Any, arrays: Arrays, source: Source) -> Arrays:
        axes = np.argsort(_by_format(layer, last, first))
        return [*(a.transpose(axes) for a in arrays[:count]), *arrays[count:]]

    return restore


def _restore_gates(layer: Any, arrays: Arrays, source: Source) -> Arrays:
    """Splits the arrays into those of the gates."""
    then, now = next(GATES[cls] for cls in type(layer).__mro__ if cls in GATES)
    if source.fuses_gates:
        return arrays
    columns = [np.split(array, len(now), axis=-1) for array in arrays]
    return [column[now.index(gate)] for gate in then for column in columns]


def _restore_conv_lstm(layer: Any, arrays: Arrays, source: Source) -> Arrays:
    axes = np.argsort(_by_format(layer, (0, 1, 2, 3), (2, 3, 1, 0)))
    split = _restore_gates(layer, arrays, source)
    return [a.transpose(axes) if a.ndim == 4 else a for a in split]


_2D = ((0, 1, 2, 3), (2, 3, 1, 0))
_3D = ((0, 1, 2, 3, 4), (2, 3, 4, 1, 0))
_CONVOLUTION = ArrayRow(_convert_convolution_2d, restore=_restore_kernels(*_2D))

ARRAYS: dict[type, ArrayRow] = {
    layers.Conv1D: ArrayRow(_convert_convolution_1d, restore=_restore_1d),
    layers.Conv2D: _CONVOLUTION,
    layers.Conv3D: ArrayRow(_convert_convolution_3d, restore=_restore_kernels(*_3D)),
    layers.Conv2DTranspose: ArrayRow(
        _convert_transposed, restore=_restore_kernels((0, 1, 3, 2), (2, 3, 0, 1))
    ),
    layers.SeparableConv2D: ArrayRow(_convert_separable, restore=_restore_kernels(*_2D, 2)),
    layers.SimpleRNN: ArrayRow(_convert_gates, _count_gates, _restore_gates),
    layers.GRU: ArrayRow(_convert_gates, _count_gates, _restore_gates),
    layers.LSTM: ArrayRow(_convert_gates, _count_gates, _restore_gates),
    layers.ConvLSTM2D: ArrayRow(_convert_conv_lstm, _count_gates, _restore_conv_lstm),
}

_KERNEL = ("W", "b")
_NORMALIZATION = ("gamma", "beta", "running_mean", "running_std")
# The ends of the names of arrays, in the order of files.
_NAMES: dict[type, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            *(layers.Conv1D, layers.Conv2D, layers.Conv2DTranspose, layers.Conv3D, layers.Dense),
            *(layers.Embedding, LocallyConnected1D, LocallyConnected2D, MaxoutDense),
        ),
        _KERNEL,
    ),
    **dict.fromkeys(
        (layers.BatchNormalization, BatchwiseNormalization, FeaturewiseNormalization),
        _NORMALIZATION,
    ),
    layers.SeparableConv2D: ("depthwise_kernel", "pointwise_kernel", "b"),
    layers.PReLU: ("alphas",),
    ParametricSoftplus: ("alphas", "betas"),
    SReLU: ("t_left", "a_left", "t_right", "a_right"),
    Highway: ("W", "W_carry", "b", "b_carry"),
}


def name_arrays(layer: Any, name: str, source: Source) -> list[str]:
    """Returns the names of the arrays of a layer in Keras 1 on TensorFlow.

    Args:
        layer: the layer, which consists of no other layers.
        name: its name in the file.
        source: the version, with whether gates share one array.
    """
    gates = next((GATES[cls][0] for cls in type(layer).__mro__ if cls in GATES), "")
    ends = next((_NAMES[cls] for cls in type(layer).__mro__ if cls in _NAMES), None)
    if gates:
        fused = source.fuses_gates or len(set(gates)) == 1
        ends = tuple(
            f"{k}" if fused else f"{k}_{g}" for g in (gates[:1] if fused else gates) for k in "WUb"
        )
    if ends is None:  # a layer of the program
        trained, fixed = stored_weights(layer)
        return [f"{variable.name}:0" for variable in (*trained, *fixed)]
    return [f"{name}_{end}:0" for end in ends]
