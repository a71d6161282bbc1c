"""Pure: a model as arrays and a pure function of them, for use with JAX transformations."""

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
        self._counted = model.metrics_variables  # updates of metrics are discarded
        self._call = scope.functionalize(
            lambda *args, **kwargs: (model(*args, **kwargs), model.losses),
            [*params.values(), *state.values(), *self._counted],
            model._trainer_.random_sources(),
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
        """Returns `(outputs, state)`, or `(outputs, state, losses)` with `return_losses`.

        Args:
            params, state: arrays by path, as `Model.pure` returns them.
            *args, **kwargs: the arguments of the model.
            training: whether layers run in training mode; must not be a traced value.
            key: a JAX random key, for models that draw random numbers.
            return_losses: whether to return the losses of regularizers and `add_loss`.

        Raises:
            ValueError: the paths in `params` or `state` are not those of the model.
        """
        trained = _ordered_values("params", self._params, params)
        rest = _ordered_values("state", self._state, state)
        values = [*trained, *rest, *(v.stored for v in self._counted)]
        (outputs, losses), updates, _ = self._call(values, key, *args, training=training, **kwargs)
        after = {
            path: updates.get(len(trained) + i, value)
            for i, (path, value) in enumerate(zip(self._state, rest, strict=True))
        }
        return (outputs, after, losses) if return_losses else (outputs, after)


class Pure(NamedTuple):
    """The parameters, the state and the function of a model.

    Attributes:
        params: the trainable arrays, by path.
        state: the other arrays, such as the moving averages of batch normalization, by path.
        apply: the model as a function of `params` and `state`.
    """

    params: Arrays
    state: Arrays
    apply: Apply


def pure(model: Any) -> Pure:
    """Implements `Model.pure`."""
    if not model.built:
        raise ValueError(
            f"Model {model.name!r} is not built: it has no weights yet.\n"
            "Call it on a batch first, or declare its input shape with an Input."
        )
    trained = {id(v) for v in model.trainable_variables}
    params: dict[str, Variable] = {}
    state: dict[str, Variable] = {}
    for path, variable in collect_weights_by_path(model).items():
        (params if id(variable) in trained else state)[path] = variable
    return Pure(_copy_arrays(params), _copy_arrays(state), Apply(model, params, state))


def assign(model: Any, parts: tuple[Mapping[str, Any], ...]) -> None:
    """Implements `Model.assign`. All paths and shapes are checked before the first assignment."""
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


def _copy_arrays(variables: Mapping[str, Variable]) -> Arrays:
    # Copies, because training steps donate the buffers of Variables to XLA, which deletes them.
    return {path: jnp.array(v.stored) for path, v in variables.items()}


def _ordered_values(what: str, known: Sequence[str], given: Mapping[str, Any]) -> list[Any]:
    wrong = [*(f"{path!r} is missing" for path in known if path not in given)]
    wrong += [f"{path!r} is unknown" for path in given if path not in known]
    if wrong:
        more = f", and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise ValueError(
            f"{what} must have the paths that model.pure() returned: {', '.join(wrong[:3])}{more}."
        )
    return [given[path] for path in known]
