"""Learning rates as the program set them, not as callbacks changed them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from cornu.core.state.variable import Variable
from cornu.optimizers import Optimizer
from cornu.optimizers.learning_rate_override import wrapped_optimizers
from cornu.training.resume.fingerprint import RATE

__all__ = ["SetRate", "describe_rates", "find_rates", "note_end"]


class SetRate(NamedTuple):
    """A learning rate that is a number.

    Attributes:
        name: its name in a fingerprint.
        variable: holds it.
        given: the array that the program set.
        left: the array that the last `fit` left. While the Variable holds the same object, nothing
            was assigned since.
    """

    name: str
    variable: Variable
    given: Any
    left: Any = None

    @property
    def value(self) -> float:
        """The learning rate that the program set, with the digits of its own type."""
        return float(str(np.asarray(self.given)[()]))


def find_rates(optimizer: Any, before: tuple[SetRate, ...]) -> tuple[SetRate, ...]:
    """Returns the learning rates of an optimizer when a `fit` begins.

    A rate that is still the one that the last `fit` left counts as what it was when that began:
    callbacks, such as a LearningRateScheduler, have changed it.

    Args:
        optimizer: the optimizer of the model.
        before: the rates in the last `fit`.
    """
    known = {id(rate.variable): rate for rate in before}
    members = wrapped_optimizers(optimizer) if isinstance(optimizer, Optimizer) else []
    found = []
    for number, member in enumerate(members):
        variable = member._learning_rate_source_
        if not isinstance(variable, Variable):
            continue
        name = RATE if len(members) == 1 else f"{RATE}.{number} ({type(member).__name__})"
        last = known.get(id(variable))
        same = last is not None and last.left is variable.stored
        found.append(SetRate(name, variable, last.given if same and last else variable.stored))
    return tuple(found)


def note_end(rates: tuple[SetRate, ...]) -> tuple[SetRate, ...]:
    """Returns the rates with the values that a `fit` that ends leaves."""
    return tuple(rate._replace(left=rate.variable.stored) for rate in rates)


def describe_rates(rates: tuple[SetRate, ...]) -> dict[str, float]:
    """Returns the learning rates by name."""
    return {rate.name: rate.value for rate in rates}
