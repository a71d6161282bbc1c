"""Prepared: what a model makes ready before it runs over data."""

from __future__ import annotations

from typing import Any

import jax

from cornu import seeds, tree
from cornu.core.frames import users_level
from cornu.core.tensor import Tensor
from cornu.core.variable import Variable
from cornu.data import Arrays, Stream
from cornu.errors import warn
from cornu.models.compiled import Compiled
from cornu.ops.random import SeedGenerator
from cornu.training import loop
from cornu.training.outputs import Outputs
from cornu.training.recipe import Objective, Recipe, Scores
from cornu.training.steps import Forward

__all__ = ["Prepared"]


class Prepared(Compiled):
    """The part of a Model that builds what is missing and keeps compiled programs."""

    def _infer_outputs(self, inputs: Any) -> Any:
        """Returns the Tensors that a call on Tensors would return; builds what is not built."""
        raise NotImplementedError

    def _build_for(self, inputs: Any) -> None:
        """Builds a model that is not drawn, for some data."""
        raise NotImplementedError

    def _predict_on(self, batch: Any) -> Any:
        if self.run_eagerly:
            return self.predict_step(batch)
        if type(self).predict_step is Compiled.predict_step:
            return self._forward(batch[0], False)[0]
        key = ("predict_step", self._phase_key())
        if key not in self._forwards:
            self._forwards[key] = Forward(
                self.predict_step, self.variables, self._key(), self._sources()
            )
        return self._forwards[key](batch)[0]

    def _forward(self, inputs: Any, training: bool | None) -> tuple[Any, list[Any]]:
        """Calls the model on arrays through its compiled function."""
        key = (training, self._phase_key() if training else None)
        forward = self._forwards.get(key)
        if forward is None:
            words = {} if training is None else {"training": training}
            forward = self._forwards[key] = Forward(
                lambda x: self.run((x,), words), self.variables, self._key(), self._sources()
            )
        return forward(inputs)

    def _phase_key(self) -> Any:
        return tuple(layer.trainable for layer in self._flat_layers())

    def _key(self) -> Any:
        return jax.random.key(self._base_seed() & 0x7FFFFFFF)

    def _prepare_for(self, source: Arrays | Stream, train: bool) -> None:
        """Builds whatever is missing for batches like the first of a source."""
        x, y, _ = source.example()
        if not self.built or self._outputs is None:
            structure = self._infer_outputs(tree.map(_symbolic, x))
            names = self._drawing.output_names if self._drawing is not None else None
            self._outputs = Outputs(structure, names)
        if self._recipe is not None and self._objective is None and self._recipe.loss is not None:
            self._objective = Objective(self._recipe, self._outputs)
        if self._recipe is not None and self._scores is None:
            targets = [None] * len(self._outputs)
            if y is not None:
                targets = self._outputs.spread(y, "y")
            self._scores = Scores(self._recipe, self._outputs, targets)
            self._scores.prepare(targets)
        if train and not self.optimizer.built:
            self._warn_of_unreached()
            self.optimizer.build(self.trainable_variables)

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
                stacklevel=users_level(),
            )

    def _all_variables(self) -> list[Variable]:
        found = list(self.variables) + [v for metric in self.metrics for v in metric.variables]
        if self.optimizer is not None:
            found += self.optimizer.variables
        return list({id(v): v for v in found}.values())

    def _sources(self) -> list[Any]:
        """Returns the random sources of all layers, in the order of the structure."""
        layers = [self, *self._flat_layers()]
        found = [s for layer in layers for s in vars(layer).values()]
        return [source for source in found if isinstance(source, SeedGenerator)]

    def _runner(self, kind: str) -> loop.Runner:
        """Returns the runner of "train" or "test" steps for the model as it is now."""
        key = self._runner_key(kind)
        if key not in self._runners:
            recipe = self._recipe or Recipe()
            self._runners[key] = loop.Runner(
                self,
                self._train_logs if kind == "train" else self._test_logs,
                self._all_variables,
                self._sources,
                jax.random.key(self._base_seed() & 0x7FFFFFFF),
                eager=recipe.run_eagerly,
                pads=self._pads(kind),
                per_dispatch=recipe.steps_per_execution,
                count=self._steps[kind],
            )
        return self._runners[key]

    def _runner_key(self, kind: str) -> Any:
        frozen = tuple(layer.trainable for layer in self._flat_layers())
        trained = tuple(id(v) for v in self.trainable_variables)
        return kind, frozen, trained

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
            and self._drawing is not None
            and self._drawing.rowwise()
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
            self._seed = seeds.draw()
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


def _symbolic(x: Any) -> Any:
    return None if x is None else Tensor((None, *x.shape[1:]), x.dtype)
