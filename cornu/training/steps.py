"""The train, test and predict steps, including calls of custom steps."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from cornu import tree
from cornu.core.sparse.arrays import to_bcoo
from cornu.core.state import scope
from cornu.core.state.variable import Variable
from cornu.data.packing import pack_as_given, unpack_x_y_sample_weight
from cornu.training.compile.objective import count_rows
from cornu.training.step import state_lists
from cornu.types import Batch, DataLike, PyTree

if TYPE_CHECKING:
    from cornu.training.protocols import TrainableModel
    from cornu.training.trainer import Trainer

__all__ = [
    "call_with_state",
    "compute_loss",
    "compute_metrics",
    "has_own_step",
    "loss_and_updates",
    "predict",
    "predict_step",
    "stateless_compute_loss",
    "test",
    "test_step",
    "train",
    "train_step",
]

# By step, the method of a model that creates its function.
_MAKERS = {
    "train_step": "make_train_function",
    "test_step": "make_test_function",
    "predict_step": "make_predict_function",
}


# -------------------------------------------------------------------------------- train and test


def train(trainer: Trainer, batch: Batch) -> dict[str, Any] | None:
    """Trains on a batch; returns the logs, or None if they follow from the metrics alone."""
    if _overrides(trainer, "train_step"):
        return _run_users_step(trainer, "train_step", batch)
    _update_metrics(trainer, batch, _train_on(trainer, batch))
    return None


def train_step(trainer: Trainer, *args: Any, **kwargs: Any) -> Any:
    """Trains on a batch; returns the values of the metrics; see `Model.train_step`.

    Args:
        trainer: the Trainer.
        *args, **kwargs: `data`, or `state` and `data`; then the new state is returned, too.
    """
    return _with_state(trainer, "train_step", _train_and_measure, args, kwargs)


def _train_and_measure(trainer: Trainer, batch: Batch) -> dict[str, Any]:
    x, y, sample_weight = batch
    y_pred = _train_on(trainer, batch)
    logs: dict[str, Any] = trainer.model.compute_metrics(x, y, y_pred, sample_weight)
    return logs


def test(trainer: Trainer, batch: Batch) -> dict[str, Any] | None:
    """Evaluates a batch; returns the logs, or None if they follow from the metrics alone."""
    if _overrides(trainer, "test_step"):
        return _run_users_step(trainer, "test_step", batch)
    _update_metrics(trainer, batch, _evaluate(trainer, batch))
    return None


def test_step(trainer: Trainer, *args: Any, **kwargs: Any) -> Any:
    """Evaluates a batch; returns the values of the metrics; see `train_step`."""
    return _with_state(trainer, "test_step", _evaluate_and_measure, args, kwargs)


def _evaluate_and_measure(trainer: Trainer, batch: Batch) -> dict[str, Any]:
    x, y, sample_weight = batch
    y_pred = _evaluate(trainer, batch)
    logs: dict[str, Any] = trainer.model.compute_metrics(x, y, y_pred, sample_weight)
    return logs


def predict_step(trainer: Trainer, *args: Any, **kwargs: Any) -> Any:
    """Returns the predictions for a batch; see `train_step`."""
    return _with_state(trainer, "predict_step", _predict, args, kwargs)


def _predict(trainer: Trainer, batch: Batch) -> Any:
    return trainer.model(batch[0], training=False)


def predict(trainer: Trainer, batch: Batch) -> Any:
    """Runs the predict step on a batch."""
    return _call_step(trainer, "predict_step", batch)


def _with_state(
    trainer: Trainer,
    name: str,
    run: Callable[[Trainer, Batch], Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> Any:
    """Calls `run` for the arguments `(data)` or `(state, data)` of a step."""
    given = [*args, *(kwargs[key] for key in ("state", "data") if key in kwargs)]
    run_on = partial(run, trainer, unpack_x_y_sample_weight(given[-1]))
    if len(given) == 1:
        return run_on()
    owners, returned = _state(trainer, name)
    return state_lists.with_state(run_on, given[0], owners, returned)


def _overrides(trainer: Trainer, step: str) -> bool:
    """Whether the model overrides a step, or `compute_metrics`, which the default step calls."""
    model = trainer.model
    return has_own_step(model, step) or model._overrides_("compute_metrics")


def has_own_step(model: TrainableModel, step: str) -> bool:
    """Whether a model overrides a step, or the method that creates its function."""
    return model._overrides_(step) or model._overrides_(_MAKERS[step])


def _train_on(trainer: Trainer, batch: Batch) -> Any:
    """Applies the gradients of the loss of a batch; returns the predictions."""
    x, y, sample_weight = batch
    model, optimizer = trainer.model, trainer.optimizer
    variables = model.trainable_variables
    if model._overrides_("compute_loss_and_updates"):
        loss, y_pred, grads = _differentiate_users_loss(trainer, batch)
        _track_loss(trainer, loss, y_pred)
        optimizer.apply(grads, variables)
        return y_pred
    masks_of = scope.current().masks

    def loss_of() -> Any:
        y_pred = model(x, training=True)
        loss = model._compute_loss_(x, y, y_pred, sample_weight, training=True)
        masks = tree.map(masks_of.get, y_pred)
        return optimizer.scale_loss(loss), (loss, y_pred, masks)

    (_, aux), grads = scope.value_and_grad(loss_of, variables, has_aux=True)()
    loss, y_pred, masks = aux
    # Masks are keyed by the identity of arrays, and differentiation returns new arrays.
    for output, mask in zip(tree.leaves(y_pred), tree.leaves(masks), strict=False):
        if mask is not None:
            masks_of.put(output, mask)
    _track_loss(trainer, loss, y_pred)
    optimizer.apply(grads, variables)
    return y_pred


def _differentiate_users_loss(trainer: Trainer, batch: Batch) -> tuple[Any, Any, list[Any]]:
    """Returns loss, predictions and gradients of a custom `compute_loss_and_updates`."""
    owners, _ = _state(trainer, "train_step")
    trainable, *values = state_lists.values_of(owners)
    compute = jax.value_and_grad(_bind_loss(trainer, values, batch, True), has_aux=True)
    (_, (loss, y_pred, *updates)), grads = compute(trainable)
    state_lists.assign([owners[1], owners[3]], updates)
    return loss, y_pred, grads


def _bind_loss(
    trainer: Trainer, values: Sequence[Any], batch: Batch, training: bool
) -> Callable[[Any], Any]:
    """Returns `compute_loss_and_updates` of the model as a function of the trainable values."""
    non_trainable, optimizer, metrics = values
    return lambda trainable: trainer.model.compute_loss_and_updates(
        trainable,
        non_trainable,
        metrics,
        *batch,
        training=training,
        optimizer_variables=optimizer,
    )


def loss_and_updates(
    trainer: Trainer,
    values: tuple[Any, Any, Any],
    batch: Batch,
    training: bool,
    optimizer_values: Sequence[Any] | None,
) -> Any:
    """Returns the loss of a batch and its side effects; see `Model.compute_loss_and_updates`."""
    model, optimizer = trainer.model, trainer.optimizer
    x, y, sample_weight = batch
    owners = [model.trainable_variables, model.non_trainable_variables, model.metrics_variables]
    values_of_optimizer: Sequence[Any] = optimizer_values or []
    if values_of_optimizer:
        owners.append(optimizer.variables)

    def compute() -> Any:
        y_pred = model(x, training=training)
        loss = model._compute_loss_(x, y, y_pred, sample_weight, training=training)
        scaled = optimizer.scale_loss(loss) if training and optimizer is not None else loss
        return scaled, loss, y_pred

    around = scope.current()
    key = trainer.key() if around.key is None else around.key
    given = [v for part in (*values, values_of_optimizer) for v in part]
    run = scope.pure(compute, [v for part in owners for v in part])
    (scaled, loss, y_pred), new, _ = run(given, key)
    ends = list(itertools.accumulate((len(part) for part in owners), initial=0))
    parts = [list(new[a:b]) for a, b in itertools.pairwise(ends)]
    return scaled, (loss, y_pred, parts[1], parts[2])


def _evaluate(trainer: Trainer, batch: Batch) -> Any:
    """Adds the loss of a batch to the mean; returns the predictions."""
    x, y, sample_weight = batch
    if trainer.model._overrides_("compute_loss_and_updates"):
        owners, _ = _state(trainer, "test_step")
        trainable, non_trainable, metrics = state_lists.values_of(owners)
        found = _bind_loss(trainer, (non_trainable, None, metrics), batch, False)(trainable)
        _, (loss, y_pred, *updates) = found
        state_lists.assign(owners[1:], updates)
        _track_loss(trainer, loss, y_pred)
        return y_pred
    y_pred = trainer.model(x, training=False)
    if y is not None or trainer.objective is None:
        loss = trainer.model._compute_loss_(x, y, y_pred, sample_weight, training=False)
        _track_loss(trainer, loss, y_pred)
    return y_pred


def _track_loss(trainer: Trainer, loss: Any, y_pred: PyTree) -> None:
    assert trainer.loss_tracker is not None
    # Weighted by rows, so that a partial batch does not count like a full one.
    rows = count_rows(tree.leaves(y_pred)[0])
    trainer.loss_tracker.update_state(loss, sample_weight=rows)


def _update_metrics(trainer: Trainer, batch: Batch, y_pred: PyTree) -> None:
    _, y, sample_weight = batch
    metric_set = trainer.metric_set
    if metric_set is not None and not metric_set.is_empty:
        metric_set.update_state(y, y_pred, sample_weight)


def _run_users_step(trainer: Trainer, name: str, batch: Batch) -> dict[str, Any]:
    """Runs a custom step; returns its logs."""
    model = trainer.model
    try:
        logs = _call_step(trainer, name, batch)
    except ValueError as error:
        if "values to unpack (expected" in str(error):
            error.add_note(
                "A step receives the batch as it was passed: x, (x, y) or (x, y, sample_weight). "
                "For all of them write `x, y, sample_weight = "
                "cornu.utils.unpack_x_y_sample_weight(data)`."
            )
        raise
    if not isinstance(logs, dict):
        received = "an array" if isinstance(logs, jax.Array) else repr(logs)
        raise TypeError(
            f"{type(model).__name__}.{name} must return a dict of values by name; it returned "
            f'{received}.\nUse `return {{"loss": loss}}` or `return '
            "self.compute_metrics(x, y, y_pred, sample_weight)`."
        )
    return logs


def _call_step(trainer: Trainer, name: str, batch: Batch) -> Any:
    """Calls a custom step on a batch as the user passed it."""
    model, data = trainer.model, pack_as_given(to_bcoo(batch))
    maker = _MAKERS[name]
    if model._overrides_(maker):
        # As in Keras, the method sets an attribute: a function of the state and an iterator.
        getattr(model, maker)()
        function = getattr(model, maker.removeprefix("make_"))
        owners, returned = _state(trainer, name)
        if name == "predict_step":  # the function also returns the trainable values
            returned = owners
        return state_lists.run(lambda s, d: function(s, iter((d,))), owners, returned, data)
    step = getattr(model, name)
    if state_lists.takes_state(step):
        return state_lists.run(step, *_state(trainer, name), data)
    return step(data)


def call_with_state(trainer: Trainer, name: str, state: Any, data: DataLike) -> tuple[Any, Any]:
    """Runs a step of the model on a batch, for given values of the Variables.

    Args:
        trainer: the Trainer of the model.
        name: the name of the step.
        state: the values of the parts of the state that Keras passes to the step.
        data: a batch as the user passed it.

    Returns:
        The result, and the new state, which has the parts of `state`.
    """
    step = getattr(trainer.model, name)
    owners, returned = _state(trainer, name)
    if state_lists.takes_state(step):
        result, new = step(state, data)
        return result, (state[0], new) if name == "predict_step" else new
    return state_lists.with_state(partial(step, data), state, owners, owners)


def _state(trainer: Trainer, name: str) -> tuple[list[list[Variable]], list[list[Variable]]]:
    """Returns the parts of the state that Keras passes to a step, and those that it returns."""
    model = trainer.model
    parts = [model.trainable_variables, model.non_trainable_variables]
    if name == "predict_step":
        return parts, parts[1:]
    if name == "train_step":
        parts.append(trainer.optimizer.variables)
    parts.append(model.metrics_variables)
    return parts, parts


# ------------------------------------------------------------------------------ loss and metrics


def compute_loss(trainer: Trainer, y: DataLike, y_pred: PyTree, sample_weight: DataLike) -> Any:
    """Returns the total loss of a batch; see `Model.compute_loss`."""
    trainer.bind_outputs(y, y_pred)
    objective = trainer.objective
    total: Any = None
    if objective is not None and objective.targeted:
        outputs = objective.outputs
        targets, weights = outputs.spread_targets(y), outputs.spread_weights(sample_weight)
        total = objective(targets, tree.leaves(y_pred), weights)
    for loss in trainer.model.losses:
        loss = jnp.sum(jnp.asarray(loss))
        total = loss if total is None else total + loss
    if total is None:
        raise ValueError(
            f"Model {trainer.model.name!r} has no loss to minimize: compile it with a loss, add "
            "losses in layers, or override `compute_loss`."
        )
    return total


def stateless_compute_loss(
    trainer: Trainer, values: tuple[Any, Any, Any], args: tuple[Any, ...]
) -> Any:
    """Returns the loss for given values of Variables; see `Model.stateless_compute_loss`.

    Args:
        trainer: the Trainer of the model.
        values: the values of the trainable, the non-trainable and the metrics' Variables.
        args: the arguments of `compute_loss`.
    """
    model = trainer.model
    # Before the Variables are listed, because it may create metrics.
    trainer.bind_outputs(args[1], args[2])
    owners = model.trainable_variables, model.non_trainable_variables, model.metrics_variables
    compute = scope.pure(model._compute_loss_, [v for part in owners for v in part])
    loss, new, _ = compute([value for part in values for value in part], None, *args)
    first, second = len(owners[0]), len(owners[0]) + len(owners[1])
    return loss, (list(new[:first]), list(new[first:second]), list(new[second:]))


def compute_metrics(
    trainer: Trainer, y: DataLike, y_pred: PyTree, sample_weight: DataLike
) -> dict[str, Any]:
    """Updates the metrics with a batch; returns their values; see `Model.compute_metrics`."""
    trainer.bind_outputs(y, y_pred)
    _update_metrics(trainer, (None, y, sample_weight), y_pred)
    return trainer.results()
