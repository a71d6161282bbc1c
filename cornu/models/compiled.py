"""Compiled: what `compile` decides about a model, and the steps made from it."""

from __future__ import annotations

import inspect
from typing import Any

import jax
import jax.numpy as jnp

from cornu import losses, optimizers, registry, tree
from cornu import metrics as metrics_module
from cornu.core.graph.tensor import Tensor
from cornu.core.layer.layer import Layer
from cornu.core.state import scope
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.models import stateless
from cornu.models.functional import FunctionalGraph
from cornu.training.loop import Count
from cornu.training.outputs import Outputs, is_array
from cornu.training.recipe import Objective, Recipe, Scores, batch_size, check_metrics
from cornu.training.traces import Trace, Traces

__all__ = ["Compiled"]


class Compiled(Layer):
    """The part of a Model that knows how it is trained.

    Attributes:
        optimizer: the optimizer that `compile` was given.
        stop_training: set it in a callback to end `fit`.
        pausing: whether `fit` ends to go on another time; see `pause_training`.
        history: the History of the last `fit`.
        nan_report: what `fit(debug_nans=True)` found when it stopped.
    """

    is_model = True
    bookkeeping = Layer.bookkeeping | frozenset(
        "optimizer stop_training pausing history _recipe _outputs _objective _scores _loss_tracker "
        "_runners _steps _forwards _seed _epochs_run _built_with functional_graph _drawn "
        "_checked _can_pause _traces _drafted nan_report".split()
    )

    optimizer: Any
    stop_training: bool
    pausing: bool
    _can_pause: bool
    history: Any
    nan_report: Any
    functional_graph: FunctionalGraph | None
    _loss_tracker: Any
    _runners: dict[Any, Any]
    _steps: dict[str, Count]
    _forwards: dict[Any, Any]
    _seed: int | None
    _epochs_run: int
    _built_with: Any
    _recipe: Recipe | None
    _outputs: Outputs | None
    _objective: Objective | None
    _scores: Scores | None
    _checked: Recipe | None
    _traces: Traces
    _drafted: list[tuple[Recipe, bool]]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        self = super().__new__(cls, *args, **kwargs)
        self.functional_graph = None
        self.optimizer = None
        self.stop_training = False
        self.pausing = False
        self._can_pause = False
        self.history = None
        self._recipe = None
        self._outputs = None
        self._objective = None
        self._scores = None
        self._loss_tracker = None
        self._runners = {}
        self._steps = {"train": Count(), "test": Count()}
        self._forwards = {}
        self._seed = None
        self._epochs_run = 0
        self._built_with = None
        self._checked = None
        self._traces = Traces()
        self._drafted = []
        self.nan_report = None
        return self

    # ------------------------------------------------------------------------------------ compile

    @api_boundary
    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int | None = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Decides on how to train: nothing is computed yet.

        Args:
            optimizer: a name, an Optimizer, or any optax transformation.
            loss: a name, a Loss or a function of `(y_true, y_pred)`; for several outputs one for
                all, a list, or a dict by output name (`None` for an output without loss).
            loss_weights: factors of the losses, in the same forms.
            metrics: a list of names, Metrics or functions; for several outputs a list of lists
                or a dict by output name.
            weighted_metrics: the same, weighted by sample_weight and class_weight.
            run_eagerly: whether steps run without being compiled, for debugging.
            steps_per_execution: steps per dispatch; by default (1) the runner decides, and the
                result does not depend on it. A larger number fixes it.
            jit_compile: `False` is the same as `run_eagerly=True`.
            auto_scale_loss: whether float16 training scales its loss.

        Raises:
            ValueError: a name is unknown, or does not belong to an output.
        """
        if optimizer is not None:
            optimizer = optimizers.get(optimizer)
        for given in (metrics, weighted_metrics):
            check_metrics(given)
        if auto_scale_loss and self.dtype_policy.compute_dtype == "float16":
            if not isinstance(optimizer, optimizers.LossScaleOptimizer):
                optimizer = optimizers.LossScaleOptimizer(optimizer, name="loss_scale_optimizer")
        self.optimizer = optimizer
        self._recipe = Recipe(
            optimizer=optimizer,
            loss=loss,
            loss_weights=loss_weights,
            metrics=metrics,
            weighted_metrics=weighted_metrics,
            run_eagerly=bool(run_eagerly) or jit_compile is False,
            steps_per_execution=None if steps_per_execution in (None, 1) else steps_per_execution,
        )
        self._outputs = self._objective = self._scores = None
        self._loss_tracker = metrics_module.Mean(name="loss")
        self._runners = {}
        self._drafted = []
        self._traces.because("compile() was called", ("train", "test"))
        self._steps = {"train": Count(), "test": Count()}
        if self.functional_graph is not None:
            self._outputs = Outputs(
                self.functional_graph.outputs, self.functional_graph.output_names
            )
            self._objective = Objective(self._recipe, self._outputs)
            for what in ("metrics", "weighted_metrics"):
                value = getattr(self._recipe, what)
                if isinstance(value, dict):
                    self._outputs.spread(value, what)
        else:
            for one in _flat(loss):
                losses.get(one)

    def get_compile_config(self) -> dict[str, Any] | None:
        """Returns the arguments of `compile` as plain data."""
        if self._recipe is None:
            return None
        names = ("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics", "run_eagerly")
        config = {name: registry.serialize(getattr(self._recipe, name)) for name in names}
        return {**config, "steps_per_execution": self._recipe.steps_per_execution or 1}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles the model from what `get_compile_config()` returned."""
        known = inspect.signature(self.compile).parameters
        given = {name: registry.deserialize(v) for name, v in config.items() if name in known}
        self.compile(**given)
        if self.built and self.optimizer is not None and not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)

    @property
    def compiled(self) -> bool:
        """Whether `compile` was called."""
        return self._recipe is not None

    @property
    def run_eagerly(self) -> bool:
        """Whether steps and calls run without being compiled."""
        return self._recipe is not None and self._recipe.run_eagerly

    @property
    def jit_compile(self) -> bool:
        """Whether steps are compiled."""
        return not self.run_eagerly

    @property
    def loss(self) -> Any:
        """The loss that `compile` was given."""
        return self._recipe.loss if self._recipe is not None else None

    @property
    def metrics(self) -> list[Any]:
        """The metrics: the loss, those that compile was given, and those of layers."""
        found = [] if self._loss_tracker is None else [self._loss_tracker]
        if self._objective is not None:
            found += [tracker for tracker in self._objective.trackers if tracker is not None]
        if self._scores is not None:
            found += self._scores.metrics
        own = super().metrics
        return found + [metric for metric in own if all(metric is not known for known in found)]

    @property
    def metrics_names(self) -> list[str]:
        """The names of the metrics."""
        return [metric.name for metric in self.metrics]

    def reset_metrics(self) -> None:
        """Sets all metrics back."""
        for metric in self.metrics:
            metric.reset_state()

    def results(self) -> dict[str, Any]:
        """Returns the metrics' values, computed on the device."""
        return self.get_metrics_result()

    def get_metrics_result(self) -> dict[str, Any]:
        """Returns the metrics' values by name."""
        found: dict[str, Any] = {}
        for metric in self.metrics:
            result = metric.result()
            if isinstance(result, dict):
                found.update(result)
            else:
                found[metric.name] = result
        return found

    @property
    def traces(self) -> list[Trace]:
        """What was compiled for this model so far, and why; the last hundred times.

        A step is compiled for each shape and dtype that it meets. That takes seconds, and running
        it milliseconds, so that a list that grows while a model is used is worth a look.

        Example:

        >>> import cornu, numpy as np
        >>> model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
        >>> for rows in (8, 8, 5):
        ...     outputs = model.predict(np.zeros((rows, 2), "float32"))
        >>> model.traces
        [<predict: first use>, <predict: x: float32[8, 2] -> float32[5, 2]>]

        Differences: not in Keras. `fit` warns (C060, C061; see `docs/checks.md`) where batches of
        many shapes or of several dtypes come one after another.
        """
        return list(self._traces)

    # -------------------------------------------------------------------------------------- steps

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Returns the total loss of a batch: of the outputs, of regularizers and of `add_loss`.

        May be overridden; it is traced into the compiled step.
        """
        self._bind(y, y_pred)
        total: Any = None
        if self._objective is not None and any(self._objective.losses):
            total = self._objective(y, y_pred, sample_weight)
        for loss in self.losses:
            loss = jnp.sum(jnp.asarray(loss))
            total = loss if total is None else total + loss
        if total is None:
            raise ValueError(
                f"Model {self.name!r} has nothing to minimize: compile it with a loss, add losses "
                "in layers, or override `compute_loss`."
            )
        return total

    def stateless_compute_loss(
        self,
        trainable_variables: Any,
        non_trainable_variables: Any,
        metrics_variables: Any,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Returns what `compute_loss` does for given values of the Variables, changing nothing.

        Args:
            trainable_variables, non_trainable_variables, metrics_variables: values of the model's
                Variables of these names.
            x, y, y_pred, sample_weight, training: as in `compute_loss`.

        Returns:
            The loss, and `(trainable, non-trainable, metrics)` values after it.
        """
        self._bind(y, y_pred)
        given = (trainable_variables, non_trainable_variables, metrics_variables)
        owners = self.trainable_variables, self.non_trainable_variables, self.metrics_variables
        compute = scope.pure(self.compute_loss, [v for part in owners for v in part])
        values = [value for part in given for value in part]
        loss, news, _ = compute(values, None, x, y, y_pred, sample_weight, training)
        first, second = len(owners[0]), len(owners[0]) + len(owners[1])
        return loss, (list(news[:first]), list(news[first:second]), list(news[second:]))

    def _bind(self, y: Any, y_pred: Any) -> None:
        """Binds losses and metrics to the outputs, where no `fit` has done so before."""
        if self._recipe is None or (self._objective is not None and self._scores is not None):
            return
        if self._outputs is None:
            if y_pred is None:
                return
            self._outputs = Outputs(tree.map(_like_output, y_pred))
        if self._objective is None and self._recipe.loss is not None:
            self._objective = Objective(self._recipe, self._outputs)
        if self._scores is None:
            targets = [None] * len(self._outputs)
            if y is not None:
                targets = self._outputs.spread(y, "y", whole=is_array)
            self._scores = Scores(self._recipe, self._outputs, targets)
            self._scores.prepare(targets)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Updates the metrics with a batch, and returns their values. May be overridden."""
        self._bind(y, y_pred)
        if self._scores is not None:
            self._scores.update(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def train_step(self, data: Any) -> dict[str, Any]:
        """Trains on one batch `(x, y, sample_weight)`, and returns logs.

        An override is written with Variables as if they could simply be changed; use
        `cornu.value_and_grad` for gradients. It is lifted and compiled as a whole.

        Example:

        >>> import cornu
        >>> class Plain(cornu.Model):
        ...     def train_step(self, data):
        ...         x, y, _ = data
        ...         loss_of = lambda: ((self(x, training=True) - y) ** 2).mean()
        ...         loss, grads = cornu.value_and_grad(loss_of, self.trainable_variables)()
        ...         self.optimizer.apply(grads, self.trainable_variables)
        ...         return {"loss": loss}
        """
        x, y, sample_weight = data
        y_pred = self._descend(x, y, sample_weight)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def _descend(self, x: Any, y: Any, sample_weight: Any) -> Any:
        """Takes one step of the optimizer; returns the predictions."""
        variables = self.trainable_variables
        table = scope.current().masks

        def loss_of() -> Any:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x, y, y_pred, sample_weight, training=True)
            masks = tree.map(table.get, y_pred)
            return self.optimizer.scale_loss(loss), (loss, y_pred, masks)

        (_, aux), grads = scope.value_and_grad(loss_of, variables, has_aux=True)()
        loss, y_pred, masks = aux
        for output, mask in zip(tree.leaves(y_pred), tree.leaves(masks), strict=False):
            if mask is not None:
                table.put(output, mask)
        self._loss_tracker.update_state(loss, sample_weight=batch_size(tree.leaves(y_pred)[0]))
        self.optimizer.apply(grads, variables)
        return y_pred

    def test_step(self, data: Any) -> dict[str, Any]:
        """Evaluates one batch `(x, y, sample_weight)`, and returns logs."""
        x, y, sample_weight = data
        y_pred = self._judge(x, y, sample_weight)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def _judge(self, x: Any, y: Any, sample_weight: Any) -> Any:
        y_pred = self(x, training=False)
        if y is not None or self._objective is None:
            loss = self.compute_loss(x, y, y_pred, sample_weight, training=False)
            rows = batch_size(tree.leaves(y_pred)[0])
            self._loss_tracker.update_state(loss, sample_weight=rows)
        return y_pred

    def predict_step(self, data: Any) -> Any:
        """Returns the predictions for one batch `(x, None, None)`."""
        return self(data[0], training=False)

    def _train_logs(self, data: Any) -> Any:
        """The train step; without logs where they follow from the metrics alone."""
        cls = type(self)
        if (
            cls.train_step is Compiled.train_step
            and cls.compute_metrics is Compiled.compute_metrics
        ):
            x, y, sample_weight = data
            y_pred = self._descend(x, y, sample_weight)
            if self._scores is not None:
                self._scores.update(y, y_pred, sample_weight)
            return None
        return self._stepped("train_step", data)

    def _stepped(self, name: str, data: Any) -> Any:
        """Returns the logs of a step of the user's own."""
        step = getattr(self, name)
        try:
            if stateless.takes_state(step):
                logs = stateless.run(step, self._state(name), data)
            else:
                logs = step(data)
        except ValueError as error:
            if "values to unpack (expected" in str(error):
                error.add_note(
                    "A batch is always (x, y, sample_weight), with None for what was not given: "
                    "write `x, y, sample_weight = data`."
                )
            raise
        if not isinstance(logs, dict):
            received = "an array" if isinstance(logs, jax.Array) else repr(logs)
            raise TypeError(
                f"{type(self).__name__}.{name} returned {received}; it returns a dict of values by "
                'name.\nEnd it with `return {"loss": loss}`, or with `return '
                "self.compute_metrics(x, y, y_pred, sample_weight)`."
            )
        return logs

    def _state(self, name: str) -> list[list[Variable]]:
        """Returns the parts of the state that Keras gives to a step of this name."""
        parts = [self.trainable_variables, self.non_trainable_variables]
        if name == "train_step":
            parts.append(self.optimizer.variables)
        return parts if name == "predict_step" else [*parts, self.metrics_variables]

    def _test_logs(self, data: Any) -> Any:
        cls = type(self)
        if cls.test_step is Compiled.test_step and cls.compute_metrics is Compiled.compute_metrics:
            x, y, sample_weight = data
            y_pred = self._judge(x, y, sample_weight)
            if self._scores is not None:
                self._scores.update(y, y_pred, sample_weight)
            return None
        return self._stepped("test_step", data)


def _like_output(x: Any) -> Tensor:
    return Tensor((None, *x.shape[1:]), x.dtype)


def _flat(loss: Any) -> list[Any]:
    if isinstance(loss, dict):
        return list(loss.values())
    return list(loss) if isinstance(loss, (list, tuple)) else [loss]
