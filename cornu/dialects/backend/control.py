"""Functions of the backend that choose, assign, and make functions."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.core.state.variable import Variable
from cornu.dialects.backend import functions, lazy

__all__ = ["FUNCTIONS"]


def update(x: Variable, new_x: Any) -> functions.Update:
    """Returns the assignment of a value to a Variable, for the updates of a function."""
    return functions.Update(x, new_x)


def update_add(x: Variable, increment: Any) -> functions.Update:
    """Returns the addition of a value to a Variable, for the updates of a function."""
    return functions.Update(x, x + increment)


def update_sub(x: Variable, decrement: Any) -> functions.Update:
    """Returns the subtraction of a value from a Variable, for the updates of a function."""
    return functions.Update(x, x - decrement)


def moving_average_update(x: Variable, value: Any, momentum: float) -> functions.Update:
    """Returns the assignment of `momentum * x + (1 - momentum) * value`."""
    return functions.Update(x, x * momentum + value * (1.0 - momentum))


def function(inputs: Any, outputs: Any, updates: Any = None, **kwargs: Any) -> functions.Function:
    """Returns a function of a list of arrays that computes Tensors and assigns updates.

    Args:
        inputs: placeholders, inputs of models, and possibly `learning_phase()`.
        outputs: Tensors.
        updates: pairs of a Variable and its new value, or results of `update`.
        **kwargs: ignored, such as options of Theano.
    """
    return functions.Function(inputs, outputs, updates or ())


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """Selects by a condition; the two may be functions, and the condition a scalar or an array."""
    chosen, other = (x() if callable(x) else x for x in (then_expression, else_expression))
    return _select(condition, chosen, other)


@op
def _select(condition: Any, chosen: Any, other: Any) -> Any:
    condition, chosen = jnp.asarray(condition, bool), jnp.asarray(chosen)
    missing = chosen.ndim - condition.ndim
    if condition.ndim and missing > 0:
        condition = condition.reshape(condition.shape + (1,) * missing)
    return jnp.where(condition, chosen, other)


def in_train_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """Returns `x` in training and `alt` otherwise; either may be a function."""
    phase = lazy.learning_phase() if training is None else training
    if isinstance(phase, (bool, int)):
        chosen = x if phase else alt
        return chosen() if callable(chosen) else chosen
    return switch(phase, x, alt)


def in_test_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """Returns `alt` in training and `x` otherwise; either may be a function."""
    return in_train_phase(alt, x, training)


@contextlib.contextmanager
def control_dependencies(control_inputs: Any) -> Iterator[None]:
    """Does nothing: updates are assigned after the outputs are computed."""
    yield


def symbolic(func: Callable[..., Any]) -> Callable[..., Any]:
    """Returns the function: calls on Tensors are symbolic."""
    return func


FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{
        made.__name__: made
        for made in (
            update,
            update_add,
            update_sub,
            moving_average_update,
            function,
            switch,
            in_train_phase,
            in_test_phase,
            control_dependencies,
            symbolic,
        )
    },
    "eager": symbolic,
}
