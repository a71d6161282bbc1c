"""The functions `(state, iterator) -> (result, state)` of Keras on JAX, and the tree of the state.

`fit` does not need them. They are for programs with a training loop of their own, and for models
that override `make_train_function`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax

from cornu.core.state import scope, sharing
from cornu.core.state.variable import Variable
from cornu.errors import suggest
from cornu.training import steps
from cornu.training.step import state_lists
from cornu.types import DataLike

if TYPE_CHECKING:
    from cornu.training.trainer import Trainer

__all__ = ["get_state_tree", "set_state_tree", "step_function", "sync_state"]

StepFunction = Callable[[Any, Iterator[Any]], tuple[Any, Any]]

_FORMATS = ("backend_tensor", "numpy_array")


def step_function(trainer: Trainer, name: str) -> StepFunction:
    """Returns a function that runs a step of a model on the next batch of an iterator.

    Args:
        trainer: the Trainer of the model.
        name: "train_step", "test_step" or "predict_step".

    Returns:
        A function `(state, iterator) -> (result, state)`. It changes no Variable.
    """
    source = object()  # the random source of these functions
    count = itertools.count()

    def run(values: Sequence[Any], key: Any, state: Any, data: DataLike) -> tuple[Any, Any]:
        call = scope.pure(
            lambda: steps.call_with_state(trainer, name, state, data), trainer.touched_variables()
        )
        (result, new), _, _ = call(values, key)
        return result, new

    compiled = jax.jit(run)

    def function(state: Any, iterator: Iterator[Any]) -> tuple[Any, Any]:
        if name == "train_step":
            trainer.require_optimizer("train_function")
        around = scope.current()
        if around.key is None:
            key = jax.random.fold_in(trainer.key(), next(count))
        else:
            key = around.next_key(source, name, None)
        values = [v.value for v in trainer.touched_variables()]
        return (run if trainer.run_eagerly else compiled)(values, key, state, next(iterator))

    return function


def sync_state(trainer: Trainer, state: Mapping[str, Sequence[Any]]) -> None:
    """Assigns the values of a state to the Variables; see `Model.jax_state_sync`."""
    owners = _variables(trainer)
    state_lists.assign([owners[name] for name in state], list(state.values()))


def _variables(trainer: Trainer) -> dict[str, Sequence[Variable]]:
    """Returns the Variables of each part of the state of training."""
    model, optimizer = trainer.model, trainer.optimizer
    return {
        "trainable_variables": model.trainable_variables,
        "non_trainable_variables": model.non_trainable_variables,
        "optimizer_variables": [] if optimizer is None else optimizer.variables,
        "metrics_variables": model.metrics_variables,
    }


# ------------------------------------------------------------------------------------ state trees


def get_state_tree(trainer: Trainer, value_format: str) -> dict[str, Any]:
    """Returns the values of all Variables by part and path; see `Model.get_state_tree`."""
    if value_format not in _FORMATS:
        raise ValueError(
            f"get_state_tree: unknown value_format {value_format!r}. "
            f"{suggest(value_format, _FORMATS)}"
        )
    numpy = value_format == "numpy_array"
    owners = _variables(trainer)
    every = [v for part in owners.values() for v in part]

    def read() -> dict[str, Any]:
        return {
            part: _nest((v.path, v.numpy() if numpy else v.value) for v in variables)
            for part, variables in owners.items()
        }

    return sharing.read_one_by_one(every, read)


def set_state_tree(trainer: Trainer, state_tree: Mapping[str, Any]) -> None:
    """Assigns the values of a state tree; see `Model.set_state_tree`.

    Raises:
        ValueError: a part or a path is unknown, or a shape differs. No Variable is changed then.
    """
    owners = _variables(trainer)
    pairs: list[tuple[Variable, Any]] = []
    for part, values in state_tree.items():
        if part not in owners:
            raise ValueError(f"set_state_tree: unknown part {part!r}. {suggest(part, owners)}")
        by_path = {v.path: v for v in owners[part]}
        for path, value in _flatten(values):
            if path not in by_path:
                raise ValueError(
                    f"set_state_tree: there is no Variable {path!r} among {part}. "
                    f"{suggest(path, by_path)}"
                )
            if tuple(value.shape) != by_path[path].shape:
                raise ValueError(
                    f"set_state_tree: Variable {path!r} has the shape {by_path[path].shape}; "
                    f"received {tuple(value.shape)}. No Variable was changed."
                )
            pairs.append((by_path[path], value))
    with sharing.values_lock:
        for variable, value in pairs:
            variable.assign(value)


def _nest(values: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Returns values by path as nested dicts."""
    root: dict[str, Any] = {}
    seen: set[str] = set()
    for path, value in values:
        if path in seen:
            raise ValueError(
                f"get_state_tree: two Variables have the path {path!r}. Give the layers, metrics "
                "and optimizers different names."
            )
        seen.add(path)
        *parents, name = path.split("/")
        inner = root
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[name] = value
    return root


def _flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yields the paths and values of nested dicts."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}/")
        else:
            yield prefix + name, value
