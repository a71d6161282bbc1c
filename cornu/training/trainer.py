"""Trainer: the state of training of one model: compile config, counters, seeds and programs."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, cast

import jax

from cornu import metrics, optimizers, seeds, tree
from cornu.callbacks import CallbackList, History
from cornu.core.layer.layer import Layer
from cornu.core.layer.walk import nested_layers
from cornu.core.state import placement, scope, sharing
from cornu.core.state.keys import make_key
from cornu.core.state.placement import Placement
from cornu.core.state.tracking import iterate_owned
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.data import Arrays, DataInput, ReadOptions, Stream, identify
from cornu.errors import warn
from cornu.foreign import describe_class
from cornu.inspect.learning_rates import apply_rates_by_path
from cornu.metrics import Metric
from cornu.ops.random.generator import iterate_sources
from cornu.optimizers import LossScaleOptimizer, Optimizer
from cornu.registry.names import find_distributions
from cornu.training import batch_check, steps
from cornu.training.binding import Binding
from cornu.training.compile.config import CompileConfig
from cornu.training.compile.metric_set import MetricSet, check_metrics, like_output
from cornu.training.compile.objective import Objective, check_losses
from cornu.training.compile.outputs import Outputs
from cornu.training.known_input import KnownInput
from cornu.training.occupancy import Occupancy
from cornu.training.programs import ProgramCache
from cornu.training.protocols import TrainableModel
from cornu.training.rematerialization import RematPlanner, rematerialize
from cornu.training.step.nan_guard import NaNGuard
from cornu.training.step.runner import Runner, StepCount
from cornu.types import Batch, DataLike, PyTree

__all__ = ["RunState", "Trainer"]

# Methods of a model that receive data in the structure in which the user passed it.
_SEES_DATA = {
    "train": ("compute_loss", "compute_loss_and_updates", "compute_metrics"),
    "test": ("compute_loss", "compute_loss_and_updates", "compute_metrics"),
    "predict": (),
}


@dataclass
class RunState:
    """Flags that callbacks set during `fit`, and results of the last `fit`.

    Attributes:
        stop_training: whether `fit` stops after the current step.
        pausing: whether it stops in order to continue later.
        interrupted: whether it stops because of a Ctrl-C.
        can_pause: whether the state of training is saved, so that it can continue.
        history: the History of the last `fit`.
        nan_report: the report of the last `fit(debug_nans=True)` that stopped.
        checked: the CompileConfig for which probable mistakes have been reported.
        rates: the learning rates in the last `fit`; see `training/resume/rates.py`.
    """

    stop_training: bool = False
    pausing: bool = False
    interrupted: bool = False
    can_pause: bool = False
    history: History | None = None
    nan_report: Any = None
    checked: CompileConfig | None = None
    rates: tuple[Any, ...] = ()


class Trainer:
    """The state of training of a model.

    Args:
        model: the model, which owns the Trainer.

    Attributes:
        config: the arguments of `compile`; None before `compile`.
        optimizer: the optimizer; user code may replace it.
        run_eagerly: whether steps and calls run without compilation.
        outputs: the outputs of the model, once they are known.
        objective: the losses of the outputs.
        metric_set: the metrics of the outputs.
        loss_tracker: the mean of the total loss.
        run: flags and results of `fit`.
        counts: the number of train and test steps that have been run.
        epochs_run: the number of epochs that have been run in all calls of `fit`.
        seed: the seed of all randomness in training; None until it is needed.
        programs: the compiled steps.
        known_input: the last array that was the only batch of `predict`.
        occupancy: which threads train and evaluate the model.
        remat: what chooses the blocks that the backward pass recomputes, if `compile` asks for it.
    """

    def __init__(self, model: TrainableModel) -> None:
        self.model = model
        self.config: CompileConfig | None = None
        self.optimizer: Any = None
        self.run_eagerly = False
        self.outputs: Outputs | None = None
        self.objective: Objective | None = None
        self.metric_set: MetricSet | None = None
        self.loss_tracker: metrics.Mean | None = None
        self.run = RunState()
        self.counts = {"train": StepCount(), "test": StepCount()}
        self.epochs_run = 0
        self.seed: int | None = None
        self.programs = ProgramCache(self)
        self.known_input: KnownInput | None = None
        self.occupancy = Occupancy()
        self.remat: RematPlanner | None = None
        self._placement: Placement | None = None
        # Configs and phases for which lazily created Variables already exist.
        self._traced_for_variables: list[tuple[CompileConfig, bool]] = []

    # ------------------------------------------------------------------------- use by threads

    def training(self, what: str) -> AbstractContextManager[None]:
        """Reserves the model for training in this thread, in a `with` block.

        Raises:
            RuntimeError: another thread trains it.
        """
        return self.occupancy.training(f"Model {self.model.name!r}", what)

    def evaluation(self) -> AbstractContextManager[None]:
        """Reserves the metrics for this thread, or gives it values of its own for them."""
        return self.occupancy.evaluation(lambda: self.model.metrics_variables)

    # ------------------------------------------------------------------------------------ compile

    def compile(
        self,
        optimizer: Any,
        loss: Any,
        loss_weights: Any,
        metrics_: Any,
        weighted_metrics: Any,
        run_eagerly: bool,
        steps_per_execution: int | None,
        auto_scale_loss: bool,
        distribution: Any = None,
        remat: str | Sequence[str] | None = None,
        memory_limit: int | None = None,
    ) -> None:
        """Resolves and checks the arguments of `compile`; nothing is computed.

        Args:
            optimizer, loss, loss_weights, weighted_metrics, run_eagerly, steps_per_execution,
                auto_scale_loss, distribution, remat, memory_limit: as in `Model.compile`.
            metrics_: `metrics` of `Model.compile`.

        Raises:
            ValueError: a name is unknown, or is not the name of an output.
        """
        planner = rematerialize(self.model, remat, memory_limit)
        optimizer = None if optimizer is None else optimizers.get(optimizer)
        for given in (metrics_, weighted_metrics):
            check_metrics(given)
        self.optimizer = self._with_loss_scaling(optimizer) if auto_scale_loss else optimizer
        config = CompileConfig(
            self.optimizer,
            loss,
            loss_weights,
            metrics_,
            weighted_metrics,
            run_eagerly,
            # 1 is the default of Keras. It leaves the number of steps per dispatch to the Runner.
            None if steps_per_execution in (None, 1) else steps_per_execution,
        )
        self.config = config
        self.run_eagerly = run_eagerly
        if distribution is not None:
            self._placement = find_distributions().get(distribution)
        else:
            self._placement = placement.current() or self._placement
        if self.remat is not None:
            self.remat.reset()
        self.remat = planner
        self.outputs = self.objective = None
        self.metric_set = MetricSet(config)
        self.loss_tracker = metrics.Mean(name="loss")
        self.programs.clear_steps()
        self._traced_for_variables = []
        self.programs.traces.give_reason("compile() was called", ("train", "test"))
        self.counts = {"train": StepCount(), "test": StepCount()}
        graph = self.model._graph_
        if graph is None:
            check_losses(config.loss)
            return
        self.outputs = Outputs(graph.outputs, graph.output_names)
        self._set_objective(config, self.outputs)
        self.metric_set.identifiers(self.outputs)  # raises an error for wrong names

    @property
    def placement(self) -> Placement | None:
        """Where Variables and batches are on several devices; None for the default device.

        It is that of `compile`; a model that was compiled without one has the current one.
        """
        return self._placement or placement.current()

    def _set_objective(self, config: CompileConfig, outputs: Outputs) -> None:
        self.objective = Objective(config, outputs)
        outputs.targeted = self.objective.targeted

    def _set_objective_if_known(self) -> None:
        """Assigns the losses to the outputs, once both are known."""
        config, outputs = self.config, self.outputs
        if config is None or config.loss is None or outputs is None or self.objective is not None:
            return
        self._set_objective(config, outputs)

    def _with_loss_scaling(self, optimizer: Any) -> Any:
        """Adds loss scaling to the optimizer if the model computes in float16."""
        float16 = self.model.dtype_policy.compute_dtype == "float16"
        if not float16 or optimizer is None or isinstance(optimizer, LossScaleOptimizer):
            return optimizer
        return LossScaleOptimizer(optimizer, name="loss_scale_optimizer")

    def set_run_eagerly(self, value: bool) -> None:
        """Sets whether steps and calls run without compilation."""
        if value != self.run_eagerly:
            self.run_eagerly = value
            self.programs.clear()

    def require_config(self, what: str) -> CompileConfig:
        """Returns the arguments of `compile`.

        Raises:
            RuntimeError: `compile` was not called.
        """
        if self.config is None:
            raise RuntimeError(
                f"Model {self.model.name!r} must be compiled before {what}: call "
                "model.compile(optimizer=..., loss=...)."
            )
        return self.config

    def require_optimizer(self, what: str) -> None:
        """Raises a RuntimeError if the model was not compiled with an optimizer."""
        self.require_config(what)
        if self.optimizer is None:
            raise RuntimeError(
                f"Model {self.model.name!r} was compiled with optimizer=None and cannot be "
                f"trained.\nCompile it with an optimizer before {what}."
            )

    # ------------------------------------------------------------------------- losses and metrics

    def own_metrics(self) -> list[Metric]:
        """Returns the metrics of `compile`: the total loss, the metrics, the losses of outputs."""
        found: list[Metric] = [] if self.loss_tracker is None else [self.loss_tracker]
        if self.metric_set is not None and not self.metric_set.is_empty:
            found.append(self.metric_set)
        return found if self.objective is None else [*found, *self.objective.trackers]

    def reset_metrics(self) -> None:
        """Resets all metrics."""
        self.model.reset_metrics()

    @property
    def sorts_logs(self) -> bool:
        """Whether logs are ordered by name."""
        return self.model._sorts_logs_

    def results(self) -> dict[str, Any]:
        """Returns the values of the metrics, on the device."""
        return self.model.get_metrics_result()

    def bind_outputs(self, y: DataLike, y_pred: PyTree) -> None:
        """Creates the losses and metrics of the outputs, unless they exist already.

        Args:
            y: targets of a batch, or None.
            y_pred: predictions, needed if the outputs of the model are not known.
        """
        metric_set = self.metric_set
        if self.config is None or metric_set is None:
            return
        if self.objective is not None and metric_set.outputs is not None:
            return
        if self.outputs is None:
            if y_pred is None:
                return
            self.outputs = Outputs(tree.map(like_output, y_pred))
        self._set_objective_if_known()
        if metric_set.outputs is None:
            # Without metrics, `compute_loss` of the model alone decides what y may be.
            measured = self.config.metrics or self.config.weighted_metrics
            metric_set.bind(self.outputs, self.outputs.spread_targets(y if measured else None))

    # --------------------------------------------------------------------------- data and building

    def binding(
        self,
        kind: str,
        class_weight: Mapping[Any, Any] | None = None,
        inputs_only: bool = False,
        aligned: bool = True,
    ) -> Binding:
        """Returns the Binding of batches to the inputs and outputs of the model.

        Args:
            kind: "train", "test" or "predict".
            class_weight: as in `fit`.
            inputs_only: whether there is only x.
            aligned: whether all arrays have the same number of rows; see `Binding`.
        """
        config = self.config
        binds = config is not None and (config.loss or config.metrics or config.weighted_metrics)
        return Binding(
            self.model,
            self._outputs_for,
            class_weight,
            inputs_only,
            aligned,
            own_step=steps.has_own_step(self.model, f"{kind}_step"),
            keeps_structure=any(self.model._overrides_(name) for name in _SEES_DATA[kind]),
            keeps_inputs=any(self.model._overrides_(name) for name in ("call", "__call__")),
            # Without losses and metrics, there is nothing to which targets could be assigned.
            keeps_targets=not binds,
        )

    def _outputs_for(self, x: DataLike) -> Outputs | None:
        """Builds the model for inputs like x; returns its outputs."""
        self.build(x)
        # The losses decide which outputs need targets, and so what y may be.
        self._set_objective_if_known()
        return self.outputs

    def build(self, x: DataLike) -> None:
        """Builds the model for inputs like x (arrays or specs), and infers its outputs."""
        model = self.model
        if not model._is_callable_:
            model.built = True
        elif not model.built or self.outputs is None:
            with sharing.build_lock:
                structure = model._infer_outputs_for_(x)
                graph = model._graph_
                self.outputs = Outputs(structure, None if graph is None else graph.output_names)

    def prepare(self, source: Arrays | Stream, train: bool) -> None:
        """Builds the model, the optimizer and the metrics for the batches of a source."""
        batch = source.example()
        with sharing.build_lock, placement.use(self.placement):
            self._prepare(batch, train)

    def _prepare(self, batch: Any, train: bool) -> None:
        x, y, _ = batch
        if not steps.has_own_step(self.model, "train_step" if train else "test_step"):
            self.build(x)
            self.bind_outputs(y, None)
        else:
            # The step decides how the model is called, if at all, and with which targets.
            if not self.model.built:
                self.build(x)
            with contextlib.suppress(ValueError):
                self.bind_outputs(y, None)
        if self.placement is not None:
            self.placement._plan_(self.model)
        if train and not self.optimizer.built:
            self._warn_of_unreached_layers()
            self.optimizer.build(self.model.trainable_variables)
        if train:
            self.optimizer._adopt_(self.model.trainable_variables)
            apply_rates_by_path(self.model)
        if self.config is not None and self._has_variables_to_create(self.config, train):
            self._traced_for_variables.append((self.config, train))
            step = self.train_logs if train else self.test_logs
            # Traces the step once, for the Variables that metrics and optimizers create in it.
            with scope.abstract_scope():
                jax.eval_shape(step, batch)

    def _has_variables_to_create(self, config: CompileConfig, train: bool) -> bool:
        """Whether a loss, metric or optimizer may create Variables when it is first used."""
        if any(c is config and t == train for c, t in self._traced_for_variables):
            return False
        if self.metric_set is None and (config.metrics or config.weighted_metrics):
            return True
        if self.objective is None and config.loss is not None:
            return True
        return any(
            (train and not thing.built) if isinstance(thing, Optimizer) else not thing.variables
            for thing in iterate_owned(self.model)
            if isinstance(thing, (Metric, Optimizer))
        )

    def _warn_of_unreached_layers(self) -> None:
        unreached = [layer for layer in nested_layers(self.model) if not layer.built]
        if unreached:
            names = ", ".join(repr(layer.name) for layer in unreached)
            warn(
                "C023",
                f"Model {self.model.name!r} owns layers that `call` does not use: {names}. "
                "They have no weights and are not trained. Call them in `call`, or remove them.",
                stacklevel=user_stacklevel(),
            )

    def one_batch(
        self,
        x: DataLike,
        y: DataLike,
        sample_weight: DataLike,
        class_weight: Mapping[Any, Any] | None,
        train: bool,
    ) -> Arrays:
        """Returns a source of one batch; builds the model and checks the data."""
        binding = self.binding("train" if train else "test", class_weight, aligned=False)
        source = _open_whole(identify(x, y, sample_weight), binding)
        self.prepare(source, train)
        batch_check.check_data(self, binding, source)
        return source

    def one_input_batch(self, x: DataLike) -> Arrays:
        """Returns a source of one batch for `predict`; builds the model."""
        binding = self.binding("predict", inputs_only=True, aligned=False)
        source = _open_whole(identify(x), binding)
        if not self.model.built:
            self.model._build_for_(source.example()[0])
        return source

    # -------------------------------------------------------------------------------------- steps

    def train_logs(self, batch: Batch) -> dict[str, Any] | None:
        """Runs the train step on a batch; returns None if the logs follow from the metrics."""
        return steps.train(self, batch)

    def test_logs(self, batch: Batch) -> dict[str, Any] | None:
        """Runs the test step on a batch; returns None if the logs follow from the metrics."""
        return steps.test(self, batch)

    def predictions(self, batch: Batch) -> Any:
        """Runs the predict step on a batch."""
        return steps.predict(self, batch)

    def pads(self, kind: str) -> bool:
        """Whether rows of weight zero do not affect any result, so that batches can be padded."""
        overridable = _SEES_DATA[kind]
        return (
            not steps.has_own_step(self.model, f"{kind}_step")
            and not any(self.model._overrides_(name) for name in overridable)
            and self.programs.is_rowwise()
            and (self.objective is None or self.objective.rowwise)
            and (self.metric_set is None or self.metric_set.rowwise)
        )

    def current_runner(self, runner: Runner, callbacks: CallbackList) -> Runner:
        """Returns the runner for the weights that are trainable now; `runner` is the last one."""
        known = all(
            self.optimizer._is_built_with_(variable) for variable in self.model.trainable_variables
        )
        if not known:
            return runner
        if isinstance(runner, NaNGuard):
            return self.programs.nan_guard(runner.stop, callbacks, runner.epochs)
        return self.programs.runner("train", callbacks)

    def finish_training(self) -> None:
        """Assigns averaged values to the weights, if the optimizer computes them."""
        self.optimizer.finalize_variable_values(self.model.trainable_variables)

    # ------------------------------------------------------------------ state that steps may touch

    def touched_variables(self) -> list[Variable]:
        """Returns all Variables that a step may read or assign."""
        # Optimizers of custom steps are attributes of the model; that of `compile` is not.
        used = [thing for thing in iterate_owned(self.model) if isinstance(thing, Optimizer)]
        if self.optimizer is not None:
            used.append(self.optimizer)
        found = self.model._all_variables_ + [v for one in used for v in one.variables]
        return list({id(v): v for v in found}.values())

    @property
    def layers(self) -> list[Layer]:
        """The model and all its nested layers, outer layers first."""
        return [cast(Layer, self.model), *nested_layers(self.model)]

    def random_sources(self) -> list[Any]:
        """Returns the random sources of all layers, in the order of the layers."""
        found = [
            s
            for layer in self.layers
            for value in vars(layer).copy().values()
            for s in iterate_sources(value)
        ]
        return list({id(source): source for source in found}.values())

    def base_seed(self) -> int:
        """Returns the seed of all randomness in training, which is chosen on first use."""
        if self.seed is None:
            self.seed = seeds.next_seed()
        return self.seed

    def key(self) -> jax.Array:
        """Returns the random key of the model's programs."""
        # Without 64-bit types, JAX takes only seeds of 32 bits.
        return make_key(self.base_seed() & 0x7FFFFFFF)

    def set_seed(self, seed: int) -> None:
        """Sets the seed of training; drops programs, which contain the seed, if it changes."""
        if seed != self.seed:
            self.seed = seed
            self.programs.clear()

    # ------------------------------------------------------------------------- flags of the run

    @property
    def stop_training(self) -> bool:
        """Whether `fit` stops after the current step."""
        return self.run.stop_training

    @stop_training.setter
    def stop_training(self, value: bool) -> None:
        self.run.stop_training = value

    @property
    def pausing(self) -> bool:
        """Whether `fit` stops in order to continue later."""
        return self.run.pausing

    @property
    def decisions(self) -> list[bool]:
        """The flags that callbacks and signals set; the first is `stop_training`."""
        return [self.run.stop_training, self.run.pausing, self.run.interrupted]

    def decide(self, decisions: list[bool]) -> None:
        """Sets the flags."""
        self.run.stop_training, self.run.pausing, self.run.interrupted = decisions


def _open_whole(data: DataInput, binding: Binding) -> Arrays:
    """Returns a source whose only batch contains all rows."""
    if not data.has_rows:
        raise ValueError(
            f"A single batch must consist of arrays; x is an iterable of batches "
            f"({describe_class(data.x)}).\nPass one of its batches, next(iter(x)), or call fit, "
            "evaluate or predict."
        )
    source = data.open(ReadOptions(whole=True, prepare=binding.bind, names=binding.names))
    assert isinstance(source, Arrays)
    return source
