"""Learning rates by path: what the learning rate is multiplied with, Variable by Variable."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cornu import names
from cornu.core.state.variable import Variable
from cornu.errors import suggest

__all__ = ["factors_by_path", "check_factors", "group_by_factor"]


def check_factors(rates: Any, who: str) -> dict[str, float]:
    """Returns a table of multipliers by path or pattern, as plain data.

    Raises:
        TypeError: it is no such table.
        ValueError: a multiplier is negative or not finite.
    """
    if not isinstance(rates, Mapping):
        raise TypeError(
            f"{who}: rates are a dict of multipliers by path or pattern, such as "
            f'{{"encoder/**": 0.1}}. Received: {rates!r}'
        )
    for path, factor in rates.items():
        if not isinstance(path, str) or not path:
            raise TypeError(
                f"{who}: rates are given by the path, name or pattern of a part of the model, as "
                f"text. Received: {path!r}"
            )
        if not isinstance(factor, numbers.Real) or isinstance(factor, bool):
            raise TypeError(f"{who}: the rate of {path!r} must be a number. Received: {factor!r}")
        if not 0 <= factor < math.inf:
            raise ValueError(f"{who}: the rate of {path!r} must be 0 or more. Received: {factor!r}")
    return {path: float(factor) for path, factor in rates.items()}


def factors_by_path(
    rates: Mapping[str, float], variables: Iterable[Variable], who: str
) -> dict[Variable, float]:
    """Returns the multipliers of Variables that no model knows, by their own paths.

    Raises:
        ValueError: a name or pattern means none of them.
    """
    variables = list(variables)
    factors: dict[Variable, float] = {}
    for what, factor in rates.items():
        meant = [variable for variable in variables if _means(what, variable.path)]
        if not meant:
            known = dict.fromkeys(path for v in variables for path in _prefixes(v.path))
            raise ValueError(
                f"{who}: there is no {what!r} to set a rate for. {suggest(what, known)}"
            )
        factors.update(dict.fromkeys(meant, factor))
    return factors


def _means(what: str, path: str) -> bool:
    if names.is_glob(what):
        return any(names.glob(what).fullmatch(part) for part in _prefixes(path))
    return any(f"/{part}".endswith(f"/{what.removeprefix('/')}") for part in _prefixes(path))


def _prefixes(path: str) -> Iterator[str]:
    """Yields a path and the paths around it, outermost first: a, a/b, a/b/c."""
    parts = path.split("/")
    return ("/".join(parts[:end]) for end in range(1, len(parts) + 1))


def group_by_factor(
    variables: Sequence[Variable], factors: Mapping[Variable, float]
) -> dict[float, list[int]]:
    """Returns the positions of Variables by their multiplier, which is 1 for those not named.

    Example:

    >>> a, b, c = (Variable(1.0, name=name) for name in "abc")
    >>> grouped([a, b, c], {b: 0.5})
    {1.0: [0, 2], 0.5: [1]}
    """
    groups: dict[float, list[int]] = {}
    for position, variable in enumerate(variables):
        groups.setdefault(factors.get(variable, 1.0), []).append(position)
    return groups
