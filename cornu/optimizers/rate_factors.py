"""Learning rates by path: the factor of the learning rate of each Variable."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cornu import names
from cornu.core.state.variable import Variable
from cornu.errors import suggest
from cornu.optimizers.transforms.chain import GradsAndVars

__all__ = ["check_factors", "factors_by_path", "group_by_factor"]


def check_factors(rates: Any, label: str) -> dict[str, float]:
    """Returns factors by path or pattern as plain data.

    Args:
        rates: the argument of `Optimizer.set_rates`.
        label: the optimizer, as error messages name it.

    Raises:
        TypeError: not a dict of numbers by string.
        ValueError: a factor is negative or not finite.
    """
    if not isinstance(rates, Mapping):
        raise TypeError(
            f"{label}: rates must be a dict of factors by path or pattern, such as "
            f'{{"encoder/**": 0.1}}. Received: {rates!r}'
        )
    for path, factor in rates.items():
        if not isinstance(path, str) or not path:
            raise TypeError(
                f"{label}: the keys of rates must be paths, names or patterns of parts of the "
                f"model, as strings. Received: {path!r}"
            )
        if not isinstance(factor, numbers.Real) or isinstance(factor, bool):
            raise TypeError(f"{label}: the rate of {path!r} must be a number. Received: {factor!r}")
        if not 0 <= float(factor) < math.inf:
            raise ValueError(
                f"{label}: the rate of {path!r} must be finite and at least 0. Received: {factor!r}"
            )
    return {path: float(factor) for path, factor in rates.items()}


def factors_by_path(
    rates: Mapping[str, float], variables: Iterable[Variable], label: str
) -> dict[Variable, float]:
    """Returns the factors of Variables that belong to no model, by their own paths.

    Raises:
        ValueError: a path or pattern matches none of them.
    """
    variables = list(variables)
    factors: dict[Variable, float] = {}
    for key, factor in rates.items():
        matches = [variable for variable in variables if _matches(key, variable.path)]
        if not matches:
            known = dict.fromkeys(path for v in variables for path in _prefixes(v.path))
            raise ValueError(f"{label}: rates: nothing matches {key!r}. {suggest(key, known)}")
        factors.update(dict.fromkeys(matches, factor))
    return factors


def _matches(key: str, path: str) -> bool:
    if names.is_glob(key):
        return any(names.glob(key).fullmatch(prefix) for prefix in _prefixes(path))
    suffix = f"/{key.removeprefix('/')}"
    return any(f"/{prefix}".endswith(suffix) for prefix in _prefixes(path))


def _prefixes(path: str) -> Iterator[str]:
    """Yields the prefixes of a path, shortest first: a, a/b, a/b/c."""
    parts = path.split("/")
    return ("/".join(parts[:end]) for end in range(1, len(parts) + 1))


def group_by_factor(
    grads_and_vars: GradsAndVars, factors: Mapping[Variable, float]
) -> dict[float, GradsAndVars]:
    """Groups (gradient, Variable) pairs by their factor, which is 1 where `factors` has none.

    Example:

    >>> a, b, c = (Variable(1.0, name=name) for name in "abc")
    >>> groups = group_by_factor([(1.0, a), (2.0, b), (3.0, c)], {b: 0.5})
    >>> {factor: [v.name for _, v in group] for factor, group in groups.items()}
    {1.0: ['a', 'c'], 0.5: ['b']}
    """
    groups: dict[float, GradsAndVars] = {}
    for gradient, variable in grads_and_vars:
        groups.setdefault(factors.get(variable, 1.0), []).append((gradient, variable))
    return groups
