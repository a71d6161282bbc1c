"""TrainingMethods: compile, fit, evaluate, predict, and the steps that a subclass may override."""

from __future__ import annotations

import inspect
import os
from collections.abc import Collection, Mapping
from typing import Any, Literal, overload

from cornu import registry
from cornu.callbacks import History
from cornu.core.layer.layer import Layer
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.optimizers.range_test.result import RangeTest
from cornu.optimizers.range_test.sweep import Sweep
from cornu.saving.resume import Resume
from cornu.training import fitting, steps
from cornu.training.fitting import Verbosity
from cornu.training.resume.snapshot import Snapshot
from cornu.training.search.batch_size import find_batch_size
from cornu.training.search.batch_size_report import BatchSizes
from cornu.training.search.learning_rate import find_lr
from cornu.training.step.trace_log import Trace
from cornu.training.trainer import Trainer

__all__ = ["TrainingMethods"]


class TrainingMethods(Layer):
    """The methods of a Model that concern training; each delegates to its Trainer."""

    @property
    def trainer(self) -> Trainer:
        """What holds the results of `compile`, counters, seeds and compiled programs."""
        raise NotImplementedError

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
        jit_compile: bool | Literal["auto"] = "auto",
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
        self.trainer.compile(
            optimizer,
            loss,
            loss_weights,
            metrics,
            weighted_metrics,
            bool(run_eagerly) or jit_compile is False,
            steps_per_execution,
            auto_scale_loss,
        )

    def get_compile_config(self) -> dict[str, Any] | None:
        """Returns the arguments of `compile` as plain data; None before `compile`."""
        config = self.trainer.config
        return None if config is None else config.to_plain_data()

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
        return self.trainer.config is not None

    @property
    def optimizer(self) -> Any:
        """The optimizer that `compile` was given; it may be replaced."""
        return self.trainer.optimizer

    @optimizer.setter
    def optimizer(self, value: Any) -> None:
        self.trainer.optimizer = value

    @property
    def loss(self) -> Any:
        """The loss that `compile` was given."""
        return None if self.trainer.config is None else self.trainer.config.loss

    @property
    def run_eagerly(self) -> bool:
        """Whether steps and calls run without being compiled."""
        return self.trainer.run_eagerly

    @property
    def jit_compile(self) -> bool:
        """Whether steps are compiled."""
        return not self.run_eagerly

    @property
    def metrics(self) -> list[Any]:
        """The metrics: the loss, those that compile was given, and those of layers."""
        found: list[Any] = [*self.trainer.own_metrics()]
        own = super().metrics
        return found + [metric for metric in own if all(metric is not known for known in found)]

    @property
    def metrics_names(self) -> list[str]:
        """The names of the metrics."""
        return [metric.name for metric in self.metrics]

    def reset_metrics(self) -> None:
        """Resets all metrics."""
        for metric in self.metrics:
            metric.reset_state()

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
        return list(self.trainer.programs.traces)

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
        return steps.compute_loss(self.trainer, y, y_pred, sample_weight)

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
        values = (trainable_variables, non_trainable_variables, metrics_variables)
        args = (x, y, y_pred, sample_weight, training)
        return steps.stateless_compute_loss(self.trainer, values, args)

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """Updates the metrics with a batch, and returns their values. May be overridden."""
        return steps.compute_metrics(self.trainer, y, y_pred, sample_weight)

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
        return steps.train_step(self.trainer, data)

    def test_step(self, data: Any) -> dict[str, Any]:
        """Evaluates one batch `(x, y, sample_weight)`, and returns logs."""
        return steps.test_step(self.trainer, data)

    def predict_step(self, data: Any) -> Any:
        """Returns the predictions for one batch `(x, None, None)`."""
        return self(data[0], training=False)

    # ------------------------------------------------------------------------------ running on data

    @api_boundary
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Verbosity = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Mapping[Any, Any] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | Collection[int] = 1,
        *,
        debug_nans: bool | str | os.PathLike[str] = False,
        resume: str | os.PathLike[str] | Resume | None = None,
        overfit_batches: float = 0,
        fast_dev_run: bool | int = False,
    ) -> History:
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
            resume: a folder in which the state of training is kept, or a `cornu.Resume`. If the
                program is killed and started again, training goes on from there, and ends as it
                would have ended, bit by bit; see `docs/resume.md`.
            overfit_batches: train and validate on the same first batches, so many of them or, as
                a float, such a part, without shuffling: a model that is right learns them by
                heart.
            fast_dev_run: only try the program out: one step (or so many) of training and of
                validation, in one epoch. Nothing is kept: callbacks that write files and `resume`
                are left out.

        Raises:
            ValueError: the data does not fit the model, its loss, or itself; before any step.
            FloatingPointError: with `debug_nans`, something is not finite.
            RuntimeError: another process uses the folder of `resume`.

        Differences: targets are never broadcast against outputs, labels must lie within the
        classes, and NaN is refused. What is probably wrong is said before the first step, in one
        line with a code (see `check`). `debug_nans`, `resume`,
        `overfit_batches` and `fast_dev_run` are not in Keras.
        """
        return fitting.fit(
            self.trainer,
            x,
            y,
            batch_size,
            epochs,
            verbose,
            callbacks,
            validation_split,
            validation_data,
            shuffle,
            class_weight,
            sample_weight,
            initial_epoch,
            steps_per_epoch,
            validation_steps,
            validation_batch_size,
            validation_freq,
            debug_nans,
            resume,
            overfit_batches,
            fast_dev_run,
        )

    @overload
    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Verbosity = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        *,
        return_dict: Literal[True],
    ) -> dict[str, float]: ...

    @overload
    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Verbosity = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any: ...

    @api_boundary
    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Verbosity = "auto",
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
        logs = fitting.evaluate(
            self.trainer, x, y, batch_size, verbose, sample_weight, steps, callbacks
        )
        return logs if return_dict else _as_list(logs)

    @api_boundary
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Verbosity = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """Returns the predictions for some data, as NumPy arrays in the outputs' structure.

        Differences: `verbose="auto"` is silent.
        """
        return fitting.predict(self.trainer, x, batch_size, verbose, steps, callbacks)

    @api_boundary
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Mapping[Any, Any] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Trains on one batch; returns the loss and the metrics of this batch."""
        logs = fitting.train_on_batch(self.trainer, x, y, sample_weight, class_weight)
        return logs if return_dict else _as_list(logs)

    @api_boundary
    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Evaluates one batch; returns the loss and its metrics."""
        logs = fitting.test_on_batch(self.trainer, x, y, sample_weight)
        return logs if return_dict else _as_list(logs)

    @api_boundary
    def predict_on_batch(self, x: Any) -> Any:
        """Returns the predictions for one batch."""
        return fitting.predict_on_batch(self.trainer, x)

    # ---------------------------------------------------------------------------- the run of fit

    @property
    def stop_training(self) -> bool:
        """Whether `fit` ends after this step; callbacks set it."""
        return self.trainer.run.stop_training

    @stop_training.setter
    def stop_training(self, value: bool) -> None:
        self.trainer.run.stop_training = value

    @property
    def pausing(self) -> bool:
        """Whether `fit` ends in order to continue later; see `pause_training`."""
        return self.trainer.run.pausing

    @property
    def history(self) -> Any:
        """The History of the last `fit`."""
        return self.trainer.run.history

    @history.setter
    def history(self, value: Any) -> None:
        self.trainer.run.history = value

    @property
    def nan_report(self) -> Any:
        """What `fit(debug_nans=True)` found when it stopped."""
        return self.trainer.run.nan_report

    def pause_training(self) -> None:
        """Ends `fit` after this step; with `resume`, the same program goes on from here later.

        Without `resume` it is the same as `stop_training = True`.
        """
        run = self.trainer.run
        run.stop_training, run.pausing = True, run.can_pause

    def snapshot(self) -> Snapshot:
        """Returns all that training changes, to be put back with `.restore()`.

        These are weights, optimizer, metrics, history, counters and random sources, as far as
        they are built.

        Example:

        >>> import cornu, numpy as np
        >>> model = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> before, weights = model.snapshot(), model.get_weights()
        >>> _ = model.fit(np.ones((8, 4)), np.ones((8, 1)), verbose=0)
        >>> before.restore()
        >>> [bool((a == b).all()) for a, b in zip(weights, model.get_weights())]
        [True, True]

        Differences: not in Keras.
        """
        return Snapshot(self.trainer)

    # ------------------------------------------------------------------------------------- search

    @api_boundary
    def find_lr(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        batch_size: int | None = None,
        class_weight: Mapping[Any, Any] | None = None,
        start: float = 1e-7,
        end: float = 10.0,
        steps: int = 100,
        mode: Literal["exponential", "linear"] = "exponential",
        stop_at: float | None = 4.0,
        smoothing: float = 0.98,
    ) -> RangeTest:
        """Trains with learning rates that rise from step to step, and says which is good.

        Afterwards weights, optimizer, metrics, history, counters and seeds are what they were
        before, and `fit` does what it would have done. What was not built yet is built, as `fit`
        would. Nothing is compiled anew for a rate. A generator has given its batches away.

        Args:
            x, y, sample_weight, batch_size, class_weight: as in `fit`. Data is shuffled, and read
                again from its beginning as often as needed.
            start, end: the first and the last learning rate.
            steps: how many are tried, one batch for each.
            mode: "exponential", each a fixed multiple of the one before, or "linear".
            stop_at: the test ends when the smoothed loss is so many times the lowest so far; None
                for only when it is not finite.
            smoothing: how much of the moving average of losses is kept in a step.

        Returns:
            A `RangeTest` with `rates`, `losses`, `smoothed`, `suggestion` and `plot()`. The
            suggestion is the rate at which the loss fell fastest: one for short training, or for
            the peak of a `OneCycle`. `suggest("valley")` gives a more careful one.

        Raises:
            ValueError: the data does not fit the model, or an argument is out of range.
            AttributeError: the learning rate of an optax transformation cannot be changed.

        References: Leslie N. Smith (2017), "Cyclical learning rates for training neural
            networks", section 3.3.

        Differences: not in Keras. A schedule makes way for the test. Of several optimizers, the
            one with the largest rate gets what is tried, and the others keep their ratios to it;
            so do rates by path (`Optimizer.set_rates`).

        Example:

        >>> import cornu, numpy as np
        >>> x = np.random.default_rng(0).normal(size=(256, 4)).astype("float32")
        >>> model = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> test = model.find_lr(x, x.sum(1, keepdims=True), steps=50)
        >>> 1e-3 < test.suggestion < 1
        True
        >>> test.plot(backend="svg").what
        'Loss by learning rate'
        """
        self.trainer.require_optimizer("find_lr")
        sweep = Sweep(start, end, steps, mode, stop_at, smoothing)
        return find_lr(self.trainer, x, y, sample_weight, batch_size, class_weight, sweep)

    @api_boundary
    def find_batch_size(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        start: int = 32,
        largest: int | None = None,
        target: Literal["memory", "speed"] = "memory",
        limit: int | None = None,
    ) -> BatchSizes:
        """Returns the largest batch size whose training step fits into memory, or the fastest.

        How much memory a step needs is asked of the compiler, so that nothing runs out of memory.
        Sizes are tried from `start` on in powers of two; then, for memory, what lies between.
        Afterwards the model is what it was before. Each size that is tried is compiled once.

        Args:
            x, y, sample_weight: as in `fit`; of an iterable only the first batch is looked at.
            start: the size to begin with.
            largest: none above this is tried; by default the rows of the data, or 2**20.
            target: "memory" for the largest that fits; "speed" for the smallest power of two of
                which twice as much is hardly faster (5 percent), measured by running steps.
            limit: the bytes that may be used; by default 90 percent of what is free on the device,
                or half of the host's free memory where that is the device.

        Returns:
            A `BatchSizes`: `best` is the size; it is a sequence with `rows`, `memory`, `fits`,
            `seconds` and `rows_per_second` of each size, and prints as a table.

        Raises:
            ValueError: not even a batch of one row fits, or an argument is out of range.

        Differences: not in Keras. Lightning's finder runs steps until memory is used up. What the
            compiler says leaves out what libraries take for themselves while they run: on CPUs,
            convolutions took about as much again; dense layers nothing.

        Example:

        >>> import cornu, numpy as np
        >>> model = cornu.Sequential([cornu.Input((256,)), cornu.layers.Dense(256)])
        >>> model.compile("adam", "mse")
        >>> x = np.zeros((4096, 256), "float32")
        >>> found = model.find_batch_size(x, x, limit=12 * 2**20)
        >>> 512 < found.best < 1024, found[-1].rows, found[-1].fits
        (True, 1024, False)
        """
        return find_batch_size(self.trainer, x, y, sample_weight, start, largest, target, limit)


def _as_list(logs: dict[str, Any]) -> Any:
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
