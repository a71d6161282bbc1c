"""The weights of layers as the parameters of modules of torch, and back.

| layer | module | kernel here | weight in torch |
| --- | --- | --- | --- |
| Dense, EinsumDense | Linear | inputs, outputs | outputs, inputs |
| Conv1D, Conv2D, Conv3D | Conv | window, inputs, outputs | outputs, inputs, window |
| ConvTranspose | ConvTranspose | window, outputs, inputs | inputs, outputs, window |
| DepthwiseConv | Conv with groups | window, inputs, multiplier | inputs * multiplier, 1, window |
| LSTM | LSTM | gates i, f, c, o; one bias | the same gates; two biases, which are added |
| GRU | GRU | gates z, r, h | gates r, z, n |
| MultiHeadAttention | MultiheadAttention | a kernel for each projection | in_proj_weight: q, k, v |
"""

from __future__ import annotations

import math
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

__all__ = ["TORCH", "find_layouts"]


# ---------------------------------------------------------------------------- kernel and bias


def _linear_of_einsum(layer: Any, kernel: np.ndarray) -> np.ndarray:
    return kernel.reshape(einsum_sizes(layer)).T


def _einsum_of_linear(layer: Any, weight: np.ndarray) -> np.ndarray:
    return weight.T.reshape(layer.weights[0].shape)


def _convolution_layout(rank: int) -> Layout:
    window = tuple(range(rank))
    return kernel_layout(
        f"Conv{rank}d",
        lambda layer, kernel: kernel.transpose(rank + 1, rank, *window),
        lambda layer, weight: weight.transpose(*(2 + i for i in window), 1, 0),
    )


def _transposed_layout(rank: int) -> Layout:
    window = tuple(range(rank))
    return kernel_layout(
        f"ConvTranspose{rank}d",
        lambda layer, kernel: kernel.transpose(rank + 1, rank, *window),
        lambda layer, weight: weight.transpose(*(2 + i for i in window), 1, 0),
    )


def _depthwise_layout(rank: int) -> Layout:
    window = tuple(range(rank))

    def to_torch(layer: Any, kernel: np.ndarray) -> np.ndarray:
        moved = kernel.transpose(rank, rank + 1, *window)
        return moved.reshape(-1, 1, *kernel.shape[:rank])

    def from_torch(layer: Any, weight: np.ndarray) -> np.ndarray:
        shape = layer.weights[0].shape
        moved = weight.reshape(*shape[rank:], *shape[:rank])
        return moved.transpose(*(2 + i for i in window), 0, 1)

    return kernel_layout(f"Conv{rank}d", to_torch, from_torch)


# ------------------------------------------------------------------------------- equal layouts

_BATCH = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
_AFFINE = {"gamma": "weight", "beta": "bias"}


def _write_slopes(layer: Any) -> dict[str, np.ndarray]:
    (alpha,) = values_of(layer)
    return {"weight": alpha.reshape(-1)}


def _read_slopes(layer: Any, given: Arrays) -> list[np.ndarray]:
    return [given["weight"].reshape(layer.weights[0].shape)]


# ----------------------------------------------------------------------------------- recurrence


def _recurrent_layout(module: str, order: tuple[int, ...], has_two_biases: bool) -> Layout:
    """Returns the layout of a recurrent layer.

    Args:
        module: the class in torch.
        order: for each gate of torch, the number of that of the layer.
        has_two_biases: whether the bias of the layer has two rows, of the inputs and of the states.
    """
    back = tuple(order.index(gate) for gate in range(len(order)))

    def write(layer: Any) -> dict[str, np.ndarray]:
        kernel, recurrent, *bias = values_of(layer)
        found = {
            "weight_ih_l0": reorder_gates(kernel, order).T,
            "weight_hh_l0": reorder_gates(recurrent, order).T,
        }
        if bias:
            rows = bias[0] if has_two_biases else np.stack([bias[0], np.zeros_like(bias[0])])
            found["bias_ih_l0"], found["bias_hh_l0"] = reorder_gates(rows, order)
        return found

    def read(layer: Any, given: Arrays) -> list[np.ndarray]:
        found = [reorder_gates(given[f"weight_{kind}_l0"].T, back) for kind in ("ih", "hh")]
        if len(layer.weights) > 2:
            rows = np.stack([given["bias_ih_l0"], given["bias_hh_l0"]])
            found.append(reorder_gates(rows if has_two_biases else rows.sum(axis=0), back))
        return found

    return Layout(module, write, read, ("bias_ih_l0", "bias_hh_l0"))


_GATES = {
    layers.LSTM: _recurrent_layout("LSTM", (0, 1, 2, 3), has_two_biases=False),
    layers.GRU: _recurrent_layout("GRU", (1, 0, 2), has_two_biases=True),
    layers.SimpleRNN: _recurrent_layout("RNN", (0,), has_two_biases=False),
}


def _write_bidirectional(layer: Any) -> dict[str, np.ndarray]:
    forward, backward = (_GATES[type(part)].write(part) for part in _directions(layer))
    return {**forward, **{f"{name}_reverse": array for name, array in backward.items()}}


