"""TrainingMethods: compile, fit, evaluate, predict, and the steps that a subclass may override."""

from __future__ import annotations

import inspect
import os
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NoReturn, overload

from cornu import registry
from cornu.callbacks import History
from cornu.core.layer.layer import Layer
from cornu.core.layer.walk import nested_layers
from cornu.core.state.overridable import overridable_property
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.metrics.collection import MetricCollection, parts_by_name
from cornu.optimizers import range_test
from cornu.renamed import REMOVED_METHODS
from cornu.saving.resume import Resume
from cornu.training import fitting, predicting, search, steps
from cornu.training.fitting import Verbosity
from cornu.training.rematerialization import RematPlan
from cornu.training.resume.snapshot import Snapshot
from cornu.training.step.trace_log import Trace
from cornu.training.trainer import Trainer
from cornu.types import DataLike, OptimizerLike, PyTree

if TYPE_CHECKING:
    from cornu.distribution.base import Distribution

__all__ = ["TrainingMethods"]


class _RemovedMethod:
    """A method of older versions of Keras: access raises an AttributeError that says what to use.

    `hasattr` tells that the method does not exist, and a subclass may define it.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type) -> NoReturn:
        raise AttributeError(
            f"{owner.__name__!r} object has no attribute {self._name!r}. "
            f"{REMOVED_METHODS[self._name]}"
        )


class TrainingMethods(Layer):
    """The methods of a Model that concern training; each delegates to its Trainer."""

    if not TYPE_CHECKING:
        vars().update({name: _RemovedMethod(name) for name in REMOVED_METHODS})

    _trainer_: Trainer
    # By name, as in Keras 3: programs rely on the positions in `History` and in lists of results.
    _sorts_logs_: ClassVar[bool] = True

    def __dir__(self) -> list[str]:
        removed = {k for k, v in vars(TrainingMethods).items() if isinstance(v, _RemovedMethod)}
        return [name for name in super().__dir__() if name not in removed or hasattr(self, name)]

    @overridable_property
    def trainer(self) -> Trainer:
        """The Trainer, which holds the compile config, counters, seeds and compiled programs."""
        return self._trainer_

    # ------------------------------------------------------------------------------------ compile

    @api_boundary
    def compile(
        self,
        optimizer: OptimizerLike | None = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int | None = 1,
        jit_compile: bool | Literal["auto"] = "auto",
        auto_scale_loss: bool = True,
        *,
        distribution: str | Distribution | None = None,
        remat: str | Sequence[str] | None = None,
        memory_limit: int | None = None,
    ) -> None:
        """Configures training. Nothing is traced or compiled before the first step.

        Args:
            optimizer: a name, an Optimizer, or any optax transformation.
            loss: a name, a Loss or a function of `(y_true, y_pred)`; for several outputs one loss
                for all, a list, a dict by output name, or losses nested like the outputs (`None`
                for an output without loss). A loss where the outputs are nested receives all of
                them; several losses of one output add up.
            loss_weights: factors of the losses, in the same structure, or one for all.
            metrics: a list of names, Metrics or functions; for several outputs a list of lists,
                a dict by output name, or lists nested like the outputs.
            weighted_metrics: the same, weighted by sample_weight and class_weight.
            run_eagerly: whether steps run without compilation, for debugging.
            steps_per_execution: the number of steps in one call of the compiled program. By default
                (1) it is chosen automatically, which does not affect the results.
            jit_compile: `False` is equivalent to `run_eagerly=True`.
            auto_scale_loss: whether the loss is scaled in float16 training.
            distribution: how several devices share the work: `"data"` divides batches, `"fsdp"`
                also the weights and the state of the optimizer, `"tensor"` the computation of each
                layer, `"sequence"` the steps of sequences, `"pipeline"` equal blocks; or a
                distribution of `cornu.distribution`. By default the current one, or that of the
                last call.
            remat: which blocks and layers the backward pass recomputes, which reduces the memory of
                a step: a path, a pattern or a list of them, as in `remat`; or `"auto"` for as few
                as the memory requires. `remat_plan` tells which. Results do not change.
            memory_limit: the bytes that a training step may need, for `remat="auto"`; by default
                those that the device has. The step is compiled a few times to measure them.

        Raises:
            ValueError: a name is unknown, or is not the name of an output; or, at the first step,
                `memory_limit` cannot be met.

        Example:

        >>> import cornu
        >>> x = cornu.Input((4,))
        >>> outputs = {
        ...     "price": cornu.layers.Dense(1)(x),
        ...     "kind": cornu.layers.Dense(3, activation="softmax")(x),
        ... }
        >>> model = cornu.Model(x, outputs)
        >>> model.compile(
        ...     optimizer=cornu.optimizers.AdamW(1e-3),
        ...     loss={"price": "mse", "kind": "sparse_categorical_crossentropy"},
        ...     loss_weights={"price": 0.5, "kind": 1.0},
        ...     metrics={"kind": ["accuracy"]},
        ... )

        Extensions: `distribution`, `remat` and `memory_limit`.

        Fixes: results that have equal names in Keras, so that one is lost, are numbered. A list of
        losses shorter than the outputs is refused; Keras trains the first outputs only.
        """
        self._trainer_.compile(
            optimizer,
            loss,
            loss_weights,
            metrics,
            weighted_metrics,
            # Without XLA, JAX computes a step eagerly.
            bool(run_eagerly) or jit_compile is False,
            steps_per_execution,
            auto_scale_loss,
            distribution,
            remat,
            memory_limit,
        )
        if loss is not None:
            vars(self).pop("loss", None)  # what the program assigned to the attribute before

    def get_compile_config(self) -> dict[str, Any] | None:
        """Returns the arguments of `compile` as plain data; None before `compile`."""
        config = self._trainer_.config
        return None if config is None else config.to_plain_data()

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles the model from what `get_compile_config()` returned.

        Args:
            config: the arguments of `compile` by name, as plain data. Names that `compile` of the
                class does not have are ignored.

        Raises:
            ValueError: a value cannot be restored, such as an unknown class.
        """
        known = inspect.signature(self.compile).parameters
        named = registry.replace_lambdas({**config, "name": registry.COMPILE}, "Argument of")
        config = {name: value for name, value in named.items() if name in config}
        given = {}
        for name in known.keys() & config.keys():
            try:
                given[name] = registry.deserialize(config[name])
            except ValueError as error:
                remedy = "load_model(..., compile=False) loads the model without being compiled."
                error.args = (f"{name.capitalize()}: {error}\n{remedy}",)
                raise
        self.compile(**given)
        optimizer = self._trainer_.optimizer
        # In a copy, the optimizer is built for the Variables of that of the original, if at all.
        if registry.is_copying() or optimizer is None or optimizer.built:
            return
        if self.built:
            optimizer.build(self.trainable_variables)

    @overridable_property
    def compiled(self) -> bool:
        """Whether `compile` was called."""
        return self._trainer_.config is not None

    @property
    def optimizer(self) -> Any:
        """The optimizer that was passed to `compile`; it can be replaced."""
        return self._trainer_.optimizer

    @optimizer.setter
    def optimizer(self, value: Any) -> None:
        self._trainer_.optimizer = value

    @overridable_property
    def loss(self) -> Any:
        """The loss that was passed to `compile`."""
        return None if self._trainer_.config is None else self._trainer_.config.loss

    @property
    def run_eagerly(self) -> bool:
        """Whether steps and calls run without compilation; it can be changed."""
        return self._trainer_.run_eagerly

    @run_eagerly.setter
    def run_eagerly(self, value: bool) -> None:
        self._trainer_.set_run_eagerly(bool(value))

    @property
    def jit_compile(self) -> bool:
        """Whether steps are compiled; it can be changed."""
        return not self._trainer_.run_eagerly

    @jit_compile.setter
    def jit_compile(self, value: bool | Literal["auto"]) -> None:
        self._trainer_.set_run_eagerly(value is False)

    @property
    def metrics(self) -> list[Any]:
        """The loss, `compile_metrics`, the losses of outputs, and the metrics of layers.

        `compile_metrics` contains all metrics passed to `compile`; its result is a dict.
        """
        found: list[Any] = [*self._trainer_.own_metrics()]
        own = super().metrics
        if not own:  # in most models; then the layers need not be searched again
            return found
        known = {id(metric) for metric in found}
        for metric in found:
            if isinstance(metric, MetricCollection):
                known.update(map(id, metric.metrics))
        for layer in nested_layers(self):
            if isinstance(layer, TrainingMethods):  # this model does not compute its losses
                known.update(map(id, layer._trainer_.own_metrics()))
        return found + [metric for metric in own if id(metric) not in known]

    @property
    def metrics_names(self) -> list[str]:
        """The names of the metrics."""
        return [metric.name for metric in self.metrics]

    def reset_metrics(self) -> None:
        """Resets all metrics, as `fit` does at the beginning of each epoch."""
        for metric in self.metrics:
            metric.reset_state()

    def get_metrics_result(self) -> dict[str, Any]:
        """Returns the metrics' values by name, over the data since they were last reset."""
        found: dict[str, Any] = {}
        for metric in self.metrics:
            result = metric.result()
            if isinstance(result, dict):
                found.update(result)
            else:
                found[metric.name] = result
        return found

    @overridable_property
    def remat_plan(self) -> RematPlan | None:
        """What `compile(remat="auto")` chose; None before the first training step.

        Example:

        >>> import cornu, numpy as np
        >>> def unit(x):
        ...     return cornu.layers.Dense(256)(cornu.layers.Dense(256, activation="tanh")(x))
        >>> x = cornu.Input((8,))
        >>> model = cornu.Model(x, cornu.layers.Dense(1)(unit(unit(unit(x)))))
        >>> model.compile("sgd", "mse", remat="auto", memory_limit=2**34)
        >>> history = model.fit(np.zeros((4, 8)), np.zeros((4, 1)), verbose=0)
        >>> model.remat_plan.paths
        ()

        Differences: not in Keras.
        """
        planner = self._trainer_.remat
        return None if planner is None else planner.plan

    @overridable_property
    def traces(self) -> list[Trace]:
        """The last hundred compilations for this model, each with its reason.

        A step is compiled for each combination of shapes and dtypes of its inputs. Compilation
        takes seconds, a step takes milliseconds: a list that keeps growing indicates a problem.

        Example:

        >>> import cornu, numpy as np
        >>> model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
        >>> for rows in (8, 8, 5):
        ...     outputs = model.predict(np.zeros((rows, 2), "float32"))
        >>> model.traces
        [<predict: first use>, <predict: x: float32[8, 2] -> float32[5, 2]>]

        Differences: not in Keras. `fit` warns (C060, C061; see `docs/checks.md`) about batches
        with many different shapes or several dtypes.
        """
        return list(self._trainer_.programs.traces)

    # -------------------------------------------------------------------------------------- steps

    def compute_loss(
        self,
        x: DataLike = None,
        y: DataLike = None,
        y_pred: PyTree = None,
        sample_weight: DataLike = None,
        training: bool = True,
    ) -> Any:
        """Returns the total loss of a batch: losses of outputs, regularizers and `add_loss`.

        Can be overridden; it is traced as part of the compiled step.

        Args:
            x: the inputs, for overrides; the losses of `compile` do not depend on them.
            y: the targets, in the structure of the outputs or by output name.
            y_pred: the outputs of the model for x.
            sample_weight: the weights of the rows, in the structure of the outputs or by name; None
                for equal weights.
            training: whether the step trains, for overrides.

        Raises:
            ValueError: there is no loss: neither a loss of `compile` nor one that a layer adds.

        Example:

        >>> import cornu
        >>> class Penalized(cornu.Model):
        ...     def compute_loss(
        ...         self, x=None, y=None, y_pred=None, sample_weight=None, training=True
        ...     ):
        ...         loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        ...         return loss + 0.01 * cornu.ops.mean(y_pred**2)
        """
        return steps.compute_loss(self._trainer_, y, y_pred, sample_weight)

    def stateless_compute_loss(
        self,
        trainable_variables: Any,
        non_trainable_variables: Any,
        metrics_variables: Any,
        x: DataLike = None,
        y: DataLike = None,
        y_pred: PyTree = None,
        sample_weight: DataLike = None,
        training: bool = True,
    ) -> Any:
        """Returns the result of `compute_loss` for given values of the Variables.

        Args:
            trainable_variables, non_trainable_variables, metrics_variables: values of the model's
                Variables of these names.
            x, y, y_pred, sample_weight, training: as in `compute_loss`.

        Returns:
            The loss, and the updated `(trainable, non-trainable, metrics)` values. The Variables
            themselves are not changed.
        """
        values = (trainable_variables, non_trainable_variables, metrics_variables)
        args = (x, y, y_pred, sample_weight, training)
        return steps.stateless_compute_loss(self._trainer_, values, args)

    def compute_metrics(
        self, x: DataLike, y: DataLike, y_pred: PyTree, sample_weight: DataLike = None
    ) -> dict[str, Any]:
        """Updates the metrics with a batch; returns their values. Can be overridden.

        Args:
            x: the inputs, for overrides; the metrics of `compile` do not depend on them.
            y: the targets, in the structure of the outputs or by output name.
            y_pred: the outputs of the model for x.
            sample_weight: the weights of the rows, which `weighted_metrics` use; None for equal
                weights.

        Returns:
            A dict from the names of the metrics to their values over all batches of the epoch so
            far.
        """
        return steps.compute_metrics(self._trainer_, y, y_pred, sample_weight)

    def _compute_loss_(
        self, x: DataLike, y: DataLike, y_pred: PyTree, sample_weight: DataLike, training: bool
    ) -> Any:
        """Calls `compute_loss`, whose overrides need not have the parameter `training`."""
        parameters = inspect.signature(self.compute_loss).parameters
        given = "training" in parameters or any(
            p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()
        )
        kwargs = {"training": training} if given else {}
        return self.compute_loss(x, y, y_pred, sample_weight, **kwargs)

    def train_step(self, *args: Any, **kwargs: Any) -> Any:
        """Trains on one batch; returns logs.

        Args:
            *args, **kwargs: `data`, a batch as it was passed to `fit`: x, `(x, y)` or
                `(x, y, sample_weight)`, which `utils.unpack_x_y_sample_weight` unpacks. Or
                `state, data`, as in Keras on JAX, where the state contains the values of the
                trainable, non-trainable, optimizer's and metrics' Variables; then the new state
                is returned after the logs. An override has either parameters.

        An override may assign to Variables as in eager code, and use `cornu.value_and_grad` for
        gradients. It is transformed into a pure function and compiled as a whole.

        Example:

        >>> import cornu
        >>> class Plain(cornu.Model):
        ...     def train_step(self, data):
        ...         x, y = data
        ...         loss_of = lambda: ((self(x, training=True) - y) ** 2).mean()
        ...         loss, grads = cornu.value_and_grad(loss_of, self.trainable_variables)()
        ...         self.optimizer.apply(grads, self.trainable_variables)
        ...         return {"loss": loss}

        Differences: a step needs no state, see above. A batch of x alone is never in a tuple.
        """
        return steps.train_step(self._trainer_, *args, **kwargs)

    def test_step(self, *args: Any, **kwargs: Any) -> Any:
        """Evaluates one batch; returns logs.

        Args:
            *args, **kwargs: as in `train_step`. The state, if it is passed, has no variables of the
                optimizer.
        """
        return steps.test_step(self._trainer_, *args, **kwargs)

    def predict_step(self, *args: Any, **kwargs: Any) -> Any:
        """Returns the predictions for one batch.

        Args:
            *args, **kwargs: as in `train_step`. The state, if it is passed, contains the trainable
                and the non-trainable variables; the new non-trainable ones are returned.
        """
        return steps.predict_step(self._trainer_, *args, **kwargs)

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
