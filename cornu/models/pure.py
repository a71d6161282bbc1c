"""Pure: a model as arrays and a function of them, for those who write their own JAX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from cornu.core.state import scope
from cornu.core.state.variable import Variable
from cornu.errors import did_you_mean
from cornu.saving.weight_paths import collect_weights_by_path

__all__ = ["Apply", "Pure", "assign", "pure"]

Arrays = dict[str, Any]


class Apply:
    """A model as a function without side effects.

    Args:
        model: the model, built.
        params, state: its Variables by path.
    """

    def __init__(
        self, model: Any, params: Mapping[str, Variable], state: Mapping[str, Variable]
    ) -> None:
        self._params, self._state = tuple(params), tuple(state)
        self._counted = model.metrics_variables  # what a call adds to metrics is dropped
        self._call = scope.functionalize(
            lambda *args, **kwargs: (model(*args, **kwargs), model.losses),
            [*params.values(), *state.values(), *self._counted],
            model.trainer.random_sources(),
        )

    def __call__(
        self,
        params: Mapping[str, Any],
        state: Mapping[str, Any],
        *args: Any,
        training: bool = False,
        key: Any = None,
        return_losses: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Returns `(outputs, state)`, and with `return_losses` the losses as a third.

        Args:
            params, state: arrays by path, as `Model.pure` returns them.
            *args, **kwargs: what the model is called on.
            training: whether layers behave as in training; not a traced value.
            key: a JAX random key, for models that draw random numbers.
            return_losses: whether those of regularizers and `add_loss` are returned, too.

        Raises:
            ValueError: `params` or `state` has other paths.
        """
        trained = _in_order("params", self._params, params)
        rest = _in_order("state", self._state, state)
        values = [*trained, *rest, *(v.stored for v in self._counted)]
        (outputs, losses), news, _ = self._call(values, key, *args, training=training, **kwargs)
        after = {
            path: news.get(len(trained) + i, value)
            for i, (path, value) in enumerate(zip(self._state, rest, strict=True))
        }
        return (outputs, after, losses) if return_losses else (outputs, after)


class Pure(NamedTuple):
    """A model taken apart.

    Attributes:
        params: the arrays that training changes, by path.
        state: the other arrays, such as the averages of batch normalization, by path.
        apply: an `Apply`.
    """

    params: Arrays
    state: Arrays
    apply: Apply


def pure(model: Any) -> Pure:
    """Does what `Model.pure` says."""
    if not model.built:
        raise ValueError(
            f"Model {model.name!r} is not built, so that its weights are not known.\n"
            "Call it on a batch first, or give it an Input."
        )
    trained = {id(v) for v in model.trainable_variables}
    params: dict[str, Variable] = {}
    state: dict[str, Variable] = {}
    for path, variable in collect_weights_by_path(model).items():
        (params if id(variable) in trained else state)[path] = variable
    return Pure(_copied(params), _copied(state), Apply(model, params, state))


def assign(model: Any, parts: tuple[Mapping[str, Any], ...]) -> None:
    """Does what `Model.assign` says."""
    known = collect_weights_by_path(model)
    given = {path: value for part in parts for path, value in part.items()}
    for path, value in given.items():
        if path not in known:
            raise ValueError(
                f"Model {model.name!r} has no weight {path!r}. {did_you_mean(path, known)}".rstrip()
                + "\nNo weight was changed."
            )
        if np.shape(value) != known[path].shape:
            raise ValueError(
                f"Weight {path!r} has the shape {known[path].shape}; received "
                f"{np.shape(value)}. No weight was changed."
            )
    for path, value in given.items():
        known[path].assign(value)


def _copied(variables: Mapping[str, Variable]) -> Arrays:
    # Training gives the buffers of Variables away, and these arrays are to last.
    return {path: jnp.array(v.stored) for path, v in variables.items()}


def _in_order(what: str, known: Sequence[str], given: Mapping[str, Any]) -> list[Any]:
    wrong = [*(f"{path!r} is missing" for path in known if path not in given)]
    wrong += [f"{path!r} is unknown" for path in given if path not in known]
    if wrong:
        more = f", and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise ValueError(
            f"{what} must have the paths that model.pure() gave them: {', '.join(wrong[:3])}{more}."
        )
    return [given[path] for path in known]
