"""Functions along axes: sums, means, extremes, quantiles, cumulative sums, counts."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array

from cornu.ops._table import as_float, define, floats, row

__all__ = [
    "all",
    "allclose",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "average",
    "bincount",
    "corrcoef",
    "count_nonzero",
    "cumprod",
    "cumsum",
    "diff",
    "histogram",
    "max",
    "mean",
    "median",
    "min",
    "nanargmax",
    "nanargmin",
    "nancumprod",
    "nancumsum",
    "nanmax",
    "nanmean",
    "nanmedian",
    "nanmin",
    "nanpercentile",
    "nanprod",
    "nanquantile",
    "nanstd",
    "nansum",
    "nanvar",
    "percentile",
    "prod",
    "ptp",
    "quantile",
    "std",
    "sum",
    "trapezoid",
    "var",
]


def _wide(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a reduction that computes in 32 bits at least: float16 sums overflow early."""

    def run(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        x = as_float(x)
        if x.dtype.itemsize >= 4:
            return function(x, axis=axis, keepdims=keepdims)
        return function(x.astype("float32"), axis=axis, keepdims=keepdims).astype(x.dtype)

    return run


# Sums and means.
sum = row("sum(x, axis=None, keepdims=False)", jnp.sum, "The sum along axes.")
prod = row("prod(x, axis=None, keepdims=False, dtype=None)", jnp.prod, "The product along axes.")
mean = row("mean(x, axis=None, keepdims=False)", _wide(jnp.mean), "The mean along axes.")
var = row(
    "var(x, axis=None, keepdims=False)",
    _wide(jnp.var),
    "The variance along axes: the mean of |x - mean|².",
)
std = row(
    "std(x, axis=None, keepdims=False)",
    _wide(jnp.std),
    "The standard deviation along axes: the square root of the variance.",
)
average = row(
    "average(x, axis=None, weights=None)",
    lambda x, axis, weights: jnp.average(as_float(x), axis, weights),
    "The weighted mean along an axis: sum(weights * x) / sum(weights).",
)
trapezoid = row(
    "trapezoid(y, x=None, dx=1.0, axis=-1)",
    jnp.trapezoid,
    """The integral along an axis by the trapezoidal rule.
    y: the values.
    x: where the values are; evenly spaced by default.
    dx: the distance of the values where `x` is not given.""",
)

# Extremes.
_MAX, _MIN = "The largest element along axes.", "The smallest element along axes."
max = row("max(x, axis=None, keepdims=False, initial=None)", jnp.max, _MAX)
min = row("min(x, axis=None, keepdims=False, initial=None)", jnp.min, _MIN)
amax = row("amax(x, axis=None, keepdims=False)", jnp.amax, _MAX)
amin = row("amin(x, axis=None, keepdims=False)", jnp.amin, _MIN)
ptp = row("ptp(x, axis=None, keepdims=False)", jnp.ptp, "The largest minus the smallest element.")
argmax = row(
    "argmax(x, axis=None, keepdims=False)", jnp.argmax, "The index of the largest element."
)
argmin = row(
    "argmin(x, axis=None, keepdims=False)", jnp.argmin, "The index of the smallest element."
)

# Quantiles.
_Q = """
    q: a number from 0 to 1, or an array of them; several give a new first axis."""
_PERCENT = """
    q: a number from 0 to 100, or an array of them; several give a new first axis."""
median = row(
    "median(x, axis=None, keepdims=False)",
    floats(jnp.median),
    "The middle value along axes; the mean of two where there are two.",
)
quantile = row(
    'quantile(x, q, axis=None, method="linear", keepdims=False)',
    floats(jnp.quantile),
    "The value below which a fraction q of the elements lies." + _Q,
)
percentile = row(
    'percentile(x, q, axis=None, method="linear", keepdims=False)',
    floats(jnp.percentile),
    "The value below which q percent of the elements lie." + _PERCENT,
)

# The same, without the NaN.
nansum = row("nansum(x, axis=None, keepdims=False)", jnp.nansum, "The sum of what is not NaN.")
nanprod = row(
    "nanprod(x, axis=None, keepdims=False)", jnp.nanprod, "The product of what is not NaN."
)
nanmean = row(
    "nanmean(x, axis=None, keepdims=False)", floats(jnp.nanmean), "The mean of what is not NaN."
)
nanvar = row(
    "nanvar(x, axis=None, keepdims=False)", floats(jnp.nanvar), "The variance of what is not NaN."
)
nanstd = row(
    "nanstd(x, axis=None, keepdims=False)",
    floats(jnp.nanstd),
    "The standard deviation of what is not NaN.",
)
nanmax = row("nanmax(x, axis=None, keepdims=False)", jnp.nanmax, "The largest that is not NaN.")
nanmin = row("nanmin(x, axis=None, keepdims=False)", jnp.nanmin, "The smallest that is not NaN.")
nanargmax = row(
    "nanargmax(x, axis=None, keepdims=False)",
    jnp.nanargmax,
    "The index of the largest that is not NaN; -1 where all are.",
)
nanargmin = row(
    "nanargmin(x, axis=None, keepdims=False)",
    jnp.nanargmin,
    "The index of the smallest that is not NaN; -1 where all are.",
)
nanmedian = row(
    "nanmedian(x, axis=None, keepdims=False)",
    floats(jnp.nanmedian),
    "The middle value of what is not NaN.",
)
nanquantile = row(
    'nanquantile(x, q, axis=None, method="linear", keepdims=False)',
    floats(jnp.nanquantile),
    "The value below which a fraction q of what is not NaN lies." + _Q,
)
nanpercentile = row(
    'nanpercentile(x, q, axis=None, method="linear", keepdims=False)',
    floats(jnp.nanpercentile),
    "The value below which q percent of what is not NaN lie." + _PERCENT,
)

# Cumulative.
cumsum = row(
    "cumsum(x, axis=None, dtype=None)",
    jnp.cumsum,
    "The sums of the first 1, 2, ... elements; of the flat array if no axis is given.",
)
cumprod = row(
    "cumprod(x, axis=None, dtype=None)",
    jnp.cumprod,
    "The products of the first 1, 2, ... elements; of the flat array if no axis is given.",
)
nancumsum = row("nancumsum(x, axis=None, dtype=None)", jnp.nancumsum, "As `cumsum`, with NaN as 0.")
nancumprod = row(
    "nancumprod(x, axis=None, dtype=None)", jnp.nancumprod, "As `cumprod`, with NaN as 1."
)
diff = row(
    "diff(a, n=1, axis=-1)",
    jnp.diff,
    """The differences of neighbours along an axis.
    n: how many times to take them.""",
)

# Truth and counts.
all = row("all(x, axis=None, keepdims=False)", jnp.all, "Whether all elements are true.")
any = row("any(x, axis=None, keepdims=False)", jnp.any, "Whether any element is true.")
allclose = row(
    "allclose(x1, x2, rtol=1e-05, atol=1e-08, equal_nan=False)",
    jnp.allclose,
    "Whether |x1 - x2| <= atol + rtol |x2| everywhere.",
)
count_nonzero = row(
    "count_nonzero(x, axis=None)",
    lambda x, axis: jnp.count_nonzero(x, axis=axis).astype("int32"),
    "How many elements are not zero.",
)
histogram = row(
    "histogram(x, bins=10, range=None)",
    jnp.histogram,
    """Counts in intervals, and the edges of the intervals.
    bins: how many intervals of equal width, or their edges.
    range: the smallest and the largest edge; by default those of the data.""",
)
corrcoef = row(
    "corrcoef(x)",
    floats(jnp.corrcoef),
    """The correlation coefficients of variables.
    x: one variable per row, one observation per column.""",
)


@define
def bincount(
    x: Array, weights: Array | None = None, minlength: int = 0, sparse: bool = False
) -> Array:
    """How often each of the integers 0, 1, 2, ... occurs.

    The length of the result depends on the data, so that it works on arrays only, not while a
    model is being drawn or compiled.

    Args:
        x: integers from 0 on, of shape (length,) or (batch, length).
        weights: what each element counts; 1 by default.
        minlength: the least length of the result.
        sparse: not supported.

    Returns:
        Counts of shape (size,) or (batch, size), size = max(x.max() + 1, minlength).
    """
    if sparse:
        raise NotImplementedError("bincount: sparse arrays do not exist here. Use sparse=False.")
    if x.ndim == 1:
        return jnp.bincount(x, weights, minlength=minlength)
    size = builtins.max(int(x.max()) + 1, minlength) if x.size else minlength
    rows = jnp.arange(x.shape[0])[:, None]
    counts = jnp.zeros((x.shape[0], size), "int32" if weights is None else weights.dtype)
    return counts.at[rows, x].add(1 if weights is None else weights)
