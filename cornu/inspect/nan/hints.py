"""Likely causes of NaN and infinity, and descriptions of arrays that contain them."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from cornu.core.graph.op import library_op_name
from cornu.errors import quantity
from cornu.inspect.nan.layer_calls import GradientRecord, LayerCall
from cornu.types import Array

__all__ = [
    "DIVERGED",
    "DOMAIN",
    "SINGULAR",
    "backward_hint",
    "describe_bad",
    "describe_range",
    "forward_hint",
    "largest_magnitude",
]

SINGULAR = (
    "The gradient of sqrt, of a norm and of a power below 1 is infinite at 0; that of log is 1/x: "
    "add a small constant to the argument, or replace the argument before the op with where()."
)
DOMAIN = "Cross-entropies and logarithms require predictions within their domain."
_FLOAT16 = "The largest float16 is 65504: "


# Ops with a singular derivative.
_POLES = frozenset(
    "sqrt rsqrt power log log2 log10 log1p divide true_divide reciprocal norm".split()
)


def backward_hint(passed: GradientRecord) -> str:
    """Returns the likely cause of a gradient that is not finite."""
    gradient, op = passed.gradient, passed.call.op
    smooth = passed.call.layer is not None or library_op_name(op) not in _POLES
    # A gradient that is infinite, but not NaN, in float16 is more likely an overflow than a pole.
    if smooth and gradient.dtype == jnp.float16 and not bool(jnp.isnan(gradient).any()):
        return (
            _FLOAT16
            + 'reduce the scale of the loss, give this layer dtype="float32", or use bfloat16.'
        )
    return SINGULAR


DIVERGED = "Training diverges: lower the learning rate, or clip gradients (clipnorm=1.0)."


def forward_hint(call: LayerCall, made: Array) -> str:
    """Returns the likely cause of an output `made` that is not finite, '' if unknown."""
    if call.layer is not None:
        sizes = [float(jnp.max(jnp.abs(v.stored))) for v in call.layer.weights if v.size]
        if sizes and max(sizes) > 1e3:
            return f"Its weights reach {max(sizes):.3g}. {DIVERGED}"
    largest = max((largest_magnitude(leaf) for leaf in call.inputs), default=0.0)
    if made.dtype == jnp.float16 and not bool(jnp.isnan(made).any()):
        return (
            f'{_FLOAT16}rescale the input, give this layer dtype="float32", or use mixed_bfloat16.'
        )
    if largest > 1e10:
        return f"Its input reaches {largest:.3g}. {DIVERGED}"
    return ""


def largest_magnitude(leaf: Array) -> float:
    """Returns the largest absolute value of a float array, 0 for other arrays."""
    leaf = jnp.asarray(leaf)
    if not leaf.size or not jnp.issubdtype(leaf.dtype, jnp.inexact):
        return 0.0
    return float(jnp.max(jnp.abs(leaf)))


def describe_bad(leaf: Array) -> str:
    """Returns how many values of an array are NaN and infinite."""
    values = np.asarray(leaf).astype("float64")
    nan, inf = int(np.isnan(values).sum()), int(np.isinf(values).sum())
    parts = [f"{n} {word}" for n, word in ((nan, "NaN"), (inf, "infinite")) if n]
    return (
        f"{' and '.join(parts)} of {quantity(values.size, 'value')}" if values.ndim else f"{values}"
    )


def describe_range(leaf: Array) -> str:
    """Returns the dtype, shape and range of an array."""
    values = np.asarray(leaf)
    shape = f"{values.dtype} {values.shape}"
    if not values.size or values.dtype == bool:
        return shape
    wide = values.astype("float64")
    return f"{shape} between {wide.min():.4g} and {wide.max():.4g}"
