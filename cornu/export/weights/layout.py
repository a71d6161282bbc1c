"""Layout: how the weights of a layer are stored by a module of another library."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from cornu.core.layer.layer import Layer
from cornu.core.state.sharing import copy_to_host

__all__ = [
    "Arrays",
    "Layout",
    "Layouts",
    "einsum_sizes",
    "is_linear",
    "kernel_layout",
    "named_layout",
    "reorder_gates",
    "values_of",
]

Arrays: TypeAlias = Mapping[str, np.ndarray]


class Layout(NamedTuple):
    """How a layer corresponds to a module.

    Attributes:
        module: the name of the class in the other library.
        write: returns the parameters of the module by name.
        read: returns the weights in the order of `layer.weights` from these.
        optional: parameters that are 0 if a module does not have them.
        statistics: parameters that no optimizer updates.
        signature: a parameter without which the layers in this one are modules of their own.
    """

    module: str
    write: Callable[[Layer], dict[str, np.ndarray]]
    read: Callable[[Layer, Arrays], list[np.ndarray]]
    optional: tuple[str, ...] = ()
    statistics: tuple[str, ...] = ()
    signature: str = ""


# Returns the layouts of a layer; the first one that fits is used.
Layouts: TypeAlias = Callable[[Layer], Sequence[Layout]]


def values_of(layer: Layer) -> list[np.ndarray]:
    """Returns the weights of a layer as arrays."""
    return copy_to_host(layer.weights)


def kernel_layout(
    module: str,
    write_kernel: Callable[[Layer, np.ndarray], np.ndarray],
    read_kernel: Callable[[Layer, np.ndarray], np.ndarray],
    name: str = "weight",
    has_flat_bias: bool = True,
) -> Layout:
    """Returns the layout of a layer with a kernel, and a bias or none.

    Args:
        module: the class in the other library.
        write_kernel, read_kernel: convert the kernel.
        name: the parameter that is the kernel.
        has_flat_bias: whether the bias of the module has one axis, even if that of the layer has
            several.
    """

    def write(layer: Layer) -> dict[str, np.ndarray]:
        kernel, *bias = values_of(layer)
        found = {name: write_kernel(layer, kernel)}
        if bias:
            found["bias"] = bias[0].reshape(-1) if has_flat_bias else bias[0]
        return found

    def read(layer: Layer, given: Arrays) -> list[np.ndarray]:
        kernel = read_kernel(layer, given[name])
        biases = [v.shape for v in layer.weights[1:]]
        return [kernel, *(given["bias"].reshape(shape) for shape in biases)]

    return Layout(module, write, read, ("bias",))


def named_layout(module: str, names: Mapping[str, str], statistics: tuple[str, ...] = ()) -> Layout:
    """Returns the layout of a layer whose weights have equal shapes and other names.

    Args:
        module: the class in the other library.
        names: the names of the parameters by those of the weights.
        statistics: see `Layout`.
    """

    def write(layer: Layer) -> dict[str, np.ndarray]:
        return {names[v.name]: np.asarray(v.value) for v in layer.weights}

    def read(layer: Layer, given: Arrays) -> list[np.ndarray]:
        return [given[names[v.name]] for v in layer.weights]

    return Layout(module, write, read, statistics=statistics)


def reorder_gates(array: np.ndarray, gates: Sequence[int]) -> np.ndarray:
    """Changes the order of the gates, which are parts of the last axis."""
    parts = np.split(array, len(gates), axis=-1)
    return np.concatenate([parts[gate] for gate in gates], axis=-1)


def is_linear(layer: Any) -> bool:
    """Returns whether an EinsumDense layer sums over the first axes of its kernel."""
    return _count_summed(layer) is not None


def einsum_sizes(layer: Any) -> tuple[int, int]:
    """Returns the numbers of inputs and of outputs of an EinsumDense layer that is linear."""
    shape, count = layer.weights[0].shape, _count_summed(layer)
    return math.prod(shape[:count]), math.prod(shape[count:])


def _count_summed(layer: Any) -> int | None:
    inputs, rest = layer.equation.replace("...", "").split(",")
    kernel, outputs = rest.split("->")
    summed = [letter in inputs and letter not in outputs for letter in kernel]
    return sum(summed) if all(summed[: sum(summed)]) else None
