"""The mode "int8": weights and inputs are integers of 8 bits, with a scale per output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from cornu.quantizers.abs_max import AbsMaxQuantizer, abs_max_quantize
from cornu.quantizers.config import QuantizationConfig
from cornu.quantizers.forms.form import (
    WeightForm,
    add_state,
    input_quantizer,
    map_of,
    release,
    stored,
    value_of,
)
from cornu.quantizers.forms.low_rank import adapter_product, add_adapter
from cornu.quantizers.forms.products import product
from cornu.registry import add_class

__all__ = ["Int8", "Int8Table"]


class Int8(WeightForm):
    """Stores the integers as the weight, and `kernel_scale`; inputs are quantized in each call."""

    mode = "int8"

    def create(self, layer: Any, shape: Sequence[int], config: QuantizationConfig | None) -> None:
        linear = map_of(layer)
        layer.inputs_quantizer = input_quantizer(config, AbsMaxQuantizer())
        one = jnp.ones([1 if i in self._reduced(layer, shape) else n for i, n in enumerate(shape)])
        weight = add_state(layer, linear.weight, shape, "zeros", dtype="int8")
        setattr(layer, f"_{linear.weight}", weight)
        scale = add_state(
            layer, f"{linear.weight}_scale", linear.store_scale(layer, one).shape, "ones"
        )
        setattr(layer, f"{linear.weight}_scale", scale)

    def _reduced(self, layer: Any, shape: Sequence[int]) -> set[int]:
        return {axis % len(shape) for axis in map_of(layer).reduced_axes(layer)}

    def convert(self, layer: Any, config: QuantizationConfig) -> None:
        linear = map_of(layer)
        quantizer = config.weight_quantizer or AbsMaxQuantizer(axis=linear.reduced_axes(layer))
        weight = release(layer, f"_{linear.weight}")
        integers, scale = quantizer(weight, to_numpy=True)
        self.create(layer, weight.shape, config)
        self._assign(layer, integers, scale)

    def _assign(self, layer: Any, integers: Any, scale: Any) -> None:
        stored(layer).assign(integers)
        self._scale(layer).assign(map_of(layer).store_scale(layer, scale))

    def _scale(self, layer: Any) -> Any:
        return getattr(layer, f"{map_of(layer).weight}_scale")

    def weight(self, layer: Any) -> Any:
        integers = stored(layer)
        if not layer.lora_enabled:
            return integers
        return (value_of(integers) + adapter_product(layer)).astype(layer.compute_dtype)

    def dequantize(self, layer: Any, integers: Any, scale: Any) -> Any:
        """Returns the floats that integers stand for."""
        return integers.astype(layer.compute_dtype) / map_of(layer).align_scale(layer, scale)

    def call(self, layer: Any, inputs: Any, **kwargs: Any) -> Any:
        linear, quantizer, dtype = map_of(layer), layer.inputs_quantizer, layer.compute_dtype

        def forward(inputs: Any, integers: Any, scale: Any) -> Any:
            if quantizer is None:
                return linear.apply(layer, inputs, integers).astype(dtype) / scale
            rounded, factor = quantizer(inputs, axis=linear.input_axes(layer, inputs))
            sums = linear.apply(layer, rounded, integers).astype(dtype)
            return sums / (scale * linear.align_input_scale(layer, factor))

        def exact(inputs: Any, integers: Any, scale: Any) -> Any:
            return linear.apply(layer, inputs, self.dequantize(layer, integers, scale))

        scale = value_of(self._scale(layer))
        outputs = product(forward, exact, inputs, value_of(stored(layer)), scale)
        if layer.lora_enabled:
            outputs = add_adapter(layer, inputs, outputs)
        return linear.finish(layer, outputs)

    def names(self, layer: Any) -> tuple[str, ...]:
        return ("_kernel", "bias", "kernel_scale")

    def merge(self, layer: Any) -> dict[str, Any]:
        linear = map_of(layer)
        floats = self.dequantize(layer, value_of(stored(layer)), value_of(self._scale(layer)))
        integers, scale = abs_max_quantize(
            floats + adapter_product(layer), axis=linear.reduced_axes(layer), to_numpy=True
        )
        return {
            f"_{linear.weight}": integers,
            f"{linear.weight}_scale": linear.store_scale(layer, scale),
        }


class Int8Table(Int8):
    """A table of integers, with a scale per row; rows are looked up before they are scaled."""

    def create(self, layer: Any, shape: Sequence[int], config: QuantizationConfig | None) -> None:
        super().create(layer, shape, config)
        layer.inputs_quantizer = input_quantizer(config, AbsMaxQuantizer(axis=-1))
        if layer._is_untied_:
            reverse = (shape[1], shape[0])
            layer.reverse_embeddings = add_state(
                layer, "reverse_embeddings", reverse, "zeros", dtype="int8"
            )
            layer.reverse_embeddings_scale = add_state(
                layer, "reverse_embeddings_scale", (shape[0],), "ones"
            )

    def convert(self, layer: Any, config: QuantizationConfig) -> None:
        if not layer._is_untied_:
            return super().convert(layer, config)
        quantizer = config.weight_quantizer or AbsMaxQuantizer(axis=0)
        integers, scale = quantizer(release(layer, "reverse_embeddings"), to_numpy=True)
        super().convert(layer, config)
        layer.reverse_embeddings.assign(integers)
        layer.reverse_embeddings_scale.assign(jnp.squeeze(scale, 0))
        return None

    def call(self, layer: Any, inputs: Any, **kwargs: Any) -> Any:
        if kwargs.get("reverse"):
            return self._reverse(layer, inputs)
        rows = inputs if jnp.issubdtype(inputs.dtype, jnp.integer) else inputs.astype("int32")
        outputs = jnp.take(value_of(stored(layer)), rows, axis=0).astype(layer.compute_dtype)
        outputs = outputs / jnp.take(value_of(layer.embeddings_scale), rows, axis=0)[..., None]
        outputs = outputs.astype(layer.compute_dtype)
        return add_adapter(layer, rows, outputs) if layer.lora_enabled else outputs

    def _reverse(self, layer: Any, inputs: Any) -> Any:
        dtype, quantizer = layer.compute_dtype, layer.inputs_quantizer
        if layer._is_untied_:
            integers = value_of(layer.reverse_embeddings)
            scale = value_of(layer.reverse_embeddings_scale)
        else:
            integers, scale = value_of(stored(layer)).T, value_of(layer.embeddings_scale)
        return layer._cap_(reverse_product(quantizer, dtype, inputs, integers, scale))

    def names(self, layer: Any) -> tuple[str, ...]:
        return (
            *("_embeddings", "embeddings_scale"),
            *("reverse_embeddings", "reverse_embeddings_scale"),
        )


def reverse_product(quantizer: Any, dtype: str, inputs: Any, integers: Any, scale: Any) -> Any:
    """Returns the products of vectors with a matrix of integers, which has a scale per column."""

    def forward(inputs: Any, integers: Any, scale: Any) -> Any:
        if quantizer is None:
            return jnp.matmul(inputs, integers).astype(dtype) / scale
        rounded, factor = quantizer(inputs)
        sums = jnp.matmul(rounded, integers, preferred_element_type=jnp.int32)
        return sums.astype(dtype) / (factor * scale)

    def exact(inputs: Any, integers: Any, scale: Any) -> Any:
        return jnp.matmul(inputs, integers.astype(dtype) / scale)

    return product(forward, exact, inputs.astype(dtype), integers, scale)


add_class("weight_forms", Int8, "int8/kernel")
add_class("weight_forms", Int8Table, "int8/table")
