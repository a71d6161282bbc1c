"""The mode "int4": weights are integers of 4 bits, two in a byte, with scales per group."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from cornu.core.state.quantized_policy import Int4DTypePolicy
from cornu.core.state.variable import read_value
from cornu.quantizers.abs_max import AbsMaxQuantizer
from cornu.quantizers.config import Int4QuantizationConfig, QuantizationConfig
from cornu.quantizers.forms.form import (
    WeightForm,
    add_state,
    group_index,
    input_quantizer,
    map_of,
    release,
    stored,
    value_of,
)
from cornu.quantizers.forms.int8 import reverse_product
from cornu.quantizers.forms.low_rank import adapter_product, add_adapter
from cornu.quantizers.forms.products import product
from cornu.quantizers.packing import pack_int4, unpack_int4
from cornu.quantizers.zero_point import (
    abs_max_quantize_grouped_with_zero_point,
    dequantize_by_group,
)
from cornu.registry import add_class

__all__ = ["Int4", "Int4Table"]


class Int4(WeightForm):
    """Stores pairs of integers, `kernel_scale`, and for groups `kernel_zero` and `g_idx`.

    The weight is stored as a matrix (rows, columns), of which pairs of columns are packed.
    """

    mode = "int4"

    def create(self, layer: Any, shape: Sequence[int], config: QuantizationConfig | None) -> None:
        linear = map_of(layer)
        name, size = linear.weight, self._group_size(layer, config)
        rows, columns = linear.matrix_shape(layer, shape)
        layer.inputs_quantizer = input_quantizer(config, self._default_input_quantizer(layer))
        weight = add_state(layer, name, (rows, (columns + 1) // 2), "zeros", dtype="int8")
        setattr(layer, f"_{name}", weight)
        grouped, kept = (rows, columns) if linear.group_axis == 0 else (columns, rows)
        scale_shape: tuple[int, ...] = (kept,)
        if size is not None:
            groups = math.ceil(grouped / size)
            scale_shape = (groups, kept) if linear.group_axis == 0 else (kept, groups)
        setattr(layer, f"{name}_scale", add_state(layer, f"{name}_scale", scale_shape, "ones"))
        if size is not None:
            zero = add_state(layer, f"{name}_zero", scale_shape, "zeros", dtype="int8")
            setattr(layer, f"{name}_zero", zero)
            layer.g_idx = add_state(
                layer, "g_idx", (grouped,), group_index(grouped, size), dtype="float32"
            )

    def _default_input_quantizer(self, layer: Any) -> Any:
        return None

    def _group_size(self, layer: Any, config: QuantizationConfig | None) -> int | None:
        """Returns the number of inputs that share a scale; None for all."""
        size: int | None = None
        if isinstance(config, Int4QuantizationConfig):
            size = config.block_size
        elif isinstance(layer._active_policy_, Int4DTypePolicy):
            size = layer._active_policy_.block_size
        return None if size == -1 else size

    def convert(self, layer: Any, config: QuantizationConfig) -> None:
        linear = map_of(layer)
        weight = release(layer, f"_{linear.weight}")
        matrix = jnp.reshape(read_value(weight), linear.matrix_shape(layer, weight.shape))
        state = self._quantize(layer, matrix, config)
        self.create(layer, weight.shape, config)
        self._assign(layer, state)

    def _quantize(
        self, layer: Any, matrix: Any, config: QuantizationConfig | None
    ) -> dict[str, Any]:
        """Returns the values of the attributes for a matrix of floats."""
        linear = map_of(layer)
        integers, scale, zero = quantize_matrix(
            matrix, linear.group_axis, self._group_size(layer, config), config
        )
        found = {f"_{linear.weight}": pack_int4(integers, axis=-1)[0]}
        found[f"{linear.weight}_scale"] = scale
        return found if zero is None else {**found, f"{linear.weight}_zero": zero}

    def _assign(self, layer: Any, state: dict[str, Any]) -> None:
        for name, value in state.items():
            vars(layer)[name].assign(value)

    def _integers(self, layer: Any) -> Any:
        columns = map_of(layer).matrix_shape(layer, layer._weight_shape_)[1]
        return unpack_int4(value_of(stored(layer)), columns, axis=-1)

    def weight(self, layer: Any) -> Any:
        integers = jnp.reshape(self._integers(layer), layer._weight_shape_)
        if not layer.lora_enabled:
            return integers
        return (integers + adapter_product(layer)).astype(layer.compute_dtype)

    def _scales(self, layer: Any) -> tuple[Any, ...]:
        """Returns the values of scale, zero point and groups, or of the scale only."""
        name = map_of(layer).weight
        names = (f"{name}_scale", f"{name}_zero", "g_idx")
        return tuple(value_of(vars(layer)[n]) for n in names if n in vars(layer))

    def dequantize(self, layer: Any, integers: Any, *scales: Any) -> Any:
        """Returns the matrix of floats that integers stand for."""
        axis = map_of(layer).group_axis
        if len(scales) > 1:
            scale, zero, groups = scales
            floats = dequantize_by_group(integers, scale, zero, groups, axis)
            return floats.astype(layer.compute_dtype)
        return integers.astype(layer.compute_dtype) / jnp.expand_dims(scales[0], axis)

    def call(self, layer: Any, inputs: Any, **kwargs: Any) -> Any:
        linear, quantizer, dtype = map_of(layer), layer.inputs_quantizer, layer.compute_dtype
        shape = layer._weight_shape_

        def exact(inputs: Any, packed: Any, *scales: Any) -> Any:
            integers = unpack_int4(packed, linear.matrix_shape(layer, shape)[1], axis=-1)
            floats = jnp.reshape(self.dequantize(layer, integers, *scales), shape)
            return linear.apply(layer, inputs, floats)

        def forward(inputs: Any, *weights: Any) -> Any:
            if quantizer is None:
                return exact(inputs, *weights)
            rounded, factor = quantizer(inputs, axis=linear.input_axes(layer, inputs))
            sums = exact(rounded.astype(dtype), *weights)
            return sums / linear.align_input_scale(layer, factor)

        weights = (value_of(stored(layer)), *self._scales(layer))
        outputs = product(forward, exact, inputs, *weights)
        if layer.lora_enabled:
            outputs = add_adapter(layer, inputs, outputs)
        return linear.finish(layer, outputs)

    def names(self, layer: Any) -> tuple[str, ...]:
        return ("_kernel", "bias", "kernel_scale", "kernel_zero", "g_idx")

    def merge(self, layer: Any) -> dict[str, Any]:
        floats = self.dequantize(layer, self._integers(layer), *self._scales(layer))
        added = jnp.reshape(adapter_product(layer), floats.shape)
        return self._quantize(layer, floats + added, None)


class Int4Table(Int4):
    """A table of pairs of integers, with scales per row, or per groups of a row."""

    def _default_input_quantizer(self, layer: Any) -> Any:
        return AbsMaxQuantizer(axis=-1)

    def create(self, layer: Any, shape: Sequence[int], config: QuantizationConfig | None) -> None:
        super().create(layer, shape, config)
        if not layer._is_untied_:
            return
        rows, columns = shape
        size = self._group_size(layer, config)
        scale_shape = (rows,) if size is None else (math.ceil(columns / size), rows)
        layer.reverse_embeddings = add_state(
            layer, "reverse_embeddings", ((columns + 1) // 2, rows), "zeros", dtype="int8"
        )
        layer.reverse_embeddings_scale = add_state(
            layer, "reverse_embeddings_scale", scale_shape, "ones"
        )
        if size is not None:
            layer.reverse_embeddings_zero = add_state(
                layer, "reverse_embeddings_zero", scale_shape, "zeros"
            )

    def convert(self, layer: Any, config: QuantizationConfig) -> None:
        if not layer._is_untied_:
            return super().convert(layer, config)
        reverse = read_value(release(layer, "reverse_embeddings"))
        integers, scale, zero = quantize_matrix(reverse, 0, self._group_size(layer, config), config)
        super().convert(layer, config)
        layer.reverse_embeddings.assign(pack_int4(integers, axis=0)[0])
        layer.reverse_embeddings_scale.assign(scale)
        if zero is not None:
            layer.reverse_embeddings_zero.assign(zero)
        return None

    def call(self, layer: Any, inputs: Any, **kwargs: Any) -> Any:
        if kwargs.get("reverse"):
            return self._reverse(layer, inputs)
        rows = inputs if jnp.issubdtype(inputs.dtype, jnp.integer) else inputs.astype("int32")
        # The bytes of the rows are looked up first, and only these are unpacked.
        packed = jnp.take(value_of(stored(layer)), rows, axis=0)
        integers = unpack_int4(packed, layer._weight_shape_[1], axis=-1)
        scale, *others = self._scales(layer)
        scale = jnp.take(scale, rows, axis=0)
        if others:
            zero = jnp.take(others[0], rows, axis=0)
            outputs = dequantize_by_group(
                integers.astype(layer.compute_dtype), scale, zero, others[1]
            )
        else:
            outputs = integers.astype(layer.compute_dtype) / scale[..., None]
        outputs = outputs.astype(layer.compute_dtype)
        return add_adapter(layer, rows, outputs) if layer.lora_enabled else outputs

    def _reverse(self, layer: Any, inputs: Any) -> Any:
        dtype, quantizer = layer.compute_dtype, layer.inputs_quantizer
        scale, *others = self._scales(layer)
        if layer._is_untied_:
            columns = layer._weight_shape_[1]
            integers = unpack_int4(value_of(layer.reverse_embeddings), columns, axis=0)
            scale = value_of(layer.reverse_embeddings_scale)
            zero = value_of(layer.reverse_embeddings_zero) if others else None
        else:
            integers, scale = self._integers(layer).T, scale.T
            zero = others[0].T if others else None
        if zero is None:
            return layer._cap_(reverse_product(quantizer, dtype, inputs, integers, scale))
        floats = dequantize_by_group(integers.astype(dtype), scale, zero, others[1], axis=0)

        def exact(inputs: Any, floats: Any) -> Any:
            return jnp.matmul(inputs, floats)

        def forward(inputs: Any, floats: Any) -> Any:
            if quantizer is None:
                return exact(inputs, floats)
            rounded, factor = quantizer(inputs)
            return exact(rounded.astype(dtype), floats) / factor

        return layer._cap_(product(forward, exact, inputs.astype(dtype), floats.astype(dtype)))

    def names(self, layer: Any) -> tuple[str, ...]:
        return (
            *("_embeddings", "embeddings_scale", "embeddings_zero", "g_idx"),
            *("reverse_embeddings", "reverse_embeddings_scale", "reverse_embeddings_zero"),
        )


def quantize_matrix(
    matrix: Any, axis: int, size: int | None, config: QuantizationConfig | None
) -> tuple[Any, Any, Any]:
    """Returns integers of 4 bits, their scale, and for groups their zero point, or None.

    Args:
        matrix: the floats.
        axis: the axis along which elements share a scale.
        size: the number of elements that share a scale; None for all.
        config: has the quantizer, perhaps.
    """
    if size is None:
        given = None if config is None else config.weight_quantizer
        quantizer = given or AbsMaxQuantizer(axis=axis, value_range=(-8, 7))
        integers, scale = quantizer(matrix, to_numpy=True)
        return integers, jnp.squeeze(scale, axis), None
    if axis == 0:
        return abs_max_quantize_grouped_with_zero_point(matrix, size, to_numpy=True)
    found = abs_max_quantize_grouped_with_zero_point(matrix.T, size, to_numpy=True)
    return found[0].T, found[1].T, found[2].T


add_class("weight_forms", Int4, "int4/kernel")
add_class("weight_forms", Int4Table, "int4/table")
