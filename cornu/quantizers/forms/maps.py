"""The linear maps that layers compute with their weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import jax.numpy as jnp

from cornu.core.graph.op import VariableBase
from cornu.registry import add_class

__all__ = ["Convolution", "Einsum", "LinearMap", "Lookup", "Matmul"]


class LinearMap:
    """What a layer computes with its weight, apart from bias and activation.

    A map has no state: each method receives the layer.

    Attributes:
        weight: the name of the attribute of the layer that holds the weight.
        kind: `"kernel"` for weights that inputs are multiplied by, `"table"` for weights whose rows
            are looked up; a quantization mode has one form for each.
        group_axis: the axis of a matrix of weights along which elements share a scale.
    """

    weight: ClassVar[str] = "kernel"
    kind: ClassVar[str] = "kernel"
    group_axis: ClassVar[int] = 0

    def apply(self, layer: Any, inputs: Any, weight: Any) -> Any:
        """Returns the products of the inputs and a weight."""
        raise NotImplementedError

    def finish(self, layer: Any, outputs: Any) -> Any:
        """Returns the outputs with bias and activation."""
        if layer.bias is not None:
            outputs = outputs + layer.bias
        return layer.activation(outputs)

    def is_factorable(self, layer: Any) -> bool:
        """Whether the last axis of the weight is the last axis of the outputs.

        Inputs are then multiplied by the two factors of an adapter one after the other, and their
        product is never computed.
        """
        return True

    def reduced_axes(self, layer: Any) -> tuple[int, ...]:
        """Returns the axes of the weight that are summed over, whose elements share a scale."""
        return (0,)

    def input_axes(self, layer: Any, inputs: Any) -> Any:
        """Returns the axes of the inputs that are summed over."""
        return -1

    def align_input_scale(self, layer: Any, scale: Any) -> Any:
        """Returns the scale of the inputs in the layout of the outputs."""
        return scale

    def store_scale(self, layer: Any, scale: Any) -> Any:
        """Returns the scale of a weight, which has size 1 along the reduced axes, as it is stored.

        The stored scale broadcasts against the outputs.
        """
        return jnp.squeeze(scale, axis=self.reduced_axes(layer))

    def align_scale(self, layer: Any, scale: Any) -> Any:
        """Returns a stored scale in a layout that broadcasts against the weight."""
        return jnp.expand_dims(scale, self.reduced_axes(layer))

    def matrix_shape(self, layer: Any, shape: Sequence[int]) -> tuple[int, int]:
        """Returns the numbers of summed inputs and of outputs of a weight."""
        reduced = {axis % len(shape) for axis in self.reduced_axes(layer)}
        rows = math.prod(size for axis, size in enumerate(shape) if axis in reduced)
        return rows, math.prod(shape) // rows

    def calibrated_shape(self, layer: Any, shape: Sequence[int]) -> tuple[int, int]:
        """Returns the shape of the matrix as which GPTQ and AWQ see a weight."""
        return self.matrix_shape(layer, shape)


class Matmul(LinearMap):
    """The product with a matrix, as in Dense."""

    def apply(self, layer: Any, inputs: Any, weight: Any) -> Any:
        return _multiply(inputs, weight)


class Einsum(LinearMap):
    """The product that the equation of an EinsumDense describes."""

    def apply(self, layer: Any, inputs: Any, weight: Any) -> Any:
        given = weight.value if isinstance(weight, VariableBase) else weight
        return jnp.einsum(
            layer.equation, inputs, given, preferred_element_type=_sum_dtype(inputs, given)
        )

    def is_factorable(self, layer: Any) -> bool:
        inputs, weight, outputs = layer._letters_()
        return weight[-1] == outputs[-1] and weight[-1] not in inputs

    def reduced_axes(self, layer: Any) -> tuple[int, ...]:
        _, weight, outputs = layer._letters_()
        return tuple(i for i, letter in enumerate(weight) if letter not in outputs)

    def input_axes(self, layer: Any, inputs: Any) -> Any:
        letters, _, outputs = layer._letters_()
        return tuple(i for i, letter in enumerate(letters) if letter not in outputs)

    def align_input_scale(self, layer: Any, scale: Any) -> Any:
        letters, _, outputs = layer._letters_()
        return _as_outputs(scale, letters, outputs)

    def store_scale(self, layer: Any, scale: Any) -> Any:
        _, weight, outputs = layer._letters_()
        return _as_outputs(scale, weight, outputs)

    def align_scale(self, layer: Any, scale: Any) -> Any:
        _, weight, outputs = layer._letters_()
        kept = [letter for letter in outputs if letter in weight]
        scale = jnp.squeeze(scale, [i for i, letter in enumerate(outputs) if letter not in weight])
        scale = jnp.transpose(scale, [kept.index(letter) for letter in weight if letter in kept])
        return jnp.expand_dims(scale, self.reduced_axes(layer))

    def calibrated_shape(self, layer: Any, shape: Sequence[int]) -> tuple[int, int]:
        if len(shape) == 2:
            return shape[0], shape[1]
        if len(shape) != 3:
            raise NotImplementedError(
                f"{layer._label_()}: GPTQ and AWQ need a kernel with two or three axes. Received "
                f"the shape {tuple(shape)}."
            )
        # As in Keras: the largest axis is that of the model, the others are heads.
        if shape[0] == max(shape):
            return shape[0], shape[1] * shape[2]
        return shape[0] * shape[1], shape[2]


class Convolution(LinearMap):
    """A convolution, which can have adapters, and cannot be quantized."""

    kind = "filter"

    def apply(self, layer: Any, inputs: Any, weight: Any) -> Any:
        return layer.convolution_op(inputs, weight)

    def finish(self, layer: Any, outputs: Any) -> Any:
        return layer._add_bias_and_activate(outputs)

    def is_factorable(self, layer: Any) -> bool:
        # A subclass may compute something else with the kernel than a convolution. The channels of
        # a grouped convolution cannot be mixed afterwards.
        is_own = type(layer).convolution_op.__module__.partition(".")[0] == "cornu"
        return bool(is_own and layer.groups == 1 and layer.data_format == "channels_last")


class Lookup(LinearMap):
    """The rows of a table, as in Embedding."""

    weight = "embeddings"
    kind = "table"
    group_axis = -1

    def apply(self, layer: Any, inputs: Any, weight: Any) -> Any:
        given = weight.value if isinstance(weight, VariableBase) else weight
        return jnp.take(given, inputs, axis=0)

    def finish(self, layer: Any, outputs: Any) -> Any:
        return outputs

    def reduced_axes(self, layer: Any) -> tuple[int, ...]:
        return (-1,)

    def matrix_shape(self, layer: Any, shape: Sequence[int]) -> tuple[int, int]:
        return shape[0], shape[1]


def _sum_dtype(a: Any, b: Any) -> Any:
    """Returns the dtype of sums of products: products of int8 would overflow in int8."""
    return jnp.int32 if a.dtype == b.dtype == jnp.int8 else None


def _multiply(a: Any, b: Any) -> Any:
    given = b.value if isinstance(b, VariableBase) else b
    return jnp.matmul(a, given, preferred_element_type=_sum_dtype(a, given))


def _as_outputs(scale: Any, letters: str, outputs: str) -> Any:
    """Moves the axes of a scale to those of the outputs; others have size 1."""
    scale = jnp.squeeze(scale, [i for i, letter in enumerate(letters) if letter not in outputs])
    kept = [letter for letter in letters if letter in outputs]
    scale = jnp.transpose(scale, [kept.index(letter) for letter in outputs if letter in kept])
    return jnp.expand_dims(scale, [i for i, letter in enumerate(outputs) if letter not in letters])


for _class in (Matmul, Einsum, Convolution, Lookup):
    # Not under the bare names, which are those of ops in configs.
    add_class("weight_forms", _class, f"map/{_class.__name__}")
