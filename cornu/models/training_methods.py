"""TrainingMethods: fit, evaluate, predict, and the searches that train."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, overload

from cornu.callbacks import History
from cornu.core.state.overridable import overridable_property
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.metrics.collection import MetricCollection, parts_by_name
from cornu.models.compile_methods import CompileMethods
from cornu.optimizers import range_test
from cornu.saving.resume import Resume
from cornu.training import fitting, predicting, search
from cornu.training.fitting import Verbosity
from cornu.training.resume.snapshot import Snapshot
from cornu.types import DataLike

__all__ = ["TrainingMethods"]


class TrainingMethods(CompileMethods):
    """The methods of a Model that train or compute; each delegates to its Trainer."""

    # ------------------------------------------------------------------------------ running on data

    @api_boundary
    def fit(
        self,
        x: DataLike = None,
        y: DataLike = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Verbosity = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: DataLike = None,
        shuffle: bool = True,
        class_weight: Mapping[Any, Any] | None = None,
        sample_weight: DataLike = None,
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
        """Trains the model; returns the History.

        Args:
            x: inputs: an array, or lists, tuples and dicts (by input name) of arrays; or an
                iterable of batches `(x, y)` or `(x, y, sample_weight)`.
            y: targets in the structure of the outputs, or a dict by output name.
            batch_size: rows per batch, 32 by default.
            epochs: the number of the last epoch.
            verbose: 0 for silent, 1 for a progress bar, 2 for one line per epoch, or "auto".
            callbacks: a list of callbacks.
            validation_split: the fraction of the data, taken from its end, used for validation.
            validation_data: `(x, y)`, `(x, y, sample_weight)` or an iterable of batches.
            shuffle: whether to shuffle the rows before each epoch.
            class_weight: weight of each class; for several outputs a dict of them by name.
            sample_weight: weight of each row, in the structure of the outputs or by name.
            initial_epoch: the number of the first epoch.
            steps_per_epoch: batches per epoch, for iterables.
            validation_steps, validation_batch_size: the same for validation.
            validation_freq: the number of epochs between validations, or a list of the epochs
                after which to validate.
            debug_nans: whether to stop at the first step whose loss, gradients or new weights
                are not finite, and report the layer in which it happened first. The batch is
                saved in a temporary folder, or in the folder passed here; it is also in
                `model.nan_report`. The weights are those before the step. Each step
                runs by itself, which is slower.
            resume: a folder for the state of training, or a `cornu.Resume`. If the program is
                killed and started again, training continues from the saved state, with bitwise
                identical results; see `docs/resume.md`.
            overfit_batches: train and validate on the same first batches without shuffling: a
                number of batches or, as a float, a fraction of the data. A correct model should
                overfit them.
            fast_dev_run: run one step (or this many) of training and of validation in one epoch,
                to test the program. Callbacks that write files and `resume` are disabled.

        Returns:
            The History: `history.history` is a dict of the loss and the metrics by name, such as
            `"loss"` and `"val_loss"`, each a list with a number for each epoch.

        Raises:
            RuntimeError: the model is not compiled, or another process uses the folder of
                `resume`.
            ValueError: the data does not match the model or its loss, or is inconsistent; raised
                before the first step.
            FloatingPointError: with `debug_nans`, a value is not finite.

        Example:

        >>> import cornu, numpy as np
        >>> x = np.random.default_rng(0).normal(size=(64, 4))
        >>> model = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(1)])
        >>> model.compile("sgd", "mse", metrics=["mae"])
        >>> history = model.fit(x, x[:, :1], epochs=3, validation_split=0.25, verbose=0)
        >>> sorted(history.history), len(history.history["loss"])
        (['loss', 'mae', 'val_loss', 'val_mae'], 3)

        Differences: targets are never broadcast against outputs, labels must lie within the
        classes, and NaN in the data raises. Probable mistakes are reported before the first step,
        in one line with a code (see `check`). `debug_nans`, `resume`, `overfit_batches` and
        `fast_dev_run` are not in Keras.
        """
        return fitting.fit(
            self._trainer_,
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
        x: DataLike = None,
        y: DataLike = None,
        batch_size: int | None = None,
        verbose: Verbosity = "auto",
        sample_weight: DataLike = None,
        steps: int | None = None,
        callbacks: Any = None,
        *,
        return_dict: Literal[True],
    ) -> dict[str, float]: ...

    @overload
    def evaluate(
        self,
        x: DataLike = None,
        y: DataLike = None,
        batch_size: int | None = None,
        verbose: Verbosity = "auto",
        sample_weight: DataLike = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any: ...

    @api_boundary
    def evaluate(
        self,
        x: DataLike = None,
        y: DataLike = None,
        batch_size: int | None = None,
        verbose: Verbosity = "auto",
        sample_weight: DataLike = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Returns the loss and the metrics on some data.

        Args:
            x, y, sample_weight: as in `fit`.
            batch_size: rows per batch, 32 by default. It affects memory and time.
            verbose: 0 for silent, 1 for a progress bar, 2 for one line, or "auto".
            steps: the number of batches, for iterables; by default all.
            callbacks: a list of callbacks, whose `on_test_*` methods are called.
            return_dict: whether to return a dict rather than a list (or a single number).

        Returns:
            The loss, or the list `[loss, *metrics]`; or a dict of these values by name.

        Raises:
            RuntimeError: the model is not compiled.
            ValueError: the data does not match the model or its loss.

        Example:

        >>> import cornu, numpy as np
        >>> model = cornu.Sequential(
        ...     [cornu.Input((2,)), cornu.layers.Dense(1, bias_initializer="ones")]
        ... )
        >>> model.compile(loss="mse", metrics=["mae"])
        >>> model.evaluate(np.zeros((4, 2)), np.full((4, 1), 3.0), verbose=0, return_dict=True)
        {'loss': 4.0, 'mae': 2.0}

        Fixes: a list contains each result once; Keras repeats those of metrics of the same name.
        """
        logs = fitting.evaluate(
            self._trainer_, x, y, batch_size, verbose, sample_weight, steps, callbacks
        )
        return logs if return_dict else _as_list(self, logs)

    @api_boundary
    def predict(
        self,
        x: DataLike,
        batch_size: int | None = None,
        verbose: Verbosity = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """Returns the predictions for some data, as NumPy arrays in the structure of the outputs.

        The model need not be compiled. Layers behave as in inference: Dropout does nothing, and
        BatchNormalization uses its moving statistics.

        Args:
            x: inputs: an array, or lists, tuples and dicts (by input name) of arrays; or an
                iterable of batches, of which targets are ignored.
            batch_size: rows per batch, 32 by default. It affects memory and time.
            verbose: 1 for a progress bar, 2 for one line; 0 or "auto" for silent.
            steps: the number of batches, for iterables; by default all.
            callbacks: a list of callbacks, whose `on_predict_*` methods are called.

        Returns:
            An array with one row for each row of the data, or such arrays in the structure of the
            outputs.

        Raises:
            ValueError: the data does not match the inputs of the model.

        Example:

        >>> import cornu, numpy as np
        >>> model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(3)])
        >>> model.predict(np.zeros((100, 2))).shape
        (100, 3)

        Differences: `verbose="auto"` is silent.
        """
        return predicting.predict(self._trainer_, x, batch_size, verbose, steps, callbacks)

    @api_boundary
    def train_on_batch(
        self,
        x: DataLike,
        y: DataLike = None,
        sample_weight: DataLike = None,
        class_weight: Mapping[Any, Any] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Trains on one batch; returns the loss and the metrics of the batch.

        Args:
            x, y, sample_weight, class_weight: a batch; the structures are as in `fit`.
            return_dict: whether to return a dict rather than a list (or a single number).

        Returns:
            The loss, or the list `[loss, *metrics]`; or a dict of these values by name.

        Raises:
            RuntimeError: the model is not compiled.
            ValueError: the batch does not match the model or its loss.

        Example:

        >>> import cornu, numpy as np
        >>> model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
        >>> model.compile("sgd", "mse", metrics=["mae"])
        >>> model.train_on_batch(np.zeros((4, 2)), np.ones((4, 1)), return_dict=True)
        {'loss': 1.0, 'mae': 1.0}
        """
        logs = fitting.train_on_batch(self._trainer_, x, y, sample_weight, class_weight)
        return logs if return_dict else _as_list(self, logs)

    @api_boundary
    def test_on_batch(
        self,
        x: DataLike,
        y: DataLike = None,
        sample_weight: DataLike = None,
        return_dict: bool = False,
    ) -> Any:
        """Evaluates one batch; returns the loss and the metrics of the batch.

        Args:
            x, y, sample_weight: a batch; the structures are as in `fit`.
            return_dict: whether to return a dict rather than a list (or a single number).

        Returns:
            The loss, or the list `[loss, *metrics]`; or a dict of these values by name.

        Raises:
            RuntimeError: the model is not compiled.
            ValueError: the batch does not match the model or its loss.
        """
        logs = fitting.test_on_batch(self._trainer_, x, y, sample_weight)
        return logs if return_dict else _as_list(self, logs)

    @api_boundary
    def predict_on_batch(self, x: DataLike) -> Any:
        """Returns the predictions for one batch, as NumPy arrays in the structure of the outputs.

        Args:
            x: the inputs of a batch, in the structure of the inputs of the model.
        """
        return predicting.predict_on_batch(self._trainer_, x)

    # ---------------------------------------------------------------------------- the run of fit

    @property
    def stop_training(self) -> bool:
        """Whether `fit` stops after the current step; callbacks set it."""
        return self._trainer_.run.stop_training

    @stop_training.setter
    def stop_training(self, value: bool) -> None:
        self._trainer_.run.stop_training = value

    @overridable_property
    def pausing(self) -> bool:
        """Whether `fit` stops in order to continue later; see `pause_training`."""
        return self._trainer_.run.pausing

    @property
    def history(self) -> Any:
        """The History of the last `fit`."""
        return self._trainer_.run.history

    @history.setter
    def history(self, value: Any) -> None:
        self._trainer_.run.history = value

    @overridable_property
    def nan_report(self) -> Any:
        """The report of the last `fit(debug_nans=True)` that stopped, or None."""
        return self._trainer_.run.nan_report

    def pause_training(self) -> None:
        """Stops `fit` after the current step; with `resume`, the program can continue later.

        Without `resume` it is equivalent to `stop_training = True`.
        """
        run = self._trainer_.run
        run.stop_training, run.pausing = True, run.can_pause

    def snapshot(self) -> Snapshot:
        """Returns a copy of everything that training changes; `.restore()` writes it back.

        This includes weights, optimizer, metrics, history, counters and random seeds, as far as
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
        return Snapshot(self._trainer_)

    # The same methods for callbacks of cornu, if the user's class has its own of these names.
    _pause_training_ = pause_training
    _snapshot_ = snapshot

    # ------------------------------------------------------------------------------------- search

    @api_boundary
    def find_lr(
        self,
        x: DataLike,
        y: DataLike = None,
        sample_weight: DataLike = None,
        *,
        batch_size: int | None = None,
        class_weight: Mapping[Any, Any] | None = None,
        start: float = 1e-7,
        end: float = 10.0,
        steps: int = 100,
        mode: Literal["exponential", "linear"] = "exponential",
        stop_at: float | None = 4.0,
        smoothing: float = 0.98,
    ) -> range_test.RangeTest:
        """Runs a learning rate range test: trains with increasing rates and suggests one.

        Afterwards weights, optimizer, metrics, history, counters and seeds are restored, so that
        a following `fit` is not affected. A model that was not built is built, as by `fit`. The
        step is compiled once for all rates. Batches read from a generator are consumed.

        Args:
            x, y, sample_weight, batch_size, class_weight: as in `fit`. The data is shuffled, and
                repeated as often as needed.
            start, end: the first and the last learning rate.
            steps: the number of rates, with one batch each.
            mode: "exponential" for a constant ratio between rates, or "linear".
            stop_at: the test stops when the smoothed loss exceeds this multiple of its minimum;
                with None, only when the loss is not finite.
            smoothing: the decay of the exponential moving average of the losses.

        Returns:
            A `RangeTest` with `rates`, `losses`, `smoothed`, `suggestion` and `plot()`. The
            suggestion is the rate at which the loss has decreased by half. `suggest("steepest")`
            is often larger, for short training or the peak of a `OneCycle`.

        Raises:
            ValueError: the data does not match the model, or an argument is out of range.
            AttributeError: the learning rate of an optax transformation cannot be changed.

        References: Leslie N. Smith (2017), "Cyclical learning rates for training neural
            networks", section 3.3.

        Differences: not in Keras. A schedule is overridden during the test. With several
            optimizers, the tested rate is that of the optimizer with the largest rate; the others
            keep their ratios to it, as do rates by path (`Optimizer.set_rates`).

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
        self._trainer_.require_optimizer("find_lr")
        sweep = range_test.Sweep(start, end, steps, mode, stop_at, smoothing)
        return search.find_lr(self._trainer_, x, y, sample_weight, batch_size, class_weight, sweep)

    @api_boundary
    def find_batch_size(
        self,
        x: DataLike,
        y: DataLike = None,
        sample_weight: DataLike = None,
        *,
        start: int = 32,
        largest: int | None = None,
        target: Literal["memory", "speed"] = "memory",
        limit: int | None = None,
    ) -> search.BatchSizes:
        """Finds the largest batch size whose training step fits into memory, or the fastest one.

        The memory of a step is reported by the compiler, so that no step runs out of memory.
        Sizes are powers of two from `start`, followed by bisection for `target="memory"`. Each
        size is compiled once. The model is not changed.

        Args:
            x, y, sample_weight: as in `fit`; only the first batch of an iterable is used.
            start: the first size.
            largest: the maximum size; by default the rows of the data, or 2**20.
            target: "memory" for the largest size that fits; "speed" for the smallest power of two
                whose double improves the measured throughput by less than 5 percent.
            limit: the available memory in bytes; by default 90 percent of the free memory of the
                device, or half of the free host memory on CPU.

        Returns:
            A `BatchSizes`: `best` is the size; it is a sequence with `rows`, `memory`, `fits`,
            `seconds` and `rows_per_second` of each size, and prints as a table.

        Raises:
            ValueError: a batch of one row does not fit, or an argument is out of range.

        Differences: not in Keras. Lightning's finder runs steps until memory is exhausted. The
            compiler's report excludes memory that libraries allocate at run time: on CPUs,
            convolutions used about twice the reported memory, dense layers the reported memory.

        Example:

        >>> import cornu, numpy as np
        >>> model = cornu.Sequential([cornu.Input((256,)), cornu.layers.Dense(256)])
        >>> model.compile("adam", "mse")
        >>> x = np.zeros((4096, 256), "float32")
        >>> found = model.find_batch_size(x, x, limit=12 * 2**20)
        >>> 512 < found.best < 1024, found[-1].rows, found[-1].fits
        (True, 1024, False)
        """
        return search.find_batch_size(
            self._trainer_, x, y, sample_weight, start, largest, target, limit
        )


def _as_list(model: TrainingMethods, logs: dict[str, Any]) -> Any:
    """Returns logs in the order of Keras: those with the name of a metric precede the others."""
    metrics: Sequence[Any] = model._trainer_.own_metrics()
    if not {name for metric in metrics for name in parts_by_name(metric)}.issuperset(logs):
        metrics = model.metrics  # which searches all layers
    names: list[str] = []
    for metric in metrics:
        several = isinstance(metric, MetricCollection)
        names += [part.name for part in metric.metrics] if several else [metric.name]
    order = dict.fromkeys([*(name for name in names if name in logs), *logs])
    values = [logs[name] for name in order]
    return values[0] if len(values) == 1 else values
