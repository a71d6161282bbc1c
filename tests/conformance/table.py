"""The fields of a row of the conformance table; the checks are in `test_layers.py`.

Each file in `rows/` has a list `ROWS`; all files there are found by themselves.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

# What every row goes through. A row may leave one out with skip={"check": "reason"}.
CHECKS = (
    "weights",  # names, shapes, dtypes and roles are Keras's
    "keras",  # outputs with transferred weights, for training False and True
    "gradient",  # finite, and equal to Keras's, by weights and float inputs
    "compiled",  # eager = compiled, in one compilation
    "symbolic",  # the shapes and dtypes of a drawn graph = those of the results
    "form",  # equal layers have one structural key, so that blocks are traced once
    "config",  # get_config -> JSON -> from_config -> the same config and the same output
    "keras_config",  # so does Keras's config, which has no word that ours has not
    "mask",  # the output's mask is Keras's
    "mixed",  # computes in bfloat16, close to float32
    "rowwise",  # for layers that declare that rows of the batch do not mix
)


@dataclass(frozen=True)
class Call:
    """The arguments of one call of a layer: arrays, or structures of them."""

    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class LayerRow:
    """A layer with constructor arguments and inputs, to be compared with Keras's.

    Attributes:
        name: unique among all rows, such as "dense_relu".
        make: makes the layer; called with cornu, and with keras.
        inputs: the first argument of the call (an array or a structure), or a `Call`.
        rtol, atol: how far outputs may be from Keras's (gradients: ten times as far).
        random: whether the output is random in training; then only inference is compared.
        integer: whether the inputs have no gradient.
        mask: the mask of the first argument (an array or a structure), attached to the input.
        skip: checks left out, with the reason.
    """

    name: str
    make: Callable[[Any], Any]
    inputs: Callable[[np.random.Generator], Any]
    rtol: float = 1e-5
    atol: float = 1e-6
    random: bool = False
    integer: bool = False
    mask: Callable[[np.random.Generator], Any] | None = None
    skip: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = set(self.skip) - set(CHECKS)
        if unknown:
            raise ValueError(f"Row {self.name!r} skips {unknown}; the checks are {CHECKS}.")

    def call(self) -> Call:
        """Returns the arguments, the same ones each time."""
        inputs = self.inputs(np.random.default_rng(7))
        return inputs if isinstance(inputs, Call) else Call((inputs,))

    def masks(self) -> Any:
        """Returns the mask of the first argument, the same one each time."""
        return None if self.mask is None else self.mask(np.random.default_rng(11))


def all_rows() -> list[LayerRow]:
    """Returns the rows of all files in `rows/`, sorted by file."""
    import tests.conformance.rows as package

    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    modules = [importlib.import_module(f"{package.__name__}.{name}") for name in names]
    rows = [row for module in modules for row in module.ROWS]
    repeated = {row.name for row in rows if [r.name for r in rows].count(row.name) > 1}
    if repeated:
        raise ValueError(f"Names of rows that occur more than once: {sorted(repeated)}")
    return rows
