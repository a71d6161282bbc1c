"""Prepared: what a model makes ready before it runs over data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax

from cornu import seeds, tree
from cornu.core.graph.tensor import Tensor
from cornu.core.state import scope
from cornu.core.state.tracking import iterate_owned
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.data import Arrays, Stream
from cornu.errors import warn
from cornu.inspect.learning_rates import apply_rates_by_path
from cornu.metrics import Metric
from cornu.models import stateless
from cornu.models.compiled import Compiled
from cornu.ops.random import SeedGenerator
from cornu.optimizers import Optimizer
from cornu.training import loop
from cornu.training.outputs import Outputs
from cornu.training.ragged import filled
from cornu.training.recipe import Recipe
from cornu.training.steps import Forward
from cornu.training.traces import specs_of

__all__ = ["Prepared"]


class Prepared(Compiled):
    """The part of a Model that builds what is missing and keeps compiled programs."""

    def _infer_outputs(self, inputs: Any) -> Any:
        """Returns the Tensors that a call on Tensors would return; builds what is not built."""
        raise NotImplementedError

    def _build_for(self, inputs: Any) -> None:
        """Builds a model that is not drawn, for some data."""
        raise NotImplementedError

    def _predict_on(self, batch: Any, size: int | None = None) -> Any:
        """Returns the predictions for a batch, which is filled up to `size` rows if it may be."""
        if size is not None:
            rows = jax.tree_util.tree_leaves(batch)[0].shape[0]
            if rows < size and self._fills_predictions():
                whole = self._predict_on(filled(batch, size)[0])
                return jax.tree_util.tree_map(lambda x: x[:rows], whole)
        if self.run_eagerly:
            return self._predicted(batch)
        if type(self).predict_step is Compiled.predict_step:
            return self._forward(batch[0], False)[0]
        key = ("predict_step", self._phase_key())
        if key not in self._forwards:
            self._forwards[key] = Forward(
                self._predicted,
                self.all_variables,
                self._key(),
                self._sources(),
                self._noting("predict"),
            )
        return self._forwards[key](batch)[0]

    def _fills_predictions(self) -> bool:
        plain = type(self).predict_step is Compiled.predict_step and not self.run_eagerly
        return (
            plain
            and self.is_purely_functional
            and self.functional_graph is not None
            and self.functional_graph.rowwise()
        )

    def _predicted(self, batch: Any) -> Any:
        if stateless.takes_state(self.predict_step):
            return stateless.run(self.predict_step, self._state("predict_step"), batch)
        return self.predict_step(batch)

    def _forward(self, inputs: Any, training: bool | None) -> tuple[Any, list[Any]]:
        """Calls the model on arrays through its compiled function."""
        key = (training, self._phase_key() if training else None)
        forward = self._forwards.get(key)
        if forward is None:
            words = {} if training is None else {"training": training}
            note = self._noting("call" if training is not False else "predict", training=training)
            forward = self._forwards[key] = Forward(
                lambda x: self.run((x,), words),
                self.all_variables,
                self._key(),
                self._sources(),
                lambda x: note((x,)),
            )
        return forward(inputs)

    def _noting(self, step: str, **known: Any) -> Callable[..., None]:
        """Returns what is called when a step is traced, to remember it in `traces`."""

        def note(batch: Any, facts: Mapping[str, Any] = known, streamed: bool = True) -> None:
            frozen = [layer.name for layer in self._flat_layers() if not layer.trainable]
            facts = {**facts, "frozen": ", ".join(frozen) or "nothing"}
            self._traces.note(f"Model {self.name!r}", step, specs_of(batch), facts, streamed)

        return note

    def _phase_key(self) -> Any:
        return tuple(layer.trainable for layer in self._flat_layers())

    def _key(self) -> Any:
        return jax.random.key(self._base_seed() & 0x7FFFFFFF)

    def _prepare_for(self, source: Arrays | Stream, train: bool) -> None:
        """Builds whatever is missing for batches like the first of a source."""
        x, y, _ = source.example()
        if not self._callable:
            self.built = True
        elif not self.built or self._outputs is None:
            structure = self._infer_outputs(tree.map(_symbolic, x))
            names = (
                self.functional_graph.output_names if self.functional_graph is not None else None
            )
            self._outputs = Outputs(structure, names)
        self._bind(y, None)
        if train and not self.optimizer.built:
            self._warn_of_unreached()
            self.optimizer.build(self.trainable_variables)
        if train:
            apply_rates_by_path(self)
        if self._recipe is not None and self._owns_unprepared(train):
            self._drafted.append((self._recipe, train))
            step = self._train_logs if train else self._test_logs
            with scope.abstract_scope():  # what it makes is real, what it computes is not
                jax.eval_shape(step, source.example())

    @property
    def _callable(self) -> bool:
        """Whether it can be called: a model with steps of its own needs no `call`."""
        return True

    @property
    def is_purely_functional(self) -> bool:
        """Whether calling the model does what its drawing says, and no more."""
        raise NotImplementedError

    def _owns_unprepared(self, train: bool) -> bool:
        """Whether a metric or a further optimizer may make its Variables when it is first used."""
        if any(recipe is self._recipe and t == train for recipe, t in self._drafted):
            return False
        return any(
            (train and not thing.built) if isinstance(thing, Optimizer) else not thing.variables
            for thing in iterate_owned(self)
            if isinstance(thing, (Metric, Optimizer))
        )

    def finish_training(self) -> None:
        """Lets the optimizer put averaged values into the weights, if it keeps them."""
        self.optimizer.finalize_variable_values(self.trainable_variables)

    def _warn_of_unreached(self) -> None:
        """Warns of layers that the model owns and never calls."""
        unreached = [layer for layer in self._flat_layers() if not layer.built]
        if unreached:
            names = ", ".join(repr(layer.name) for layer in unreached)
            warn(
                "C023",
                f"Model {self.name!r} owns layers that its call never reaches: {names}. They have "
                "no weights and take no part in training. Call them in `call`, or remove them.",
                stacklevel=user_stacklevel(),
            )

    def _all_variables(self) -> list[Variable]:
        optimizers = [thing for thing in iterate_owned(self) if isinstance(thing, Optimizer)]
        if self.optimizer is not None:
            optimizers.append(self.optimizer)
        found = self.all_variables + [v for one in optimizers for v in one.variables]
        return list({id(v): v for v in found}.values())

    def _sources(self) -> list[Any]:
        """Returns the random sources of all layers, in the order of the structure."""
        layers = [self, *self._flat_layers()]
        found = [s for layer in layers for value in vars(layer).values() for s in _inside(value)]
        return list({id(source): source for source in found}.values())

    def _runner(self, kind: str, callbacks: Any = None) -> loop.Runner:
        """Returns the runner of "train" or "test" steps for the model as it is now.

        Args:
            kind: "train" or "test".
            callbacks: a CallbackList with something that is put around each step.
        """
        key = self._runner_key(kind, callbacks)
        if key not in self._runners:
            recipe = self._recipe or Recipe()
            step, variables = self._stepping(kind, callbacks)
            self._runners[key] = loop.Runner(
                self,
                step,
                variables,
                self._sources,
                jax.random.key(self._base_seed() & 0x7FFFFFFF),
                eager=recipe.run_eagerly,
                pads=self._pads(kind),
                per_dispatch=recipe.steps_per_execution,
                count=self._steps[kind],
                note=self._noting(kind),
            )
        return self._runners[key]

    def _stepping(self, kind: str, callbacks: Any) -> tuple[Any, Callable[[], list[Variable]]]:
        """Returns a step with what is around it, and what gives the Variables that it may touch."""
        step = self._test_logs if kind == "test" else self._train_logs
        if callbacks is None or not callbacks.around:
            return step, self._all_variables
        # Those of other callbacks will hardly come again.
        self._runners = {key: r for key, r in self._runners.items() if key[0] != "around"}
        own = callbacks.variables
        return callbacks.around_step(step), lambda: [*self._all_variables(), *own]

    def _runner_key(self, kind: str, callbacks: Any = None) -> Any:
        frozen = tuple(layer.trainable for layer in self._flat_layers())
        trained = tuple(id(v) for v in self.trainable_variables)
        replaced = 0 if self.optimizer is None else self.optimizer.step_version
        key = (kind, frozen, trained, replaced)
        around = () if callbacks is None else tuple(id(callback) for callback in callbacks.around)
        return ("around", around, *key) if around else key

    def _pads(self, kind: str) -> bool:
        """Whether padding rows of weight zero change nothing, in every part that sees them."""
        cls = type(self)
        step = "train_step" if kind == "train" else "test_step"
        own = (
            getattr(cls, n) is not getattr(Compiled, n)
            for n in (step, "compute_loss", "compute_metrics")
        )
        return (
            not any(own)
            and self.is_purely_functional
            and self.functional_graph is not None
            and self.functional_graph.rowwise()
            and (self._objective is None or self._objective.rowwise)
            and (self._scores is None or self._scores.rowwise)
        )

    def _flat_layers(self) -> list[Any]:
        """Returns the model's layers and those inside them."""
        found: list[Any] = []
        todo: list[Any] = [self]
        while todo:
            layer = todo.pop()
            inner = layer.sublayers()
            found += inner
            todo += inner
        return found

    def _base_seed(self) -> int:
        if self._seed is None:
            self._seed = seeds.next_seed()
        return self._seed

    def _begin_from_seed(self, seed: int) -> None:
        """Sets the seed of all that is random in training; programs that have another are left."""
        if seed != self._seed:
            self._seed, self._runners, self._forwards = seed, {}, {}

    def _need_compiled(self, what: str) -> Recipe:
        if self._recipe is None:
            raise RuntimeError(
                f"Model {self.name!r} must be compiled before {what}: call "
                "model.compile(optimizer=..., loss=...)."
            )
        return self._recipe

    def _need_optimizer(self, what: str) -> None:
        self._need_compiled(what)
        if self.optimizer is None:
            raise RuntimeError(
                f"Model {self.name!r} was compiled with optimizer=None, which can only evaluate.\n"
                "Compile it with an optimizer to train it."
            )


def _inside(value: Any) -> Iterator[SeedGenerator]:
    if isinstance(value, SeedGenerator):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _inside(item)


def _symbolic(x: Any) -> Any:
    return None if x is None else Tensor((None, *x.shape[1:]), x.dtype)
