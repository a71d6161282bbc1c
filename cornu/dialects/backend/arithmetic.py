"""Functions of the backend that compute element by element, reduce, or change shapes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu import ops, settings
from cornu.core.graph.op import op
from cornu.legacy.activations import hard_sigmoid

__all__ = ["FUNCTIONS"]


def argmax(x: Any, axis: int = -1) -> Any:
    """Returns the indices of the maximum along an axis."""
    return ops.argmax(x, axis)


def argmin(x: Any, axis: int = -1) -> Any:
    """Returns the indices of the minimum along an axis."""
    return ops.argmin(x, axis)


def concatenate(tensors: Any, axis: int = -1) -> Any:
    """Concatenates tensors along an axis."""
    return ops.concatenate(tensors, axis)


def stack(x: Any, axis: int = 0) -> Any:
    """Stacks tensors along a new axis."""
    return ops.stack(x, axis)


def cast(x: Any, dtype: Any) -> Any:
    """Converts to a dtype."""
    return ops.cast(x, dtype)


def expand_dims(x: Any, axis: int = -1) -> Any:
    """Returns `x` with an axis of size 1."""
    return ops.expand_dims(x, axis)


def squeeze(x: Any, axis: int) -> Any:
    """Returns `x` without an axis of size 1."""
    return ops.squeeze(x, axis)


def repeat_elements(x: Any, rep: int, axis: int) -> Any:
    """Repeats each element along an axis `rep` times."""
    return ops.repeat(x, rep, axis)


@op
def repeat(x: Any, n: int) -> Any:
    """Repeats (batch, features) to (batch, n, features)."""
    return ops.tile(x[:, None, :], (1, n, 1))


@op
def batch_flatten(x: Any) -> Any:
    """Reshapes to (batch, features)."""
    return jnp.reshape(x, (x.shape[0], -1))


@op
def flatten(x: Any) -> Any:
    """Reshapes to one axis."""
    return jnp.reshape(x, (-1,))


def reshape(x: Any, shape: Any) -> Any:
    """Reshapes; one size may be -1."""
    return ops.reshape(x, tuple(-1 if size is None else size for size in shape))


def permute_dimensions(x: Any, pattern: Sequence[int]) -> Any:
    """Permutes the axes."""
    return ops.transpose(x, tuple(pattern))


def tile(x: Any, n: Any) -> Any:
    """Repeats `x` along its axes."""
    return ops.tile(x, (n,) if isinstance(n, int) else tuple(n))


def gather(reference: Any, indices: Any) -> Any:
    """Returns the rows of `reference` at `indices`."""
    return ops.take(reference, ops.cast(indices, "int32"), axis=0)


@op
def relu(x: Any, alpha: Any = 0.0, max_value: Any = None, threshold: float = 0.0) -> Any:
    """Computes `max(x, 0)`, with a slope `alpha` below the threshold and an upper bound."""
    y = jnp.where(x > threshold, x, alpha * (x - threshold))
    return y if max_value is None else jnp.minimum(y, max_value)


@op
def elu(x: Any, alpha: float = 1.0) -> Any:
    """Computes `x` if positive, else `alpha * (exp(x) - 1)`."""
    return jnp.where(x > 0, x, alpha * jnp.expm1(jnp.minimum(x, 0)))


def softmax(x: Any, axis: int = -1) -> Any:
    """Computes exponentials divided by their sum along an axis."""
    return ops.softmax(x, axis=axis)


def reverse(x: Any, axes: Any) -> Any:
    """Reverses `x` along one or several axes."""
    return ops.flip(x, axes if isinstance(axes, int) else tuple(axes))


@op
def l2_normalize(x: Any, axis: Any = None) -> Any:
    """Divides `x` by its L2 norm along an axis."""
    square = jnp.sum(jnp.square(x), axis=axis, keepdims=True)
    return x * jax.lax.rsqrt(jnp.maximum(square, 1e-12))


def identity(x: Any, name: str | None = None) -> Any:
    """Returns `x`."""
    return ops.cast(x, x.dtype)


@op
def dot(x: Any, y: Any) -> Any:
    """Sums over the last axis of `x` and the axis before the last of `y`."""
    return jnp.dot(x, y)


@op
def batch_dot(x: Any, y: Any, axes: Any = None) -> Any:
    """Sums over an axis of each, sample by sample; the result has at least two axes.

    Args:
        x, y: arrays with the same batch size.
        axes: an axis, or one for each; by default the last of `x` and the axis before the last of
            `y`, or the last if `y` has two axes.
    """
    if isinstance(axes, int):
        axes = (axes, axes)
    if axes is None:
        axes = (x.ndim - 1, y.ndim - 1 if y.ndim == 2 else y.ndim - 2)
    a, b = (int(axis) % z.ndim for axis, z in zip(axes, (x, y), strict=True))
    letters = iter("bcdefghijklmnopqrstuvwxyz")
    of_x = ["a", *itertools.islice(letters, x.ndim - 1)]
    of_y = ["a", *itertools.islice(letters, y.ndim - 1)]
    of_y[b] = of_x[a]
    kept = [c for i, c in enumerate(of_x) if i not in (0, a)]
    kept += [c for i, c in enumerate(of_y) if i not in (0, b)]
    result = jnp.einsum(f"{''.join(of_x)},{''.join(of_y)}->a{''.join(kept)}", x, y)
    return result[:, None] if result.ndim == 1 else result


@op
def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Computes `log(sum(exp(x)))` without overflow."""
    return jax.scipy.special.logsumexp(x, axis=_axes(axis), keepdims=keepdims)


