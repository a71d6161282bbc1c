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
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from cornu import layers

__all__ = ["IGNORED", "Layout", "find_layout"]

Arrays = dict[str, np.ndarray]
# Variables by their name in a layer; the cells of recurrent layers have them.
Variables = Mapping[str, Any]

IGNORED = ("num_batches_tracked",)
"""Parameters of torch that no layer has."""


class Layout(NamedTuple):
    """How a layer corresponds to a module.

    Attributes:
        module: the name of the class in torch.
        to_torch: returns the parameters of the module by name.
        from_torch: returns the weights in the order of `layer.weights` from these.
        optional: parameters that are 0 if a module does not have them.
    """

    module: str
    to_torch: Callable[[Any], Arrays]
    from_torch: Callable[[Any, Arrays], list[np.ndarray]]
    optional: tuple[str, ...] = ()


def _values(layer: Any) -> list[np.ndarray]:
    return [np.asarray(v.value) for v in layer.weights]


# ---------------------------------------------------------------------------- kernel and bias


def _kernel_layout(
    module: str,
    to_torch: Callable[[Any, np.ndarray], np.ndarray],
    from_torch: Callable[[Any, np.ndarray], np.ndarray],
) -> Layout:
    """Returns the layout of a layer with a kernel, and a bias or none."""

    def write(layer: Any) -> Arrays:
        kernel, *bias = _values(layer)
        found = {"weight": to_torch(layer, kernel)}
        return {**found, "bias": bias[0].reshape(-1)} if bias else found

    def read(layer: Any, given: Arrays) -> list[np.ndarray]:
        kernel = from_torch(layer, given["weight"])
        biases = [v.shape for v in layer.weights[1:]]
        return [kernel, *(given["bias"].reshape(shape) for shape in biases)]

    return Layout(module, write, read, ("bias",))


def _einsum_sizes(layer: Any) -> tuple[int, int]:
    """Returns the numbers of inputs and of outputs of an EinsumDense layer."""
    inputs, rest = layer.equation.replace("...", "").split(",")
    kernel, outputs = rest.split("->")
    shape = layer.weights[0].shape
    summed = [letter in inputs and letter not in outputs for letter in kernel]
    count = sum(summed)
    if not all(summed[:count]):
        raise NotImplementedError(f"its equation {layer.equation!r} is not that of a Linear module")
    return math.prod(shape[:count]), math.prod(shape[count:])


def _linear_of_einsum(layer: Any, kernel: np.ndarray) -> np.ndarray:
    return kernel.reshape(_einsum_sizes(layer)).T


def _einsum_of_linear(layer: Any, weight: np.ndarray) -> np.ndarray:
    return weight.T.reshape(layer.weights[0].shape)


def _convolution_layout(rank: int) -> Layout:
    window = tuple(range(rank))
    return _kernel_layout(
        f"Conv{rank}d",
        lambda layer, kernel: kernel.transpose(rank + 1, rank, *window),
        lambda layer, weight: weight.transpose(*(2 + i for i in window), 1, 0),
    )


