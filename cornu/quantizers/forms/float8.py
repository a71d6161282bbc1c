"""The mode "float8": training in which the factors of products are rounded to 8-bit floats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from cornu.core.state import scope
from cornu.core.state.quantized_policy import QuantizedFloat8DTypePolicy
from cornu.quantizers.config import QuantizationConfig
from cornu.quantizers.float8 import (
    compute_float8_amax_history,
    compute_float8_scale,
    quantize_and_dequantize,
)
from cornu.quantizers.forms.form import WeightForm, map_of, stored, value_of
from cornu.registry import add_class

__all__ = ["Float8"]

# The type of inputs and weights has more precision, that of gradients a wider range.
_VALUES, _GRADIENTS = "float8_e4m3fn", "float8_e5m2"
_ROUNDED = ("inputs", "kernel", "outputs_grad")


class Float8(WeightForm):
    """Keeps the weight in full precision; scales and histories follow the values of each step.

    Their gradients are their new values (`overwrite_with_gradient`), so that they change in
    training steps only.
    """

    mode = "float8"
    is_adaptable = False
    keeps_weight = True

    def create(self, layer: Any, shape: Sequence[int], config: QuantizationConfig | None) -> None:
        policy = layer._active_policy_
        length = QuantizedFloat8DTypePolicy.default_amax_history_length
        if isinstance(policy, QuantizedFloat8DTypePolicy):
            length = policy.amax_history_length
        for name in _ROUNDED:
            for suffix, size, initial in (
                ("scale", (), "ones"),
                ("amax_history", (length,), "zeros"),
            ):
                variable = layer.add_weight(
                    name=f"{name}_{suffix}",
                    shape=size,
                    initializer=initial,
                    dtype="float32",
                    autocast=False,
                    overwrite_with_gradient=True,
                )
                setattr(layer, f"{name}_{suffix}", variable)

    def convert(self, layer: Any, config: QuantizationConfig) -> None:
        self.create(layer, stored(layer).shape, config)

    def weight(self, layer: Any) -> Any:
        return stored(layer)

    def call(self, layer: Any, inputs: Any, **kwargs: Any) -> Any:
        linear, dtype = map_of(layer), layer.compute_dtype
        is_training = bool(scope.current().training)

        def state(name: str) -> tuple[Any, Any]:
            return (
                value_of(getattr(layer, f"{name}_scale")),
                value_of(getattr(layer, f"{name}_amax_history")),
            )

        outputs = linear.apply(
            layer,
            round_values(inputs, *state("inputs"), dtype, is_training),
            round_values(value_of(stored(layer)), *state("kernel"), dtype, is_training),
        )
        outputs = round_gradients(outputs, *state("outputs_grad"), dtype)
        if layer.bias is not None:
            bias = value_of(layer.bias)
            # XLA fuses the addition of a bias of 16 bits with the product.
            if dtype == "float32":
                bias = bias.astype("bfloat16").astype(bias.dtype)
            outputs = outputs + bias
        return layer.activation(outputs)

    def names(self, layer: Any) -> tuple[str, ...]:
        scales = (f"{n}_{s}" for n in _ROUNDED for s in ("scale", "amax_history"))
        return ("_kernel", "bias", *scales)


def round_values(values: Any, scale: Any, history: Any, dtype: str, is_training: bool) -> Any:
    """Returns values rounded to 8-bit floats. The gradients of scale and history are new values."""

    @jax.custom_vjp
    def run(values: Any, scale: Any, history: Any) -> Any:
        return quantize_and_dequantize(values, scale, _VALUES, dtype)

    def forward(values: Any, scale: Any, history: Any) -> Any:
        new = _updated(values, scale, history, _VALUES) if is_training else (None, None)
        return run(values, scale, history), new

    def backward(new: Any, upstream: Any) -> Any:
        return upstream, *new

    run.defvjp(forward, backward)
    return run(values, scale, history)


def round_gradients(outputs: Any, scale: Any, history: Any, dtype: str) -> Any:
    """Returns values unchanged; their gradient is rounded to 8-bit floats."""

    @jax.custom_vjp
    def run(outputs: Any, scale: Any, history: Any) -> Any:
        return outputs

    def forward(outputs: Any, scale: Any, history: Any) -> Any:
        return outputs, (scale, history)

    def backward(kept: Any, upstream: Any) -> Any:
        scale, history = kept
        rounded = quantize_and_dequantize(upstream, scale, _GRADIENTS, dtype)
        return rounded, *_updated(upstream, scale, history, _GRADIENTS)

    run.defvjp(forward, backward)
    return run(outputs, scale, history)


def _updated(values: Any, scale: Any, history: Any, dtype: str) -> tuple[Any, Any]:
    """Returns the scale for the largest values of the last steps, and the history with `values`."""
    most = float(jnp.finfo(dtype).max)
    return (
        compute_float8_scale(jnp.max(history, axis=0), scale, most),
        compute_float8_amax_history(values, history),
    )


add_class("weight_forms", Float8, "float8/kernel")
