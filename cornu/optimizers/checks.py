"""Checks of the arguments of optimizers, with their error messages."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from cornu import registry
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.errors import is_positive_integer, suggest_argument
from cornu.optimizers.schedules.base import FunctionSchedule, LearningRateSchedule
from cornu.optimizers.transforms.chain import GradsAndVars

__all__ = [
    "check_accumulation",
    "check_averaging",
    "check_clipping",
    "check_learning_rate",
    "check_unknown_arguments",
    "pair_gradients",
]


def check_unknown_arguments(kwargs: dict[str, Any], known: Iterable[str], label: str) -> None:
    """Raises an error for the first keyword argument that a constructor does not have.

    Args:
        kwargs: the arguments that the signature does not name.
        known: the names of the constructor's arguments.
        label: the optimizer, as error messages name it.
    """
    if kwargs.pop("decay", None) is not None:
        warnings.warn(
            f"{label}: the argument `decay` was removed from Keras and has no effect. "
            "Pass the schedule InverseTimeDecay as learning_rate.",
            stacklevel=user_stacklevel(),
        )
    for unknown in kwargs:
        hint = suggest_argument(unknown, known)
        raise ValueError(f"{label} has no argument {unknown!r}. {hint}")


def check_learning_rate(rate: Any, label: str) -> Any:
    """Returns a schedule or a function without arguments, and a number as a float.

    A function of the step, such as a schedule of Optax or Keras, is made a schedule.
    """
    if isinstance(rate, LearningRateSchedule):
        return rate
    if callable(rate):
        rate = registry.resolve("optimizers.schedules", rate)
        takes_step = not isinstance(rate, LearningRateSchedule) and _requires_argument(rate)
        return FunctionSchedule(rate) if takes_step else rate
    if isinstance(rate, (bool, str)) or rate is None or np.ndim(rate) != 0:
        raise ValueError(
            f"{label}: learning_rate must be a number, a LearningRateSchedule or a "
            f"function without arguments. Received: {rate!r}"
            + ("\nConvert the string to a number: float(...)." if isinstance(rate, str) else "")
        )
    # `not >=` instead of `<`, so that NaN is refused too.
    if not isinstance(rate, Variable) and not float(rate) >= 0:
        raise ValueError(
            f"{label}: learning_rate must be at least 0. Received: {rate!r}\n"
            "To maximize instead of minimize, change the sign of the loss."
        )
    return float(rate)


def _requires_argument(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function).bind()
    except TypeError:
        return True
    except ValueError:  # a function without a signature
        return False
    return False


def check_clipping(
    clipnorm: float | None, clipvalue: float | None, global_clipnorm: float | None, label: str
) -> None:
    """Raises an error if several kinds of clipping are combined."""
    limits = (clipnorm, clipvalue, global_clipnorm)
    if sum(limit is not None for limit in limits) > 1:
        raise ValueError(
            f"{label}: only one of clipnorm, clipvalue and global_clipnorm can be given. "
            f"Received: {', '.join(map(str, limits))}"
        )


def check_accumulation(steps: int | None, label: str) -> None:
    """Raises an error if `gradient_accumulation_steps` is not None or an integer above 1."""
    if steps and (not is_positive_integer(steps) or steps < 2):
        raise ValueError(
            f"{label}: gradient_accumulation_steps must be None or an integer of at least 2. "
            f"Received: {steps}"
        )


def check_averaging(momentum: float, overwrite_frequency: int | None, label: str) -> None:
    """Raises an error if the arguments of the moving averages are out of range."""
    if not 0 <= momentum <= 1:
        raise ValueError(f"{label}: ema_momentum must be between 0 and 1. Received: {momentum}")
    every = overwrite_frequency
    if every and not is_positive_integer(every):
        raise ValueError(
            f"{label}: ema_overwrite_frequency must be None or a positive integer. "
            f"Received: {every}"
        )


def pair_gradients(grads: Sequence[Any], variables: Sequence[Variable], label: str) -> GradsAndVars:
    """Returns (gradient, Variable) pairs, without Variables whose gradient is None.

    Warns:
        UserWarning: some gradients are None.

    Raises:
        ValueError: all gradients are None, or a shape does not match.
    """
    missing = [v.path for g, v in zip(grads, variables, strict=True) if g is None]
    if missing:
        message = (
            f"{label}: the gradient is None for {', '.join(map(repr, missing))}.\n"
            "The loss does not depend on these Variables."
        )
        if len(missing) == len(grads):
            raise ValueError(f"{message} There is nothing to update.")
        warnings.warn(f"{message} They are not updated.", stacklevel=user_stacklevel())
    found = [(jnp.asarray(g), v) for g, v in zip(grads, variables, strict=True) if g is not None]
    for gradient, variable in found:
        if gradient.shape != variable.shape:
            raise ValueError(
                f"{label}: expected a gradient of shape {variable.shape} for Variable "
                f"{variable.path!r}, received shape {gradient.shape}."
            )
    return found