def _read_bidirectional(layer: Any, given: Arrays) -> list[np.ndarray]:
    found = []
    for part, ending in zip(_directions(layer), ("", "_reverse"), strict=True):
        layout = _GATES[type(part)]
        own = {name: given[f"{name}{ending}"] for name in layout.write(part)}
        found += layout.read(part, own)
    return found


def _directions(layer: Any) -> tuple[Any, Any]:
    return layer.forward_layer, layer.backward_layer


# ------------------------------------------------------------------------------------ attention


def _write_attention(layer: Any) -> dict[str, np.ndarray]:
    *projections, output = _projections(layer)
    linear = [_LINEAR_OF_EINSUM.write(part) for part in projections]
    last = _LINEAR_OF_EINSUM.write(output)
    found = {"in_proj_weight": np.concatenate([part["weight"] for part in linear])}
    if "bias" in last:
        found["in_proj_bias"] = np.concatenate([part["bias"] for part in linear])
    return {**found, **{f"out_proj.{name}": array for name, array in last.items()}}


def _read_attention(layer: Any, given: Arrays) -> list[np.ndarray]:
    *projections, output = _projections(layer)
    found: list[np.ndarray] = []
    start = 0
    for part in projections:
        size = einsum_sizes(part)[1]
        own = {"weight": given["in_proj_weight"][start : start + size]}
        if "in_proj_bias" in given:
            own["bias"] = given["in_proj_bias"][start : start + size]
        found += _LINEAR_OF_EINSUM.read(part, own)
        start += size
    own = {name: given[f"out_proj.{name}"] for name in _LINEAR_OF_EINSUM.write(output)}
    return found + _LINEAR_OF_EINSUM.read(output, own)


def _projections(layer: Any) -> tuple[Any, Any, Any, Any]:
    return layer.query_dense, layer.key_dense, layer.value_dense, layer.output_dense


def _has_equal_sizes(layer: Any) -> bool:
    """Returns whether all projections have as many inputs as outputs, as those in torch have."""
    sizes = {n for part in _projections(layer) for n in einsum_sizes(part)}
    return len(sizes) == 1


_LINEAR_OF_EINSUM = kernel_layout("Linear", _linear_of_einsum, _einsum_of_linear)

_LAYOUTS: dict[type, Layout] = {
    layers.Dense: kernel_layout("Linear", lambda _, x: x.T, lambda _, x: x.T),
    layers.EinsumDense: _LINEAR_OF_EINSUM,
    layers.Conv1D: _convolution_layout(1),
    layers.Conv2D: _convolution_layout(2),
    layers.Conv3D: _convolution_layout(3),
    layers.Conv1DTranspose: _transposed_layout(1),
    layers.Conv2DTranspose: _transposed_layout(2),
    layers.Conv3DTranspose: _transposed_layout(3),
    layers.DepthwiseConv1D: _depthwise_layout(1),
    layers.DepthwiseConv2D: _depthwise_layout(2),
    layers.BatchNormalization: named_layout("BatchNorm", _BATCH, ("running_mean", "running_var")),
    layers.LayerNormalization: named_layout("LayerNorm", _AFFINE),
    layers.GroupNormalization: named_layout("GroupNorm", _AFFINE),
    layers.RMSNormalization: named_layout("RMSNorm", {"scale": "weight"}),
    layers.Embedding: named_layout("Embedding", {"embeddings": "weight"}),
    layers.PReLU: Layout("PReLU", _write_slopes, _read_slopes),
    layers.MultiHeadAttention: Layout(
        "MultiheadAttention", _write_attention, _read_attention, signature="in_proj_weight"
    ),
    **_GATES,
}
_BIDIRECTIONAL = Layout(
    "LSTM or GRU, bidirectional",
    _write_bidirectional,
    _read_bidirectional,
    tuple(f"bias_{kind}_l0{end}" for kind in ("ih", "hh") for end in ("", "_reverse")),
)


def find_layouts(layer: Any) -> tuple[Layout, ...]:
    """Returns how a layer corresponds to a module; nothing if no module does."""
    kind = type(layer)
    if kind is layers.Bidirectional:
        both = all(type(part) in _GATES for part in _directions(layer))
        return (_BIDIRECTIONAL,) if both else ()
    if kind is layers.GRU and not layer.reset_after:
        return ()  # torch applies the reset gate after the product only
    if kind is layers.EinsumDense and not is_linear(layer):
        return ()
    if kind is layers.PReLU and math.prod(layer.weights[0].shape[:-1]) != 1:
        return ()  # torch has one slope for each channel
    if kind is layers.BatchNormalization and layer.renorm:
        return ()
    if kind is layers.MultiHeadAttention and not _has_equal_sizes(layer):
        return ()
    return (_LAYOUTS[kind],) if kind in _LAYOUTS else ()


TORCH = Source(
    "torch",
    "state_dict",
    ".",
    find_layouts,
    ignored=("num_batches_tracked",),
    signatures=("in_proj_weight",),
)
"""The modules of torch."""
