"""The weights of layers as the parameters of modules of Flax (linen and nnx).

| layer | module | what differs in Flax |
| --- | --- | --- |
| Dense | Dense, Linear | nothing |
| EinsumDense | DenseGeneral, LinearGeneral, Dense | Dense has two axes |
| Conv1D, Conv2D, Conv3D | Conv | nothing |
| ConvTranspose | ConvTranspose | inputs before outputs; the window is reversed |
| DepthwiseConv | Conv with groups | window, 1, inputs * multiplier |
| BatchNormalization and others | BatchNorm, LayerNorm, GroupNorm, RMSNorm | names |
| LSTM, LSTMCell | LSTMCell, OptimizedLSTMCell | a kernel for each gate, or one for all |
| GRU, GRUCell | GRUCell | the bias of two recurrent gates is part of that of the inputs |
| SimpleRNN, SimpleRNNCell | SimpleCell | names |
| MultiHeadAttention | MultiHeadDotProductAttention, MultiHeadAttention | names |
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu import layers
from cornu.export.weights.layout import (
    Arrays,
    Layout,
    einsum_sizes,
    is_linear,
    kernel_layout,
    named_layout,
    reorder_gates,
    values_of,
)
from cornu.export.weights.matching import Source

__all__ = ["FLAX"]

_KERNEL, _BIAS = "kernel", "bias"


def _same(layer: Any, kernel: np.ndarray) -> np.ndarray:
    return kernel


# ------------------------------------------------------------------------------ kernel and bias

_DENSE = kernel_layout("Dense", _same, _same, _KERNEL)
_GENERAL = kernel_layout("DenseGeneral", _same, _same, _KERNEL, has_flat_bias=False)
_DENSE_OF_EINSUM = kernel_layout(
    "Dense",
    lambda layer, kernel: kernel.reshape(einsum_sizes(layer)),
    lambda layer, kernel: kernel.reshape(layer.weights[0].shape),
    _KERNEL,
)
_CONV = kernel_layout("Conv", _same, _same, _KERNEL)


def _reverse_window(layer: Any, kernel: np.ndarray) -> np.ndarray:
    window = tuple(range(kernel.ndim - 2))
    return np.flip(kernel, window).swapaxes(-1, -2)


_TRANSPOSED = kernel_layout("ConvTranspose", _reverse_window, _reverse_window, _KERNEL)
_DEPTHWISE = kernel_layout(
    "Conv",
    lambda layer, kernel: kernel.reshape(*kernel.shape[:-2], 1, -1),
    lambda layer, kernel: kernel.reshape(layer.weights[0].shape),
    _KERNEL,
)


# ------------------------------------------------------------------------------------ attention


def _projections(layer: Any) -> dict[str, Any]:
    return {
        "query": layer.query_dense,
        "key": layer.key_dense,
        "value": layer.value_dense,
        "out": layer.output_dense,
    }


def _write_attention(layer: Any) -> dict[str, np.ndarray]:
    return {
        f"{part}/{name}": array
        for part, inner in _projections(layer).items()
        for name, array in _GENERAL.write(inner).items()
    }


def _read_attention(layer: Any, given: Arrays) -> list[np.ndarray]:
    found = []
    for part, inner in _projections(layer).items():
        own = {name: given[f"{part}/{name}"] for name in _GENERAL.write(inner)}
        found += _GENERAL.read(inner, own)
    return found


# ----------------------------------------------------------------------------------- recurrence

# Gates by the letters of Flax, in the order of the layer.
_LSTM, _GRU = "ifgo", "zrn"
_FUSED_GRU = (1, 0, 2)  # nnx has r before z


def _split_gates(layer: Any, gates: str) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray]:
    """Returns the kernels of inputs and states by gate, and the biases in rows."""
    kernel, recurrent, *bias = values_of(layer)
    rows = bias[0] if bias else np.zeros(kernel.shape[1], kernel.dtype)
    return (
        np.split(kernel, len(gates), axis=-1),
        np.split(recurrent, len(gates), axis=-1),
        np.atleast_2d(rows),
    )


def _write_lstm(layer: Any) -> dict[str, np.ndarray]:
    kernels, recurrent, rows = _split_gates(layer, _LSTM)
    found = {f"i{gate}/{_KERNEL}": x for gate, x in zip(_LSTM, kernels, strict=True)}
    found |= {f"h{gate}/{_KERNEL}": x for gate, x in zip(_LSTM, recurrent, strict=True)}
    biases = np.split(rows[0], len(_LSTM))
    return found | {f"h{gate}/{_BIAS}": x for gate, x in zip(_LSTM, biases, strict=True)}


def _read_gates(given: Arrays, side: str, kind: str, gates: str) -> np.ndarray:
    return np.concatenate([given[f"{side}{gate}/{kind}"] for gate in gates], axis=-1)


def _with_bias(layer: Any, kernels: list[np.ndarray], bias: np.ndarray) -> list[np.ndarray]:
    return [*kernels, bias] if len(layer.weights) > 2 else kernels


def _read_lstm(layer: Any, given: Arrays) -> list[np.ndarray]:
    kernels = [_read_gates(given, side, _KERNEL, _LSTM) for side in "ih"]
    return _with_bias(layer, kernels, _read_gates(given, "h", _BIAS, _LSTM))


def _write_gru(layer: Any) -> dict[str, np.ndarray]:
    kernels, recurrent, rows = _split_gates(layer, _GRU)
    found = {f"i{gate}/{_KERNEL}": x for gate, x in zip(_GRU, kernels, strict=True)}
    found |= {f"h{gate}/{_KERNEL}": x for gate, x in zip(_GRU, recurrent, strict=True)}
    inputs, states = (np.split(row, len(_GRU)) for row in (rows[0], rows[-1]))
    found |= {f"i{gate}/{_BIAS}": x for gate, x in zip(_GRU, inputs, strict=True)}
    # Those of the states that are added to those of the inputs are 0 in Flax.
    return found | {f"hn/{_BIAS}": states[-1]}


def _read_gru(layer: Any, given: Arrays) -> list[np.ndarray]:
    kernels = [_read_gates(given, side, _KERNEL, _GRU) for side in "ih"]
    last = given[f"hn/{_BIAS}"]
    states = np.concatenate([np.zeros_like(last), np.zeros_like(last), last])
    return _with_bias(layer, kernels, np.stack([_read_gates(given, "i", _BIAS, _GRU), states]))


def _fused_layout(module: str, order: tuple[int, ...], side: str, has_two_biases: bool) -> Layout:
    """Returns the layout of a cell with one kernel for all gates.

    Args:
        module: the class in Flax.
        order: for each gate of Flax, the number of that of the layer.
        side: `i` or `h`, which of the two kernels has the bias.
        has_two_biases: whether the layer has a bias of the states as well.
    """
    back = tuple(order.index(gate) for gate in range(len(order)))
    names = (f"dense_i/{_KERNEL}", f"dense_h/{_KERNEL}", f"dense_{side}/{_BIAS}")

    def write(layer: Any) -> dict[str, np.ndarray]:
        kernel, recurrent, *bias = values_of(layer)
        row = np.atleast_2d(bias[0])[0] if bias else np.zeros(kernel.shape[1], kernel.dtype)
        arrays = (reorder_gates(array, order) for array in (kernel, recurrent, row))
        return dict(zip(names, arrays, strict=True))

    def read(layer: Any, given: Arrays) -> list[np.ndarray]:
        *kernels, row = (reorder_gates(given[name], back) for name in names)
        bias = np.stack([row, np.zeros_like(row)]) if has_two_biases else row
        return _with_bias(layer, kernels, bias)

    return Layout(module, write, read, (names[2],))


def _simple_layout(inputs: str, states: str) -> Layout:
    names = (f"{inputs}/{_KERNEL}", f"{states}/{_KERNEL}", f"{inputs}/{_BIAS}")

    def write(layer: Any) -> dict[str, np.ndarray]:
        kernel, recurrent, *bias = values_of(layer)
        row = bias[0] if bias else np.zeros(kernel.shape[1], kernel.dtype)
        return dict(zip(names, (kernel, recurrent, row), strict=True))

    def read(layer: Any, given: Arrays) -> list[np.ndarray]:
        *kernels, bias = (given[name] for name in names)
        return _with_bias(layer, kernels, bias)

    return Layout("SimpleCell", write, read, (names[2],))


def _within(layout: Layout, prefix: str) -> Layout:
    """Returns the layout of a module that has another one as an attribute, as RNN has its cell."""

    def read(layer: Any, given: Arrays) -> list[np.ndarray]:
        return layout.read(layer, {n.removeprefix(prefix): array for n, array in given.items()})

    return layout._replace(
        write=lambda layer: {f"{prefix}{n}": array for n, array in layout.write(layer).items()},
        read=read,
        optional=tuple(f"{prefix}{name}" for name in layout.optional),
    )


def _cells(*kinds: Layout) -> tuple[Layout, ...]:
    """Returns the layouts of cells, and of RNN modules with them."""
    return (*kinds, *(_within(layout, "cell/") for layout in kinds))


_BIASES_OF_LSTM = tuple(f"h{gate}/{_BIAS}" for gate in _LSTM)
_BIASES_OF_GRU = (*(f"i{gate}/{_BIAS}" for gate in _GRU), f"hn/{_BIAS}")
_LSTM_CELLS = _cells(
    Layout("LSTMCell", _write_lstm, _read_lstm, _BIASES_OF_LSTM),
    _fused_layout("OptimizedLSTMCell", (0, 1, 2, 3), "h", has_two_biases=False),
)
_GRU_CELLS = _cells(
    Layout("GRUCell", _write_gru, _read_gru, _BIASES_OF_GRU),
    _fused_layout("GRUCell", _FUSED_GRU, "i", has_two_biases=True),
)
_SIMPLE_CELLS = _cells(_simple_layout("i", "h"), _simple_layout("dense_i", "dense_h"))
_RECURRENT = {
    layers.LSTM: _LSTM_CELLS,
    layers.LSTMCell: _LSTM_CELLS,
    layers.GRU: _GRU_CELLS,
    layers.GRUCell: _GRU_CELLS,
    layers.SimpleRNN: _SIMPLE_CELLS,
    layers.SimpleRNNCell: _SIMPLE_CELLS,
}


# ------------------------------------------------------------------------------------ the table

_STATISTICS = {"moving_mean": "mean", "moving_variance": "var"}
_AFFINE = {"gamma": "scale", "beta": "bias"}

_LAYOUTS: dict[type, tuple[Layout, ...]] = {
    layers.Dense: (_DENSE,),
    layers.EinsumDense: (_GENERAL, _DENSE_OF_EINSUM),
    **dict.fromkeys((layers.Conv1D, layers.Conv2D, layers.Conv3D), (_CONV,)),
    **dict.fromkeys(
        (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose), (_TRANSPOSED,)
    ),
    **dict.fromkeys((layers.DepthwiseConv1D, layers.DepthwiseConv2D), (_DEPTHWISE,)),
    layers.BatchNormalization: (
        named_layout("BatchNorm", {**_AFFINE, **_STATISTICS}, tuple(_STATISTICS.values())),
    ),
    layers.LayerNormalization: (named_layout("LayerNorm", _AFFINE),),
    layers.GroupNormalization: (named_layout("GroupNorm", _AFFINE),),
    layers.RMSNormalization: (named_layout("RMSNorm", {"scale": "scale"}),),
    layers.Embedding: (named_layout("Embed", {"embeddings": "embedding"}),),
    layers.MultiHeadAttention: (
        Layout(
            "MultiHeadDotProductAttention",
            _write_attention,
            _read_attention,
            tuple(f"{part}/{_BIAS}" for part in ("query", "key", "value", "out")),
            signature=f"query/{_KERNEL}",
        ),
    ),
    **_RECURRENT,
}


def _find_layouts(layer: Any) -> tuple[Layout, ...]:
    kind = type(layer)
    is_gru = kind is layers.GRU or kind is layers.GRUCell
    if is_gru and not layer.reset_after:
        return ()  # Flax applies the reset gate after the product only
    if kind is layers.EinsumDense and not is_linear(layer):
        return (_GENERAL,)
    return _LAYOUTS.get(kind, ())


FLAX = Source(
    "Flax",
    "tree",
    "/",
    _find_layouts,
    # Attention, and the cells of recurrent layers.
    signatures=("query/kernel", "ii/kernel", "ir/kernel", "i/kernel", "dense_i/kernel"),
)
"""The modules of Flax, and arrays of other programs of JAX with such names."""
