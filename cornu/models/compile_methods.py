"""CompileMethods: compile, and the loss, metrics and steps that a subclass may override."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NoReturn

from cornu import registry
from cornu.core.layer.layer import Layer
from cornu.core.layer.walk import nested_layers
from cornu.core.state.overridable import overridable_property
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.metrics.collection import MetricCollection
from cornu.renamed import REMOVED_METHODS
from cornu.training import steps
from cornu.training.rematerialization import RematPlan
from cornu.training.step.trace_log import Trace
from cornu.training.trainer import Trainer
from cornu.types import DataLike, OptimizerLike, PyTree

if TYPE_CHECKING:
    from cornu.distribution.base import Distribution

__all__ = ["CompileMethods"]


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


class CompileMethods(Layer):
    """The methods of a Model that define a training step; each delegates to its Trainer."""

    if not TYPE_CHECKING:
        vars().update({name: _RemovedMethod(name) for name in REMOVED_METHODS})

    _trainer_: Trainer
    # By name, as in Keras 3: programs rely on the positions in `History` and in lists of results.
    _sorts_logs_: ClassVar[bool] = True

    def __dir__(self) -> list[str]:
        removed = {
            k for k, v in vars(CompileMethods).copy().items() if isinstance(v, _RemovedMethod)
        }
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
            if isinstance(layer, CompileMethods):  # this model does not compute its losses
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