def _transposed_layout(rank: int) -> Layout:
    window = tuple(range(rank))
    return _kernel_layout(
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

    return _kernel_layout(f"Conv{rank}d", to_torch, from_torch)


# ------------------------------------------------------------------------------- equal layouts


def _named_layout(module: str, names: Mapping[str, str]) -> Layout:
    """Returns the layout of a layer whose weights have other names in torch, and equal shapes."""

    def write(layer: Any) -> Arrays:
        return {names[v.name]: np.asarray(v.value) for v in layer.weights}

    def read(layer: Any, given: Arrays) -> list[np.ndarray]:
        return [given[names[v.name]] for v in layer.weights]

    return Layout(module, write, read)


_BATCH = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
_AFFINE = {"gamma": "weight", "beta": "bias"}


def _write_slopes(layer: Any) -> Arrays:
    (alpha,) = _values(layer)
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

    def reorder(array: np.ndarray, gates: tuple[int, ...]) -> np.ndarray:
        """Changes the order of the gates, which are parts of the last axis."""
        parts = np.split(array, len(gates), axis=-1)
        return np.concatenate([parts[gate] for gate in gates], axis=-1)

    def write(layer: Any) -> Arrays:
        kernel, recurrent, *bias = _values(layer)
        found = {
            "weight_ih_l0": reorder(kernel, order).T,
            "weight_hh_l0": reorder(recurrent, order).T,
        }
        if bias:
            rows = bias[0] if has_two_biases else np.stack([bias[0], np.zeros_like(bias[0])])
            found["bias_ih_l0"], found["bias_hh_l0"] = reorder(rows, order)
        return found

    def read(layer: Any, given: Arrays) -> list[np.ndarray]:
        found = [reorder(given[f"weight_{kind}_l0"].T, back) for kind in ("ih", "hh")]
        if len(layer.weights) > 2:
            rows = np.stack([given["bias_ih_l0"], given["bias_hh_l0"]])
            found.append(reorder(rows if has_two_biases else rows.sum(axis=0), back))
        return found

    return Layout(module, write, read, ("bias_ih_l0", "bias_hh_l0"))


_GATES = {
    layers.LSTM: _recurrent_layout("LSTM", (0, 1, 2, 3), has_two_biases=False),
    layers.GRU: _recurrent_layout("GRU", (1, 0, 2), has_two_biases=True),
    layers.SimpleRNN: _recurrent_layout("RNN", (0,), has_two_biases=False),
}


def _write_bidirectional(layer: Any) -> Arrays:
    forward, backward = (_GATES[type(part)].to_torch(part) for part in _directions(layer))
    return {**forward, **{f"{name}_reverse": array for name, array in backward.items()}}


def _read_bidirectional(layer: Any, given: Arrays) -> list[np.ndarray]:
    found = []
    for part, ending in zip(_directions(layer), ("", "_reverse"), strict=True):
        layout = _GATES[type(part)]
        own = {name: given[f"{name}{ending}"] for name in layout.to_torch(part)}
        found += layout.from_torch(part, own)
    return found


def _directions(layer: Any) -> tuple[Any, Any]:
    return layer.forward_layer, layer.backward_layer


# ------------------------------------------------------------------------------------ attention


def _write_attention(layer: Any) -> Arrays:
    *projections, output = _projections(layer)
    linear = [_LINEAR_OF_EINSUM.to_torch(part) for part in projections]
    last = _LINEAR_OF_EINSUM.to_torch(output)
    found = {"in_proj_weight": np.concatenate([part["weight"] for part in linear])}
    if "bias" in last:
        found["in_proj_bias"] = np.concatenate([part["bias"] for part in linear])
    return {**found, **{f"out_proj.{name}": array for name, array in last.items()}}


def _read_attention(layer: Any, given: Arrays) -> list[np.ndarray]:
    *projections, output = _projections(layer)
    found: list[np.ndarray] = []
    start = 0
    for part in projections:
        size = _einsum_sizes(part)[1]
        own = {"weight": given["in_proj_weight"][start : start + size]}
        if "in_proj_bias" in given:
            own["bias"] = given["in_proj_bias"][start : start + size]
        found += _LINEAR_OF_EINSUM.from_torch(part, own)
        start += size
    own = {name: given[f"out_proj.{name}"] for name in _LINEAR_OF_EINSUM.to_torch(output)}
    return found + _LINEAR_OF_EINSUM.from_torch(output, own)


def _projections(layer: Any) -> tuple[Any, Any, Any, Any]:
    return layer.query_dense, layer.key_dense, layer.value_dense, layer.output_dense


def _has_equal_sizes(layer: Any) -> bool:
    """Returns whether all projections have as many inputs as outputs, as those in torch have."""
    sizes = {n for part in _projections(layer) for n in _einsum_sizes(part)}
    return len(sizes) == 1


_LINEAR_OF_EINSUM = _kernel_layout("Linear", _linear_of_einsum, _einsum_of_linear)

_LAYOUTS: dict[type, Layout] = {
    layers.Dense: _kernel_layout("Linear", lambda _, x: x.T, lambda _, x: x.T),
    layers.EinsumDense: _LINEAR_OF_EINSUM,
    layers.Conv1D: _convolution_layout(1),
    layers.Conv2D: _convolution_layout(2),
    layers.Conv3D: _convolution_layout(3),
    layers.Conv1DTranspose: _transposed_layout(1),
    layers.Conv2DTranspose: _transposed_layout(2),
    layers.Conv3DTranspose: _transposed_layout(3),
    layers.DepthwiseConv1D: _depthwise_layout(1),
    layers.DepthwiseConv2D: _depthwise_layout(2),
    layers.BatchNormalization: _named_layout("BatchNorm", _BATCH),
    layers.LayerNormalization: _named_layout("LayerNorm", _AFFINE),
    layers.GroupNormalization: _named_layout("GroupNorm", _AFFINE),
    layers.RMSNormalization: _named_layout("RMSNorm", {"scale": "weight"}),
    layers.Embedding: _named_layout("Embedding", {"embeddings": "weight"}),
    layers.PReLU: Layout("PReLU", _write_slopes, _read_slopes),
    layers.MultiHeadAttention: Layout("MultiheadAttention", _write_attention, _read_attention),
    **_GATES,
}
_BIDIRECTIONAL = Layout(
    "LSTM or GRU, bidirectional",
    _write_bidirectional,
    _read_bidirectional,
    tuple(f"bias_{kind}_l0{end}" for kind in ("ih", "hh") for end in ("", "_reverse")),
)


def find_layout(layer: Any) -> Layout | None:
    """Returns how a layer corresponds to a module, or None if no module does."""
    kind = type(layer)
    if kind is layers.Bidirectional:
        both = all(type(part) in _GATES for part in _directions(layer))
        return _BIDIRECTIONAL if both else None
    if kind is layers.GRU and not layer.reset_after:
        return None  # torch applies the reset gate after the product only
    if kind is layers.PReLU and math.prod(layer.weights[0].shape[:-1]) != 1:
        return None  # torch has one slope for each channel
    if kind is layers.BatchNormalization and layer.renorm:
        return None
    if kind is layers.MultiHeadAttention and not _has_equal_sizes(layer):
        return None
    return _LAYOUTS.get(kind)
