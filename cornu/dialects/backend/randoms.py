"""Functions of the backend that return random numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import ops, settings
from cornu.core.state.variable import Variable
from cornu.dialects.backend import lazy
from cornu.dialects.backend.variables import variable
from cornu.ops import random

__all__ = ["FUNCTIONS"]


def _random(name: str, compute: Callable[[], Any]) -> Any:
    return lazy.record_leaf(name, compute) if lazy.in_graph_mode() else compute()


def _shape(shape: Any) -> tuple[int, ...]:
    return tuple(shape)


def random_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Returns normally distributed numbers."""
    return _random("random_normal", lambda: random.normal(_shape(shape), mean, stddev, dtype, seed))


def random_uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Returns uniformly distributed numbers."""
    return _random(
        "random_uniform", lambda: random.uniform(_shape(shape), minval, maxval, dtype, seed)
    )


def truncated_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Returns normally distributed numbers within two standard deviations."""
    return _random(
        "truncated_normal",
        lambda: random.truncated_normal(_shape(shape), mean, stddev, dtype, seed),
    )


def random_binomial(shape: Any, p: float = 0.0, dtype: Any = None, seed: Any = None) -> Any:
    """Returns 1 with probability `p`, else 0."""
    dtype = dtype or settings.get("floatx")
    return _random(
        "random_binomial",
        lambda: ops.cast(random.uniform(_shape(shape), 0.0, 1.0, None, seed) <= p, dtype),
    )


def random_normal_variable(
    shape: Any,
    mean: float,
    scale: float,
    dtype: Any = None,
    name: str | None = None,
    seed: int | None = None,
) -> Variable:
    """Returns a Variable of normally distributed numbers."""
    return variable(np.random.RandomState(seed).normal(mean, scale, shape), dtype, name)


def random_uniform_variable(
    shape: Any,
    low: float,
    high: float,
    dtype: Any = None,
    name: str | None = None,
    seed: int | None = None,
) -> Variable:
    """Returns a Variable of uniformly distributed numbers."""
    return variable(np.random.RandomState(seed).uniform(low, high, shape), dtype, name)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    made.__name__: made
    for made in (
        random_normal,
        random_uniform,
        truncated_normal,
        random_binomial,
        random_normal_variable,
        random_uniform_variable,
    )
}
