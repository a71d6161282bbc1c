"""The arrays of layers of Keras 2 and tf.keras, where they differ from those of today."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu import layers
from cornu.legacy.array_row import ArrayRow
from cornu.legacy.kernels import flip_for_backend
from cornu.legacy.source import Source

__all__ = ["ARRAYS"]

Arrays = list[np.ndarray]


def _convert_convolution(layer: Any, arrays: Arrays, source: Source) -> Arrays:
    return [flip_for_backend(arrays[0], source), *arrays[1:]]


def _convert_conv_lstm(layer: Any, arrays: Arrays, source: Source) -> Arrays:
    return [flip_for_backend(kernel, source) for kernel in arrays[:2]] + arrays[2:]


def _convert_lstm(layer: Any, arrays: Arrays, source: Source) -> Arrays:
    """Converts the arrays of CuDNNLSTM, which have two biases in one array."""
    if len(arrays) != 3 or arrays[2].shape != (8 * layer.units,):
        return arrays
    kernel, recurrent_kernel = _convert_cudnn_kernels(arrays, 4)
    return [kernel, recurrent_kernel, arrays[2].reshape(2, -1).sum(0)]


def _convert_gru(layer: Any, arrays: Arrays, source: Source) -> Arrays:
    """Converts the arrays of CuDNNGRU, whose two biases are one array."""
    if len(arrays) != 3 or arrays[2].shape != (6 * layer.units,):
        return arrays
    if not layer.reset_after:
        raise ValueError(
            f"Layer {layer.name!r} has weights of CuDNNGRU in the file, which a GRU with "
            "reset_after=False cannot compute with. Create it with reset_after=True."
        )
    kernel, recurrent_kernel = _convert_cudnn_kernels(arrays, 3)
    return [kernel, recurrent_kernel, arrays[2].reshape(2, -1)]


def _convert_cudnn_kernels(arrays: Arrays, gates: int) -> tuple[np.ndarray, np.ndarray]:
    """Transposes the kernels of each gate; those of inputs keep their shape."""
    kernel, recurrent_kernel = arrays[:2]
    inputs = kernel.shape[0]
    of_inputs = [part.reshape(-1, inputs).T for part in np.split(kernel, gates, axis=1)]
    recurrent = [part.T for part in np.split(recurrent_kernel, gates, axis=1)]
    return np.concatenate(of_inputs, axis=1), np.concatenate(recurrent, axis=1)


_CONVOLUTION = ArrayRow(_convert_convolution)

ARRAYS: dict[type, ArrayRow] = {
    layers.Conv1D: _CONVOLUTION,
    layers.Conv2D: _CONVOLUTION,
    layers.Conv3D: _CONVOLUTION,
    layers.Conv2DTranspose: _CONVOLUTION,
    layers.Conv3DTranspose: _CONVOLUTION,
    layers.ConvLSTM2D: ArrayRow(_convert_conv_lstm),
    layers.LSTM: ArrayRow(_convert_lstm),
    layers.GRU: ArrayRow(_convert_gru),
}
