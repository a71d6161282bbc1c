"""How far results may be from those of Keras, relative to the largest number of a result."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from typing import NamedTuple

# In half precision about five units of it, because sums are rounded in another order.
BASE: Mapping[str, float] = {"float32": 1e-5, "bfloat16": 4e-2, "float16": 5e-3, "int32": 1e-5}


class Wider(NamedTuple):
    """Tolerances of some names that are wider than those of `BASE`.

    Attributes:
        paths: patterns of names, separated by spaces.
        values: the tolerances by dtype.
        why: what needs them.
    """

    paths: str
    values: Mapping[str, float]
    why: str


WIDER: tuple[Wider, ...] = (
    Wider(
        "initializers.Glorot* initializers.He* initializers.Lecun* initializers.Orthogonal* "
        "initializers.Random* initializers.Truncated* initializers.Variance*",
        dict.fromkeys(("float32", "bfloat16", "float16"), 0.08),
        "mean, spread and quantiles of 22,500 random numbers",
    ),
)


def tolerances(path: str) -> Mapping[str, float]:
    """Returns the tolerances of a name by dtype."""
    rows = [row for row in WIDER if any(fnmatch.fnmatchcase(path, p) for p in row.paths.split())]
    found = dict(BASE)
    for row in rows:
        found |= row.values
    return found
