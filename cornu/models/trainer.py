"""fit, evaluate and predict: a model's delegation to `cornu.training`."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterable
from functools import partial
from typing import Any

import jax
import numpy as np

from cornu import seeds, tree
from cornu.callbacks import CallbackList
from cornu.core.border import border
from cornu.core.frames import users_level
from cornu.core.tensor import Tensor
from cornu.core.variable import Variable
from cornu.data import Arrays, Stream, adapt
from cornu.errors import warn
from cornu.inspect.checks import Report
from cornu.models import preflight
from cornu.models.compiled import Compiled
from cornu.models.feeding import Feeding
from cornu.ops.random import SeedGenerator
from cornu.training import loop
from cornu.training.guard import Guard
from cornu.training.outputs import Outputs
from cornu.training.recipe import Objective, Recipe, Scores
from cornu.training.steps import Forward

__all__ = ["Trainer"]


class Trainer(Compiled):
    """The part of a Model that runs over data."""

    def _infer_outputs(self, inputs: Any) -> Any:
        """Returns the Tensors that a call on Tensors would return; builds what is not built."""
        raise NotImplementedError

    def _build_for(self, inputs: Any) -> None:
        """Builds a model that is not drawn, for some data."""
        raise NotImplementedError

    @border
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
        *,
        debug_nans: bool | str | os.PathLike[str] = False,
    ) -> Any:
        """Trains the model, and returns the History.

        Args:
            x: inputs: an array, or lists, tuples and dicts (by input name) of arrays; or an
                iterable of batches `(x, y)` or `(x, y, sample_weight)`.
            y: targets in the structure of the outputs, or a dict by output name.
            batch_size: rows of a batch, 32 by default.
            epochs: the number of the last epoch.
            verbose: 0 silent, 1 a progress bar, 2 a line per epoch, "auto".
            callbacks: a list of callbacks.
            validation_split: the part of the data, from its end, that is kept for validation.
            validation_data: `(x, y)`, `(x, y, sample_weight)` or an iterable of batches.
            shuffle: whether each epoch has an order of its own.
            class_weight: weight of each class; for several outputs a dict of them by name.
            sample_weight: weight of each row, in the structure of the outputs or by name.
            initial_epoch: the number of the first epoch.
            steps_per_epoch: batches of an epoch, for iterables.
            validation_steps, validation_batch_size: the same for validation.
            validation_freq: validate after every so many epochs, or after those in a list.
            debug_nans: whether to stop at the first step whose loss, gradients or new weights
                are not finite, and to say in which layer it began. The batch is saved in a
                temporary folder, or in the folder that is given here; `model.nan_report` has it,
                too, and the weights stay as they were before the step. Steps run one by one.

        Raises:
            ValueError: the data does not fit the model, its loss, or itself; before any step.
            FloatingPointError: with `debug_nans`, something is not finite.

        Differences: targets are never broadcast against outputs, labels must lie within the
        classes, and NaN is refused. What is probably wrong is said before the first step, in one
        line with a code (see `check`). `debug_nans` is not in Keras.
        """
        self._need_compiled("fit")
        if self.optimizer is None:
            raise RuntimeError(
                f"Model {self.name!r} was compiled with optimizer=None, which can only evaluate.\n"
                "Compile it with an optimizer to train it."
            )
        epochs, initial_epoch = _epochs(epochs, initial_epoch)
        feeding = Feeding(self, class_weight)
        validation: Any = validation_data
        if validation_split and validation_data is None:
            kept, validation = feeding.split(x, y, sample_weight, validation_split)
            x, y, sample_weight = kept
        source = adapt(
            x,
            y,
            sample_weight,
            batch_size,
            steps_per_epoch,
            shuffle,
            self._base_seed(),
            feeding.prepare,
        )
        self._prepare_for(source, train=True)
        feeding.check(source)
        preflight.before_fit(self, source, validation, batch_size)
        callbacks = self._callback_list(callbacks, verbose, epochs, source.steps)
        start = self._epochs_run - initial_epoch
        held: dict[str, Any] = {}

        def validate(epoch: int) -> dict[str, Any] | None:
            due = (
                epoch + 1 in validation_freq
                if isinstance(validation_freq, (list, tuple, set))
                else (epoch + 1) % validation_freq == 0
            )
            self._epochs_run += 1
            if validation is None or not due:
                return None
            if "source" not in held:
                held["source"] = self._evaluation_source(
                    *_unpacked(validation), validation_batch_size or batch_size, validation_steps
                )
            runner = self._runner("test")
            found = loop.evaluate(runner, held["source"], callbacks, validation_steps)
            return {f"val_{name}": value for name, value in found.items()}

        plain = self._runner("train")
        runner = self._guard(debug_nans, initial_epoch) if debug_nans else plain
        logs = loop.fit(
            runner,
            source,
            callbacks,
            epochs,
            initial_epoch,
            lambda epoch: start + epoch,
            validate,
        )
        plain.step_number = runner.step_number
        preflight.after_fit(self, logs)
        return self.history

    def _guard(self, debug_nans: Any, first_epoch: int) -> Guard:
        """Returns a runner of train steps that stops at NaN."""
        folder = None if debug_nans is True else pathlib.Path(debug_nans)
        plain, key = self._runner("train"), self._runner_key("guard")
        if key not in self._runners:
            self._runners[key] = Guard(
                self,
                self._train_logs,
                self._all_variables,
                self._sources,
                plain.key,
                plain.eager,
            )
        guard = self._runners[key]
        guard.begin(
            plain.step_number, partial(preflight.stop_at_nan, self, guard, folder, first_epoch)
        )
        return guard

    def finish_training(self) -> None:
        """Lets the optimizer put averaged values into the weights, if it keeps them."""
        self.optimizer.finalize_variable_values(self.trainable_variables)

    def _callback_list(self, callbacks: Any, verbose: Any, epochs: int, steps: Any) -> Any:
        if isinstance(callbacks, CallbackList):
            return callbacks
        if verbose not in ("auto", 0, 1, 2):
            raise ValueError(
                f"verbose is 0 (silent), 1 (a progress bar), 2 (a line per epoch) or 'auto'. "
                f"Received: {verbose!r}"
            )
        return CallbackList(
            callbacks,
            add_history=True,
            add_progbar=verbose != 0,
            model=self,
            verbose=verbose,
            epochs=epochs,
            steps=steps,
        )

    def _evaluation_source(
        self, x: Any, y: Any, weight: Any, batch_size: int | None, steps: int | None
    ) -> Arrays | Stream:
        feeding = Feeding(self)
        source = adapt(x, y, weight, batch_size, steps, prepare=feeding.prepare)
        self._prepare_for(source, train=False)
        feeding.check(source)
        return source

    def check(
        self,
        x: Any = None,
        y: Any = None,
        sample_weight: Any = None,
        *,
        batch_size: int | None = None,
        validation_data: Any = None,
        ignore: Iterable[str] = (),
    ) -> Report:
        """Looks for mistakes in the model, its recipe and some data, without training.

        Args:
            x, y, sample_weight, batch_size, validation_data: as in `fit`; without data only the
                model and its recipe are looked at.
            ignore: codes of findings to leave out.

        Returns:
            A Report: its findings have `code`, `severity` ("error", "warning", "info"), `path`,
            `place` (`file:line`) and `text`. It prints as a table. All codes are in
            `docs/checks.md`. Nothing is raised.

        Example:

        >>> import cornu
        >>> x = cornu.Input((4,))
        >>> model = cornu.Model(x, cornu.layers.Dense(3, name="head")(x))
        >>> model.compile("adam", "categorical_crossentropy")
        >>> finding = model.check()[0]
        >>> finding.code, finding.title, finding.path
        ('C010', 'cross-entropy on an output without activation', 'head')

        Differences: not in Keras. `fit` makes the cheap ones of these checks before its first
        step: it raises the errors, and warns with a `cornu.errors.ModelWarning`.
        """
        return preflight.check(self, x, y, sample_weight, batch_size, validation_data, ignore)

    @border
    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Returns the loss and the metrics on some data.

        Args:
            x, y, sample_weight, batch_size, steps, verbose, callbacks: as in `fit`.
            return_dict: whether a dict is returned rather than a list (or one number).
        """
        self._need_compiled("evaluate")
        source = self._evaluation_source(x, y, sample_weight, batch_size, steps)
        listed = self._callback_list(callbacks, verbose, 1, source.steps)
        found = loop.evaluate(self._runner("test"), source, listed, steps)
        return found if return_dict else _as_list(dict(found))

    @border
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """Returns the predictions for some data, as NumPy arrays in the outputs' structure.

        Differences: `verbose="auto"` is silent.
        """
        feeding = Feeding(self)
        source = adapt(x, None, None, batch_size, steps, prepare=feeding.inputs_only)
        if not self.built:
            self._build_for(source.example()[0])
        feeding.check_inputs(source)
        listed = None
        if callbacks or verbose in (1, 2):
            listed = self._callback_list(callbacks, verbose, 1, source.steps)
            listed.on_predict_begin()
        parts: list[Any] = []
        for i, batch in enumerate(source.batches()):
            if steps is not None and i >= steps:
                break
            if listed is not None:
                listed.on_predict_batch_begin(i)
            parts.append(self._predict_on(batch))
            if listed is not None:
                listed.on_predict_batch_end(i, {"outputs": parts[-1]})
        if listed is not None:
            listed.on_predict_end()
        if len(parts) == 1:
            return jax.tree_util.tree_map(np.asarray, parts[0])
        return jax.tree_util.tree_map(
            lambda *pieces: np.concatenate([np.asarray(piece) for piece in pieces]), *parts
        )

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

    # --------------------------------------------------------------------------- single batches

    @border
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Trains on one batch; returns the loss and the metrics of this batch."""
        self._need_compiled("train_on_batch")
        source = self._one_batch(x, y, sample_weight, class_weight, train=True)
        self.reset_metrics()
        logs = self._runner("train").run_batch(source.structure)
        return dict(logs) if return_dict else _as_list(dict(logs))

    @border
    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Evaluates one batch; returns the loss and its metrics."""
        self._need_compiled("test_on_batch")
        source = self._one_batch(x, y, sample_weight, None, train=False)
        self.reset_metrics()
        logs = self._runner("test").run_batch(source.structure)
        return dict(logs) if return_dict else _as_list(dict(logs))

    @border
    def predict_on_batch(self, x: Any) -> Any:
        """Returns the predictions for one batch."""
        if not self.built:
            self._build_for(x)
        return jax.tree_util.tree_map(np.asarray, self._predict_on((x, None, None)))

    def _one_batch(
        self, x: Any, y: Any, sample_weight: Any, class_weight: Any, train: bool
    ) -> Arrays:
        feeding = Feeding(self, class_weight)
        source = adapt(x, y, sample_weight, 1 << 62, prepare=feeding.prepare)
        if not isinstance(source, Arrays):
            raise ValueError("A single batch is made of arrays, not of an iterable.")
        self._prepare_for(source, train)
        feeding.check(source)
        return source

    # ---------------------------------------------------------------------------------- preparing

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

    def _need_compiled(self, what: str) -> Recipe:
        if self._recipe is None:
            raise RuntimeError(
                f"Model {self.name!r} must be compiled before {what}: call "
                "model.compile(optimizer=..., loss=...)."
            )
        return self._recipe


def _epochs(epochs: Any, initial_epoch: Any) -> tuple[int, int]:
    for name, value, least in (("epochs", epochs, 1), ("initial_epoch", initial_epoch, 0)):
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if not whole or (value < least and not epochs == initial_epoch == 0):
            hint = f"\nWrite {name}={int(value)}." if isinstance(value, float) else ""
            raise ValueError(
                f"{name} must be an integer from {least} on. Received: {value!r}{hint}"
            )
    return int(epochs), int(initial_epoch)


def _symbolic(x: Any) -> Any:
    return None if x is None else Tensor((None, *x.shape[1:]), x.dtype)


def _unpacked(data: Any) -> tuple[Any, Any, Any]:
    if isinstance(data, (tuple, list)) and 1 <= len(data) <= 3:
        x, y, weight = (*data, None, None)[:3]
        return x, y, weight
    return data, None, None


def _as_list(logs: dict[str, Any]) -> Any:
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
