"""ProgramCache: the compiled programs of one model, and their cache keys."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import jax

from cornu import tree
from cornu.callbacks import CallbackList
from cornu.core.layer.walk import nested_layers
from cornu.core.sparse.arrays import to_bcoo, to_dense
from cornu.core.state import scope
from cornu.core.state.forms_version import count_changes
from cornu.core.state.placement import Placement
from cornu.core.state.variable import Variable
from cornu.metrics import Mean, Metric
from cornu.process.forks import reset_after_fork
from cornu.training import steps
from cornu.training.compile.config import CompileConfig
from cornu.training.protocols import TrainableModel
from cornu.training.rematerialization import RematPlanner
from cornu.training.step.nan_guard import NaNGuard, StopAtNaN
from cornu.training.step.partial_batch import pad_batch, round_up
from cornu.training.step.program import Forward, Program
from cornu.training.step.runner import MetricsOwner, Runner, StepCount
from cornu.training.step.trace_log import TraceLog, specs_of
from cornu.types import Batch, PyTree

__all__ = ["ProgramCache", "ProgramOwner"]

_creation_lock = reset_after_fork(threading.RLock())


class ProgramOwner(MetricsOwner, Protocol):
    """The part of the Trainer from which programs are created."""

    model: TrainableModel
    config: CompileConfig | None
    run_eagerly: bool
    counts: dict[str, StepCount]
    loss_tracker: Mean | None
    remat: RematPlanner | None

    @property
    def optimizer(self) -> Any: ...

    @property
    def placement(self) -> Placement | None: ...

    def key(self) -> jax.Array: ...

    def own_metrics(self) -> list[Metric]: ...

    def touched_variables(self) -> list[Variable]: ...

    def random_sources(self) -> list[Any]: ...

    def train_logs(self, batch: Batch) -> Any: ...

    def test_logs(self, batch: Batch) -> Any: ...

    def predictions(self, batch: Batch) -> Any: ...

    def pads(self, kind: str) -> bool: ...


class ProgramCache:
    """Compiled steps and forward functions, by everything that determines a program.

    The keys contain which weights are trainable, so that a model that is frozen and unfrozen
    again is not compiled again.

    Args:
        owner: the Trainer.
    """

    def __init__(self, owner: ProgramOwner) -> None:
        self._owner = owner
        self._runners: dict[Any, Any] = {}
        self._forwards: dict[Any, Forward] = {}
        self._changes = count_changes()
        self._placement: Placement | None = None
        self.traces = TraceLog()

    def clear(self) -> None:
        """Drops all programs."""
        self._runners, self._forwards = {}, {}

    def _drop_outdated(self) -> None:
        """Drops all programs if Variables were replaced or moved since they were made."""
        placement = self._owner.placement
        if self._changes != count_changes() or self._placement is not placement:
            self._changes = count_changes()
            self._placement = placement
            self.clear()

    def _plan(self) -> None:
        """Lets the placement choose where the Variables of the model are, before they are used."""
        placement = self._owner.placement
        if placement is not None:
            placement._plan_(self._owner.model)

    def clear_steps(self) -> None:
        """Drops the programs of train and test steps; forward functions are kept."""
        self._runners = {}

    def swap_steps(self, runners: dict[Any, Any]) -> dict[Any, Any]:
        """Replaces the programs of steps; returns the previous ones."""
        before, self._runners = self._runners, runners
        return before

    @property
    def step_keys(self) -> tuple[Any, ...]:
        """The cache keys of the programs of steps, in order of creation."""
        return tuple(self._runners)

    def cached(self, key: Any, make: Callable[[], Any]) -> Any:
        """Returns the cached result of `make` for a key; it is dropped with the steps."""
        runners = self._runners  # another thread may replace the dict
        if key not in runners:
            runners[key] = make()
        return runners[key]

    # ------------------------------------------------------------------------------------- steps

    def runner(self, kind: str, callbacks: CallbackList | None = None) -> Runner:
        """Returns the runner of "train" or "test" steps for the current state of the model.

        Args:
            kind: "train" or "test".
            callbacks: a CallbackList, some of whose callbacks may wrap the step.
        """
        key = self._step_key(kind, callbacks)
        runner: Runner | None = self._runners.get(key)
        if runner is None:
            # Another thread that evaluates may create one first, or drop it right after: all use
            # the first, and none reads it again. Without a lock, because callbacks run here.
            runner = self._create_runner(kind, callbacks)
            runner = self._runners.setdefault(key, runner)
        return runner

    def _create_runner(self, kind: str, callbacks: CallbackList | None) -> Runner:
        owner = self._owner
        self._plan()
        config = owner.config or CompileConfig()
        step, variables = self._wrapped_step(kind, callbacks)
        return Runner(
            owner,
            step,
            variables,
            owner.random_sources,
            owner.key(),
            eager=owner.run_eagerly,
            pads=owner.pads(kind),
            per_dispatch=config.steps_per_execution,
            count=owner.counts[kind],
            note=self._notes(kind),
            placement=owner.placement,
            make=Program if owner.remat is None or kind != "train" else owner.remat.make,
        )

    def nan_guard(self, stop: StopAtNaN, callbacks: CallbackList, epochs: int = 0) -> NaNGuard:
        """Returns a runner of train steps that stops at the first non-finite step.

        Args:
            stop: raises the error, given the batch, the epoch and the step.
            callbacks: as in `runner`.
            epochs: the number of epochs that another guard has run in this `fit`.
        """
        key = self._step_key("guard", callbacks)
        guard: NaNGuard | None = self._runners.get(key)
        if guard is None:
            plain = self.runner("train")
            step, variables = self._wrapped_step("train", callbacks)
            guard = self._runners[key] = NaNGuard(
                self._owner,
                step,
                variables,
                self._owner.random_sources,
                plain.key,
                plain.eager,
                plain.count,
            )
        guard.begin(stop, epochs)
        return guard

    def _wrapped_step(
        self, kind: str, callbacks: CallbackList | None
    ) -> tuple[Callable[[Any], Any], Callable[[], list[Variable]]]:
        """Returns a step wrapped by callbacks, and a function that lists its Variables."""
        owner = self._owner
        step = owner.test_logs if kind == "test" else owner.train_logs
        if callbacks is None or not callbacks.around:
            return step, owner.touched_variables
        # Programs wrapped by other callbacks are unlikely to be used again: callbacks are usually
        # created for one call of `fit`.
        runners = self._runners.copy()
        self._runners = {key: runner for key, runner in runners.items() if key[0] != "around"}
        own = callbacks.variables
        return callbacks.around_step(step), lambda: [*owner.touched_variables(), *own]

    def _step_key(self, kind: str, callbacks: CallbackList | None) -> Any:
        self._drop_outdated()
        model, optimizer = self._owner.model, self._owner.optimizer
        # The step computes and applies the gradients of exactly these Variables.
        trained = tuple(id(v) for v in model.trainable_variables)
        version = 0 if optimizer is None else optimizer._step_version_
        key = (kind, self._phase_key(), trained, version)
        around = () if callbacks is None else tuple(id(callback) for callback in callbacks.around)
        return ("around", around, *key) if around else key

    def _phase_key(self) -> tuple[bool, ...]:
        # A frozen layer may compute something else, as BatchNormalization does.
        return tuple(layer.trainable for layer in nested_layers(self._owner.model))

    # ----------------------------------------------------------------------------------- forward

    def forward(self, inputs: PyTree, training: bool | None) -> tuple[Any, list[Any]]:
        """Calls the model on arrays through its compiled function.

        Returns:
            The outputs, which carry their masks, and the losses that layers added.
        """
        self._drop_outdated()
        # In inference, it makes no difference which layers are frozen.
        key = (training, self._phase_key() if training else None)
        forward = self._forwards.get(key)
        if forward is None:
            # Threads that call a new model share its program.
            with _creation_lock:
                forward = self._forwards.get(key) or self._create_forward(key, training)
        (outputs, masks), losses = forward(inputs)
        if masks:
            table = scope.current().masks
            for output, mask in zip(tree.leaves(outputs), masks, strict=True):
                if mask is not None:
                    table.put(output, mask)
        return outputs, losses

    def _create_forward(self, key: Any, training: bool | None) -> Forward:
        owner = self._owner
        self._plan()
        kwargs = {} if training is None else {"training": training}
        note = self._notes("call" if training is not False else "predict", training=training)
        forward = self._forwards[key] = Forward(
            lambda x: _with_masks(owner.model._run_((to_bcoo(x),), kwargs)),
            self._variables_of_calls(),
            owner.key(),
            owner.random_sources(),
            lambda x: note((x,)),
            owner.placement,
        )
        return forward

    def _variables_of_calls(self) -> list[Variable]:
        """Returns the Variables that a call of the model may read or assign."""
        model = self._owner.model
        found = model._all_variables_
        if not model._is_purely_functional_:
            return found
        # Only steps use the metrics of `compile`, and each argument adds to the time of a call.
        metrics = self._owner.own_metrics()
        unused = {id(part) for m in metrics for v in m.variables for part in v._parts_}
        return [variable for variable in found if id(variable) not in unused]

    def predict(self, batch: Batch, size: int | None = None) -> Any:
        """Returns the predictions for a batch.

        Args:
            batch: `(x, None, None)`.
            size: the number of rows to which a partial batch is padded, if rows are independent.
        """
        owner = self._owner
        own_step = steps.has_own_step(owner.model, "predict_step")
        eager = owner.run_eagerly
        if owner.placement is not None:
            # Any number of rows, if they can be divided evenly then.
            rows = jax.tree_util.tree_leaves(batch)[0].shape[0]
            multiple = owner.placement._row_multiple_
            size = round_up(rows if size is None else size, multiple)
        if size is not None and not own_step and not eager and self.is_rowwise():
            rows = jax.tree_util.tree_leaves(batch)[0].shape[0]
            # Without padding, the last batch would need a program of its own.
            if rows < size:
                whole = self.predict(pad_batch(batch, size)[0])
                return jax.tree_util.tree_map(lambda x: x[:rows], whole)
        if eager:
            return to_dense(owner.predictions(batch))
        if not own_step:
            return to_dense(self.forward(batch[0], False)[0])
        self._drop_outdated()
        key = ("predict_step", self._phase_key())
        forward = self._forwards.get(key)
        if forward is None:
            forward = self._forwards[key] = Forward(
                owner.predictions,
                owner.model._all_variables_,
                owner.key(),
                owner.random_sources(),
                self._notes("predict"),
                owner.placement,
            )
        return to_dense(forward(batch)[0])

    def is_rowwise(self) -> bool:
        """Whether each row of the outputs of the model depends only on the same row of inputs."""
        model = self._owner.model
        graph = model._graph_
        return model._is_purely_functional_ and graph is not None and graph.rowwise()

    def _notes(self, step: str, **known: Any) -> Callable[..., None]:
        """Returns a function that logs a compilation; it is called when a step is traced."""
        model = self._owner.model

        def note(batch: Batch, facts: Mapping[str, Any] = known, streamed: bool = True) -> None:
            frozen = [layer.name for layer in nested_layers(model) if not layer.trainable]
            facts = {**facts, "frozen": ", ".join(frozen) or "nothing"}
            self.traces.note(f"Model {model.name!r}", step, specs_of(batch), facts, streamed)

        return note


def _with_masks(outputs: PyTree) -> tuple[PyTree, list[Any]]:
    """Returns outputs and their masks, since a compiled function returns new arrays."""
    masks = [scope.current().masks.get(output) for output in tree.leaves(outputs)]
    return outputs, masks if any(mask is not None for mask in masks) else []
