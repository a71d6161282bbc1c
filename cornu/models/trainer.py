"""compile, fit, evaluate and predict: a model's delegation to `cornu.training`."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu import losses, optimizers, seeds, tree
from cornu import metrics as metrics_module
from cornu.callbacks import CallbackList
from cornu.core import scope
from cornu.core.tensor import Tensor, infer
from cornu.core.variable import Variable
from cornu.data import Arrays, Stream, adapt
from cornu.models.feeding import Feeding
from cornu.training import loop
from cornu.training.outputs import Outputs
from cornu.training.recipe import Objective, Recipe, Scores, batch_size
from cornu.training.steps import Forward

__all__ = ["Trainer"]


class Trainer:
    """The part of a Model that trains it.

    Attributes:
        optimizer: the optimizer that `compile` was given.
        stop_training: set it in a callback to end `fit`.
        history: the History of the last `fit`.
    """

    def _setup_trainer(self) -> None:
        self.optimizer: Any = None
        self.stop_training = False
        self.history: Any = None
        self._recipe: Recipe | None = None
        self._outputs: Outputs | None = None
        self._objective: Objective | None = None
        self._scores: Scores | None = None
        self._loss_tracker: Any = None
        self._runners: dict[Any, loop.Runner] = {}
        self._forwards: dict[Any, Forward] = {}
        self._seed: int | None = None
        self._epochs_run = 0

    # ------------------------------------------------------------------------------------ compile

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
        if self._drawing is not None:
            self._outputs = Outputs(self._drawing.outputs, self._drawing.output_names)
            self._objective = Objective(self._recipe, self._outputs)
            for what in ("metrics", "weighted_metrics"):
                value = getattr(self._recipe, what)
                if isinstance(value, dict):
                    self._outputs.spread(value, what)
        else:
            for one in _flat(loss):
                losses.get(one)

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
        own = super().metrics  # type: ignore[misc]
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

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Updates the metrics with a batch, and returns their values. May be overridden."""
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
        if cls.train_step is Trainer.train_step and cls.compute_metrics is Trainer.compute_metrics:
            x, y, sample_weight = data
            y_pred = self._descend(x, y, sample_weight)
            if self._scores is not None:
                self._scores.update(y, y_pred, sample_weight)
            return None
        return self.train_step(data)

    def _test_logs(self, data: Any) -> Any:
        cls = type(self)
        if cls.test_step is Trainer.test_step and cls.compute_metrics is Trainer.compute_metrics:
            x, y, sample_weight = data
            y_pred = self._judge(x, y, sample_weight)
            if self._scores is not None:
                self._scores.update(y, y_pred, sample_weight)
            return None
        return self.test_step(data)

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
        if train and not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)

    def _all_variables(self) -> list[Variable]:
        found = list(self.variables) + [v for metric in self.metrics for v in metric.variables]
        if self.optimizer is not None:
            found += self.optimizer.variables
        return list({id(v): v for v in found}.values())

    def _runner(self, kind: str) -> loop.Runner:
        """Returns the runner of "train" or "test" steps for the model as it is now."""
        frozen = tuple(layer.trainable for layer in self._flat_layers())
        trained = tuple(id(v) for v in self.trainable_variables)
        key = (kind, frozen, trained)
        if key not in self._runners:
            recipe = self._recipe or Recipe()
            self._runners[key] = loop.Runner(
                self,  # type: ignore[arg-type]
                self._train_logs if kind == "train" else self._test_logs,
                self._all_variables,
                jax.random.key(self._base_seed() & 0x7FFFFFFF),
                eager=recipe.run_eagerly,
                pads=self._pads(kind),
                per_dispatch=recipe.steps_per_execution,
            )
        return self._runners[key]

    def _pads(self, kind: str) -> bool:
        """Whether padding rows of weight zero change nothing, in every part that sees them."""
        cls, mine = type(self), Trainer
        step = cls.train_step is mine.train_step if kind == "train" else (
            cls.test_step is mine.test_step
        )
        return (
            step
            and cls.compute_loss is mine.compute_loss
            and cls.compute_metrics is mine.compute_metrics
            and self._drawing is not None
            and self._drawing.rowwise()
            and (self._objective is None or self._objective.rowwise)
            and (self._scores is None or self._scores.rowwise)
        )

    def _flat_layers(self) -> list[Any]:
        """Returns the model's layers and those inside them."""
        found: list[Any] = []
        todo = [self]
        while todo:
            layer = todo.pop()
            inner = layer.sublayers()  # type: ignore[attr-defined]
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

    # --------------------------------------------------------------------------------------- fit

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

        Raises:
            ValueError: the data does not fit the model, its loss, or itself; before any step.

        Differences: targets are never broadcast against outputs, labels must lie within the
        classes, and NaN is refused.
        """
        self._need_compiled("fit")
        if self.optimizer is None:
            raise RuntimeError(f"Model {self.name!r} was compiled with optimizer=None.")
        feeding = Feeding(self, class_weight)
        validation: Any = validation_data
        if validation_split:
            if validation_data is None:
                (x, y, sample_weight), validation = feeding.split(
                    x, y, sample_weight, validation_split
                )
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

        loop.fit(
            self._runner("train"),
            source,
            callbacks,
            epochs,
            initial_epoch,
            lambda epoch: start + epoch,
            validate,
        )
        return self.history

    def _callback_list(self, callbacks: Any, verbose: Any, epochs: int, steps: Any) -> Any:
        if isinstance(callbacks, CallbackList):
            return callbacks
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
        return found if return_dict else _as_list(found)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """Returns the predictions for some data, as NumPy arrays in the outputs' structure."""
        feeding = Feeding(self)
        source = adapt(x, None, None, batch_size, steps, prepare=feeding.inputs_only)
        if not self.built:
            self._build_for(source.example()[0])
        feeding.check_inputs(source)
        listed = None
        if callbacks:
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
        if type(self).predict_step is Trainer.predict_step:
            return self._forward(batch[0], False)[0]
        key = ("predict_step", self._phase_key())
        if key not in self._forwards:
            self._forwards[key] = Forward(self.predict_step, self.variables, self._key())
        return self._forwards[key](batch)[0]

    def _forward(self, inputs: Any, training: bool | None) -> tuple[Any, list[Any]]:
        """Calls the model on arrays through its compiled function."""
        key = (training, self._phase_key() if training else None)
        forward = self._forwards.get(key)
        if forward is None:
            words = {} if training is None else {"training": training}
            forward = self._forwards[key] = Forward(
                lambda x: self.run((x,), words), self.variables, self._key()
            )
        return forward(inputs)

    def _phase_key(self) -> Any:
        return tuple(layer.trainable for layer in self._flat_layers())

    def _key(self) -> Any:
        return jax.random.key(self._base_seed() & 0x7FFFFFFF)

    # --------------------------------------------------------------------------- single batches

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Trains on one batch; returns the loss and the metrics (which go on accumulating)."""
        self._need_compiled("train_on_batch")
        source = self._one_batch(x, y, sample_weight, class_weight, train=True)
        logs = self._runner("train").run_batch(source.structure)
        return dict(logs) if return_dict else _as_list(dict(logs))

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Evaluates one batch; returns the loss and the metrics (which go on accumulating)."""
        self._need_compiled("test_on_batch")
        source = self._one_batch(x, y, sample_weight, None, train=False)
        logs = self._runner("test").run_batch(source.structure)
        return dict(logs) if return_dict else _as_list(dict(logs))

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


def _flat(loss: Any) -> list[Any]:
    if isinstance(loss, dict):
        return list(loss.values())
    return list(loss) if isinstance(loss, (list, tuple)) else [loss]

