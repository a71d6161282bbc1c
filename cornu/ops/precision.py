"""Formulas that compute in float32 for 16-bit floats, whose range and precision are too small."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import jax
import jax.numpy as jnp

from cornu.core.state import scope
from cornu.ops.arguments import to_float
from cornu.types import Array, DTypeLike

__all__ = ["in_float32", "is_half", "masked_softmax", "wide_dtype", "wide_softmax", "widen"]

_F = TypeVar("_F", bound=Callable[..., Any])


def is_half(dtype: DTypeLike) -> bool:
    """Tells whether a dtype is a 16-bit float."""
    return dtype in (jnp.float16, jnp.bfloat16)


def wide_dtype(dtype: DTypeLike) -> DTypeLike:
    """Returns the dtype for reductions: float32 for 16-bit floats."""
    return "float32" if is_half(jnp.dtype(dtype)) else dtype


def widen(x: Array) -> Array:
    """Returns 16-bit floats in float32, other arrays unchanged."""
    return x.astype("float32") if is_half(x.dtype) else x


def wide_softmax(x: Array, axis: int | Sequence[int] = -1) -> Array:
    """Computes the softmax at least in float32; the result has the dtype of `x`, if it is a float.

    In float16, the sum of a long axis is infinite.
    """
    x = to_float(x)
    return jax.nn.softmax(widen(x), axis=axis).astype(x.dtype)


def masked_softmax(x: Array, mask: Array, axis: int | Sequence[int] = -1) -> Array:
    """Computes `wide_softmax` over the elements where a boolean mask is True; others become 0.

    Slices without such an element are zero.
    """
    x = to_float(x)
    # `where=` of jax.nn.softmax has no finite gradient for a slice that is masked entirely, so
    # masked elements become large negative numbers. -1e9 is infinite in float16, and infinite
    # elements in a whole slice give NaN.
    lowest = -3e4 if x.dtype == jnp.float16 else -1e9
    return jnp.where(mask, wide_softmax(jnp.where(mask, x, lowest), axis), 0)


def in_float32(formula: _F) -> _F:
    """Decorator: computes a formula of labels and predictions at least in float32.

    The result has the dtype of the predictions. Integers and booleans become floats first. In
    float16, 1 - 1e-7 is 1, so that the logarithm of a clipped probability would be infinite, and
    sums above 65504 are infinite.

    Args:
        formula: a function whose second parameter is the predictions.
    """
    name = list(inspect.signature(formula).parameters)[1]

    @functools.wraps(formula)
    def run(*args: Any, **kwargs: Any) -> Any:
        given = args[1] if len(args) > 1 else kwargs.get(name)
        if given is None:
            return formula(*args, **kwargs)
        y_pred = to_float(given)
        wide = widen(y_pred)
        if len(args) > 1:
            args = (args[0], wide, *args[2:])
        else:
            kwargs[name] = wide
        values = formula(*args, **kwargs)
        if wide is y_pred:
            return values
        masks = scope.current().masks
        rounded, mask = values.astype(y_pred.dtype), masks.get(values)
        if mask is not None:
            masks.put(rounded, mask)
        return rounded

    return cast(_F, run)
