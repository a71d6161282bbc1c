"""LoRA: a weight that stays as it is, and a trained product of two small matrices beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from cornu.core.state.variable import read_value
from cornu.quantizers.forms.form import WeightForm, map_of, stored, value_of
from cornu.registry import add_class, resolve
from cornu.types import InitializerLike

__all__ = ["LowRank", "adapter_product", "add_adapter", "enable_lora"]


def enable_lora(
    layer: Any,
    rank: int,
    lora_alpha: float | None,
    a_initializer: InitializerLike,
    b_initializer: InitializerLike,
) -> None:
    """Creates the two factors of the adapter of a built layer, and freezes the weight.

    Args:
        layer: the layer.
        rank: the number of columns of the first factor, and of rows of the second one.
        lora_alpha: the product is multiplied by `lora_alpha / rank`; by default it is `rank`.
        a_initializer, b_initializer: initializers of the factors.
    """
    name = map_of(layer).weight
    shape = tuple(layer._weight_shape_)
    regularizer = getattr(layer, f"{name}_regularizer")

    def add(suffix: str, shape: Sequence[int], initializer: InitializerLike) -> None:
        # In float32, because updates of adapters are small, whatever the weight is stored in.
        variable = layer.add_weight(
            name=f"lora_{name}_{suffix}",
            shape=tuple(shape),
            initializer=resolve("initializers", initializer),
            dtype="float32",
            regularizer=regularizer,
        )
        setattr(layer, f"lora_{name}_{suffix}", variable)

    add("a", (*shape[:-1], rank), a_initializer)
    add("b", (rank, shape[-1]), b_initializer)
    layer.lora_rank = rank
    layer.lora_alpha = rank if lora_alpha is None else lora_alpha


def adapter_factors(layer: Any) -> tuple[Any, Any]:
    """Returns the Variables of the two factors."""
    name = map_of(layer).weight
    return vars(layer)[f"lora_{name}_a"], vars(layer)[f"lora_{name}_b"]


def adapter_product(layer: Any) -> Any:
    """Returns what the adapter adds to the weight."""
    a, b = adapter_factors(layer)
    return layer.lora_alpha / layer.lora_rank * jnp.matmul(value_of(a), value_of(b))


def add_adapter(layer: Any, inputs: Any, outputs: Any) -> Any:
    """Returns the products of the inputs and the weight, with those of the adapter added."""
    linear = map_of(layer)
    if linear.is_factorable(layer):
        a, b = adapter_factors(layer)
        added = jnp.matmul(linear.apply(layer, inputs, value_of(a)), value_of(b))
        added = layer.lora_alpha / layer.lora_rank * added
    else:
        added = linear.apply(layer, inputs, adapter_product(layer).astype(layer.compute_dtype))
    return (outputs + added).astype(layer.compute_dtype)


class LowRank(WeightForm):
    """A weight that is not quantized, with an adapter.

    The inputs are multiplied by both factors, one after the other, so that neither the product of
    the factors nor its gradient is computed: a training step needs memory for the gradients of the
    factors only.
    """

    def weight(self, layer: Any) -> Any:
        merged = value_of(stored(layer)) + adapter_product(layer)
        return merged.astype(layer.compute_dtype)

    def call(self, layer: Any, inputs: Any, **kwargs: Any) -> Any:
        linear = map_of(layer)
        outputs = linear.apply(layer, inputs, stored(layer))
        return linear.finish(layer, add_adapter(layer, inputs, outputs))

    def names(self, layer: Any) -> tuple[str, ...]:
        return (f"_{map_of(layer).weight}", "bias")

    def merge(self, layer: Any) -> dict[str, Any]:
        base = stored(layer)
        merged = read_value(base) + adapter_product(layer)
        return {f"_{map_of(layer).weight}": merged.astype(base.dtype)}


class LowRankTable(LowRank):
    """A table whose rows are looked up, with an adapter."""

    def call(self, layer: Any, inputs: Any, **kwargs: Any) -> Any:
        if kwargs.get("reverse"):
            # The layer multiplies by the whole table, which `weight` returns.
            return type(layer).call(layer, inputs, **kwargs)
        rows = inputs if jnp.issubdtype(inputs.dtype, jnp.integer) else inputs.astype("int32")
        # The rows are cast, not the table, as without an adapter.
        outputs = map_of(layer).apply(layer, rows, stored(layer)).astype(layer.compute_dtype)
        return add_adapter(layer, rows, outputs)

    def names(self, layer: Any) -> tuple[str, ...]:
        return ("_embeddings", "reverse_embeddings")


add_class("weight_forms", LowRank, "lora/kernel", "lora/filter")
add_class("weight_forms", LowRankTable, "lora/table")