def _axes(axis: Any) -> Any:
    return tuple(axis) if isinstance(axis, (list, tuple)) else axis


@op
def one_hot(indices: Any, num_classes: int) -> Any:
    """Returns one-hot vectors on a new last axis."""
    return jax.nn.one_hot(jnp.asarray(indices, "int32"), num_classes)


@op
def in_top_k(predictions: Any, targets: Any, k: int) -> Any:
    """Whether each target is among the `k` largest predictions of its row."""
    targets = jnp.asarray(targets, "int32")
    value = jnp.take_along_axis(predictions, targets[:, None], axis=-1)
    return jnp.sum(predictions > value, axis=-1) < k


def slice_(x: Any, start: Any, size: Any) -> Any:
    """Returns a part of `x`; -1 stands for all that is left of an axis."""
    ends = [None if n == -1 else a + n for a, n in zip(start, size, strict=True)]
    return x[tuple(slice(a, b) for a, b in zip(start, ends, strict=True))]


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: str = "int32") -> Any:
    """Returns numbers at equal distances; negative ranges are empty."""
    return ops.cast(ops.arange(start, stop, step), dtype)


def _reduction(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def reduce(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return function(jnp.asarray(x), axis=_axes(axis), keepdims=keepdims)

    reduce.__name__ = reduce.__qualname__ = name
    reduce.__doc__ = f"Computes the {name} over all elements or along axes."
    return op(reduce)


def _of_floats(function: Callable[..., Any]) -> Callable[..., Any]:
    """Converts booleans to floats first, as a mean of truth values needs."""

    def reduce(x: Any, axis: Any, keepdims: bool) -> Any:
        x = x.astype(settings.get("floatx")) if x.dtype == bool else x
        return function(x, axis=axis, keepdims=keepdims)

    return reduce


def _cumulative(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    def accumulate(x: Any, axis: int = 0) -> Any:
        return function(x, axis=axis)

    accumulate.__name__ = name
    return op(accumulate)


@op
def softsign(x: Any) -> Any:
    """Computes `x / (1 + |x|)`."""
    return jax.nn.soft_sign(x)


@op
def stop_gradient(variables: Any) -> Any:
    """Returns values that count as constants in gradients."""
    return jax.tree_util.tree_map(jax.lax.stop_gradient, variables)


@op
def print_tensor(x: Any, message: str = "") -> Any:
    """Returns `x`; prints its value when it is computed."""
    jax.debug.print(message.replace("{", "{{").replace("}", "}}") + "{}", x)
    return x


@op
def clip(x: Any, min_value: Any, max_value: Any) -> Any:
    """Limits the elements to an interval."""
    low = -np.inf if min_value is None else min_value
    high = np.inf if max_value is None else max_value
    return jnp.clip(x, low, jnp.maximum(low, high))


@op
def sqrt(x: Any) -> Any:
    """Computes the root of `max(x, 0)`."""
    return jnp.sqrt(jnp.maximum(x, 0.0))


_ELEMENTWISE = ("abs", "cos", "exp", "log", "round", "sigmoid", "sign", "sin", "softplus", "square")
_COMPARISONS = ("equal", "greater", "greater_equal", "less", "less_equal", "maximum", "minimum")

FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(ops, name) for name in (*_ELEMENTWISE, "tanh", "transpose")},
    **{name: getattr(ops, name) for name in (*_COMPARISONS, "not_equal")},
    **{
        function.__name__: function
        for function in (
            *(arange, argmax, argmin, batch_dot, batch_flatten, cast, clip, concatenate, dot, elu),
            *(expand_dims, flatten, gather, identity, in_top_k, l2_normalize, logsumexp, one_hot),
            *(permute_dimensions, print_tensor, relu, repeat, repeat_elements, reshape, reverse),
            *(softmax, softsign, sqrt, squeeze, stack, stop_gradient, tile),
        )
    },
    "all": _reduction("all", jnp.all),
    "any": _reduction("any", jnp.any),
    "cumprod": _cumulative(jnp.cumprod, "cumprod"),
    "cumsum": _cumulative(jnp.cumsum, "cumsum"),
    "hard_sigmoid": hard_sigmoid,
    "max": _reduction("max", jnp.max),
    "mean": _reduction("mean", _of_floats(jnp.mean)),
    "min": _reduction("min", jnp.min),
    "pow": ops.power,
    "prod": _reduction("prod", jnp.prod),
    "slice": slice_,
    "std": _reduction("std", _of_floats(jnp.std)),
    "sum": _reduction("sum", jnp.sum),
    "var": _reduction("var", _of_floats(jnp.var)),
}
