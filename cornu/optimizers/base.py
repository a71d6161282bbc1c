"""Optimizer: the base of all optimizers."""

from __future__ import annotations

import contextlib
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

import jax.numpy as jnp
from jax import Array

from cornu import settings
from cornu.core.state import scope
from cornu.core.state.overridable import overridable_property
from cornu.core.state.tracking import iterate_owned
from cornu.core.state.variable import Variable
from cornu.errors import quantity
from cornu.foreign import describe_replacement
from cornu.names import printable
from cornu.optimizers.checks import (
    check_accumulation,
    check_averaging,
    check_clipping,
    check_learning_rate,
    check_unknown_arguments,
    pair_gradients,
)
from cornu.optimizers.rate_factors import check_factors, factors_by_path, group_by_factor
from cornu.optimizers.schedules import LearningRateLike, LearningRateSchedule
from cornu.optimizers.transforms.accumulation import accumulate
from cornu.optimizers.transforms.averaging import average
from cornu.optimizers.transforms.chain import GradsAndVars, Transformation, chain
from cornu.optimizers.transforms.clipping import clip_by_global_norm, clip_by_norm, clip_by_value
from cornu.optimizers.transforms.constraining import apply_constraints
from cornu.optimizers.transforms.loss_scaling import unscale
from cornu.optimizers.transforms.overwriting import overwrite_or
from cornu.optimizers.transforms.weight_decay import decay_weights
from cornu.optimizers.variables import OptimizerVariables
from cornu.registry import custom_object_scope, serialize
from cornu.types import ArrayLike, Config

__all__ = ["SHARED_DEFAULTS", "Optimizer"]


class Optimizer(OptimizerVariables):
    """Base class of optimizers, which change Variables so that a loss decreases.

    `apply` passes gradients through a chain of transformations. In this order, it divides them by
    `loss_scale_factor`, accumulates them, clips them, shrinks the Variables by
    `weight_decay * learning_rate`, applies the update rule, updates the moving averages, and
    applies the Variables' constraints.

    A method of your own is best written as a `cornu.optimizers.update_rule.UpdateRule`, a formula
    on arrays; or override `build` to create Variables and `update_step` to assign them.

    Args:
        learning_rate: a number, a `LearningRateSchedule`, a function of the step, such as a
            schedule of Optax, or a function without arguments. A number is kept in a Variable:
            changing it does not recompile anything.
        weight_decay: shrinks Variables by this fraction, times the learning rate, in each step.
        clipnorm: an upper limit of the norm of each gradient.
        clipvalue: an upper limit of the absolute value of each element.
        global_clipnorm: an upper limit of the norm of all gradients together.
        use_ema: whether to keep a moving average of every Variable; at the end of `fit` the
            model receives the averages.
        ema_momentum: the fraction of the average that is kept in each step.
        ema_overwrite_frequency: every how many steps the model receives the averages during
            training; None for never.
        loss_scale_factor: the factor by which the loss is multiplied against underflow (see
            `scale_loss`).
        gradient_accumulation_steps: the number of calls over which gradients are averaged before
            a step. The moving averages count such steps, schedules count calls.
        name: its name.
        **kwargs: `decay` of older versions of Keras, which is ignored with a warning. Any other
            name is an error, which suggests an existing one.

    Raises:
        ValueError: an argument that does not exist or is out of range; two kinds of clipping.

    Fixes: in float16 and bfloat16 models, Keras computes bias corrections and norms in the short
    type, where `1 - 0.999**step` is 0; here they are computed in float32.

    Example:

    >>> import cornu
    >>> w = cornu.Variable([1.0, 2.0], name="w")
    >>> optimizer = cornu.optimizers.SGD(learning_rate=0.5)
    >>> optimizer.apply([jnp.array([2.0, 2.0])], [w])
    >>> w.numpy().tolist(), int(optimizer.iterations)
    ([0.0, 1.0], 1)
    """

    _category_ = "optimizers"

    def __init__(
        self,
        learning_rate: LearningRateLike,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name)
        label = self._label_()
        if kwargs:
            known = [*inspect.signature(type(self).__init__).parameters][1:-1]
            check_unknown_arguments(kwargs, known, label)
        check_clipping(clipnorm, clipvalue, global_clipnorm, label)
        check_accumulation(gradient_accumulation_steps, label)
        if use_ema:
            check_averaging(ema_momentum, ema_overwrite_frequency, label)
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self._learning_rate_source_ = check_learning_rate(learning_rate, label)
        # Dicts by Variable: only the values of a dict count as owned, so that the model's
        # Variables, which are the keys, are not saved with the optimizer's.
        self._indices_: dict[Variable, int] = {}
        self._averages_: dict[Variable, Variable] = {}
        self._accumulators_: dict[Variable, Variable] = {}
        self._undecayed_: dict[Variable, None] = {}
        self._undecayed_names_: tuple[str, ...] = ()
        self._rates_: dict[str, float] = {}
        self._rate_factors_: dict[Variable, float] | None = None
        self._changes_ = 0
        self._adopts_ = False
        self._gradient_observers_: list[Callable[[GradsAndVars], object]] = []

    def __repr__(self) -> str:
        rate = self._learning_rate_source_
        shown = f"{float(rate.stored):.6g}" if isinstance(rate, Variable) else repr(rate)
        steps = quantity(int(self._iterations.stored), "step")
        return (
            f"<{type(self).__name__} name={printable(self.name)}, learning_rate={shown}, {steps}>"
        )

    # ----------------------------------------------------------------------------- learning rate

    @property
    def learning_rate(self) -> Variable | Array:
        """The learning rate of this step: a Variable, or the value of a schedule or function."""
        source = self._learning_rate_source_
        if isinstance(source, Variable):
            return source
        if isinstance(source, LearningRateSchedule):
            return source(self._iterations.value)
        rate: Array = source()
        return rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: LearningRateLike) -> None:
        if callable(learning_rate):
            self._learning_rate_source_ = check_learning_rate(learning_rate, self._label_())
            self._changes_ += 1
        elif isinstance(self._learning_rate_source_, Variable):
            self._learning_rate_source_.assign(learning_rate)
        else:
            raise TypeError(
                f"{self._label_()} has the learning rate {self._learning_rate_source_!r}, which "
                "cannot be replaced by a number: compiled steps would not see it.\n"
                "Create the optimizer with a number as learning_rate to change it later."
            )

    @property
    def _learning_rate_source_(self) -> Any:
        """The Variable, schedule or function that `learning_rate` is read from.

        A number that is assigned becomes a new Variable. Assigning does not raise `step_version`:
        whoever replaces the source must compile steps again.
        """
        return self._learning_rate

    @_learning_rate_source_.setter
    def _learning_rate_source_(self, source: Any) -> None:
        if callable(source) or isinstance(source, Variable):
            self._learning_rate = source
            return
        with self._variable_paths_():
            self._learning_rate = Variable(
                float(source),
                dtype=settings.get("floatx"),
                trainable=False,
                aggregation="only_first_replica",
                name="learning_rate",
                role="hyper",
            )

    def _for_other_variables_(self) -> Self:
        """Returns an optimizer for other Variables, with the same learning rate and step count."""
        made: Self = type(self)._from_stored_config_(self._stored_config_())
        made._learning_rate_source_ = self._learning_rate_source_
        made._iterations = self._iterations
        return made

    @property
    def iterations(self) -> Variable | Array:
        """The number of steps made; with accumulation, of completed ones."""
        if self.gradient_accumulation_steps:
            return self._iterations.value // self.gradient_accumulation_steps
        return self._iterations

    @property
    def _step_version_(self) -> int:
        """A number that grows when something that compiled steps contain is replaced.

        That is a schedule or the rates by path.
        """
        return self._changes_

    def set_rates(self, rates: Mapping[str, float]) -> Self:
        """Multiplies the learning rate of parts of the model, each by its own factor.

        A Variable with the factor 0.1 is updated as by an optimizer of its own that has a tenth of
        the learning rate, weight decay included. Clipping by the norm of all gradients still
        includes all.

        Args:
            rates: factors by anything that `cornu.inspect.find` accepts: the path, the name or a
                pattern of layers, blocks and nested models (`"encoder/**"`), or the path or a
                pattern of Variables (`"**/bias"`). If several match, the last one counts; without
                a match the factor is 1. An empty dict removes all factors.

        Returns:
            The optimizer.

        Raises:
            ValueError: a factor is negative; when training begins, if a key matches nothing.
            TypeError: `rates` is not a dict of numbers by string.

        References: Jeremy Howard, Sebastian Ruder (2018), "Universal language model fine-tuning
            for text classification", where they are called discriminative.

        Example:

        >>> import cornu
        >>> encoder = cornu.layers.Dense(4, name="encoder")
        >>> model = cornu.Sequential([cornu.Input((2,)), encoder, cornu.layers.Dense(1)])
        >>> optimizer = cornu.optimizers.AdamW(1e-3).set_rates({"encoder": 0.1, "**/bias": 2.0})
        >>> model.compile(optimizer, "mse")
        >>> optimizer.get_config()["rates_by_path"]
        {'encoder': 0.1, '**/bias': 2.0}

        Differences: not in Keras. `model.summary(rates=True)` shows them.
        """
        self._rates_, self._rate_factors_ = check_factors(rates, self._label_()), None
        self._changes_ += 1
        return self

    _set_rates_ = set_rates

    @property
    def _rates_by_path_(self) -> dict[str, float]:
        """The factors of the learning rate, by path or pattern; see `set_rates`."""
        return dict(self._rates_)

    @property
    def _resolved_rates_(self) -> dict[Variable, float] | None:
        """The factor of each Variable that `rates_by_path` matches; None if not resolved yet."""
        return self._rate_factors_

    @overridable_property
    def rates_by_path(self) -> dict[str, float]:
        """The factors of the learning rate, by path or pattern; see `set_rates`."""
        return self._rates_by_path_

    @overridable_property
    def rate_factors(self) -> dict[Variable, float] | None:
        """The factor of each Variable that `rates_by_path` matches; None if not resolved yet."""
        return self._resolved_rates_

    def _set_rate_factors_(self, factors: Mapping[Variable, float]) -> None:
        """Sets the factors that `rates_by_path` resolves to; a model, which knows paths, does."""
        self._rate_factors_ = dict(factors)

    # ------------------------------------------------------------------------------------ applying

    def build(self, variables: Sequence[Variable]) -> None:
        """Creates the Variables that the optimizer needs for a model's Variables.

        The first `apply` does so, too.

        Args:
            variables: the Variables that the optimizer will update, in the order of the gradients;
                the parameter is `var_list` in some subclasses, as in Keras.

        Raises:
            TypeError: one is not a Variable of cornu.
        """
        for variable in variables:
            if not isinstance(variable, Variable):
                raise TypeError(
                    f"{self._label_()}: expected Variables of cornu. Received: {variable!r}"
                    + describe_replacement(variable)
                )
        self._indices_ = {variable: index for index, variable in enumerate(variables)}
        # Files number the optimizer's Variables in the order of creation: averages first.
        if self.use_ema:
            averages = self.add_optimizer_variables(variables, "average")
            pairs = zip(variables, averages, strict=True)
            self._averages_ = {v: average for v, average in pairs if average is not None}
        if self.gradient_accumulation_steps:
            self._accumulators_ = {
                variable: self.add_variable_from_reference(variable, "gradient_accumulator")
                for variable in variables
            }
        self.built = True

    def apply(
        self, grads: Iterable[Any], trainable_variables: Iterable[Variable] | None = None
    ) -> None:
        """Updates Variables, given one gradient for each.

        Args:
            grads: gradients, in the order of the Variables.
            trainable_variables: the Variables; by default those that the optimizer was built
                with. The first call builds it.

        Raises:
            ValueError: the numbers or shapes do not match, all gradients are None, or the
                optimizer was not built with a Variable.

        Warns:
            UserWarning: some gradients are None; their Variables are not updated.
        """
        grads = list(grads)
        # A model may have no trainable Variables.
        if not grads:
            return
        grads_and_vars = self._pair_gradients_(grads, trainable_variables)
        for observe in self._gradient_observers_:
            observe(grads_and_vars)
        self._apply_(grads_and_vars)

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Variable:
        """Updates Variables, given (gradient, Variable) pairs; returns the number of calls.

        Args:
            grads_and_vars: the pairs. A gradient may be None if others are not: its Variable is not
                updated.
        """
        pairs = list(grads_and_vars)
        self.apply([gradient for gradient, _ in pairs], [variable for _, variable in pairs])
        return self._iterations

    def stateless_apply(
        self,
        optimizer_variables: Sequence[ArrayLike],
        grads: Sequence[ArrayLike],
        trainable_variables: Sequence[ArrayLike],
    ) -> tuple[list[Array], list[Array]]:
        """Computes the result of `apply` from arrays, and assigns nothing.

        Args:
            optimizer_variables: a value for each Variable in `variables`, in their order.
            grads: a gradient for each of the model's Variables.
            trainable_variables: a value for each Variable with which the optimizer was built.

        Returns:
            New values of the model's Variables, and new values of the optimizer's.
        """
        self._check_built_("stateless_apply")
        models, own = list(self._indices_), self.variables
        self._check_count_("trainable_variables", trainable_variables, models)
        self._check_count_("optimizer_variables", optimizer_variables, own)
        values = [jnp.asarray(value) for value in (*trainable_variables, *optimizer_variables)]
        _, new_values, _ = scope.pure(self.apply, [*models, *own])(values, None, grads)
        return list(new_values[: len(models)]), list(new_values[len(models) :])

    @contextlib.contextmanager
    def observe_gradients(self, callback: Callable[[GradsAndVars], object]) -> Iterator[None]:
        """Calls a function with the gradients of each update, within a `with` block.

        Args:
            callback: called with a list of (gradient, Variable) pairs, as `apply` received them:
                before loss scaling is undone, and before accumulation and clipping. A compiled
                step calls it once, while it is traced, with tracers.

        Example:

        >>> import cornu
        >>> w = cornu.Variable(1.0, name="w")
        >>> optimizer = cornu.optimizers.SGD(0.5)
        >>> seen = []
        >>> with optimizer.observe_gradients(seen.extend):
        ...     optimizer.apply([jnp.array(2.0)], [w])
        >>> [(float(gradient), variable.name) for gradient, variable in seen]
        [(2.0, 'w')]

        Differences: not in Keras.
        """
        self._gradient_observers_.append(callback)
        try:
            yield
        finally:
            self._gradient_observers_.remove(callback)

    _observe_gradients_ = observe_gradients

    def update_step(self, gradient: Array, variable: Variable, learning_rate: Array) -> None:
        """Updates one Variable; a subclass that is not an `UpdateRule` overrides this.

        Args:
            gradient: the gradient, after clipping.
            variable: the Variable, to which the new value is assigned.
            learning_rate: the learning rate of the step, a scalar array.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must override update_step(gradient, variable, learning_rate)."
        )

    def scale_loss(self, loss: Any) -> Any:
        """Multiplies a loss by `loss_scale_factor`, before gradients are computed.

        Args:
            loss: the loss of a batch.
        """
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """Sets Variables to their values after training: with `use_ema`, to their averages.

        Before the first step there are no averages, and nothing changes.

        Args:
            var_list: the Variables, for example `model.trainable_variables`.
        """
        averaged = [variable for variable in var_list if variable in self._averages_]
        if averaged:  # else, not even the comparison is computed
            begun = self._count_steps_() > 0
            for variable in averaged:
                average = self._averages_[variable].value
                variable.assign(jnp.where(begun, average, variable.value))

    def exclude_from_weight_decay(
        self,
        var_list: Iterable[Variable] | None = None,
        var_names: Iterable[str] | None = None,
    ) -> None:
        """Exempts Variables from weight decay. Call it before training.

        Args:
            var_list: Variables.
            var_names: regular expressions; a Variable is exempt if one is found in its name.
        """
        self._undecayed_ = dict.fromkeys(var_list or ())
        self._undecayed_names_ = tuple(var_names or ())

    def _is_built_with_(self, variable: Variable) -> bool:
        """Returns whether the optimizer was built with a Variable."""
        return variable in self._indices_

    def _apply_(self, grads_and_vars: GradsAndVars) -> None:
        """Updates Variables, given checked gradients."""
        self._transformation_(grads_and_vars)(grads_and_vars)
        # Last, because update rules and schedules use the number of steps before this one.
        self._iterations.assign_add(1)

    def _transformation_(self, grads_and_vars: GradsAndVars) -> Transformation:
        """Composes the transformations of an update from the optimizer's present arguments."""
        # Not composed in the constructor, because programs assign attributes such as `clipnorm`
        # later. Composing takes microseconds, and in a compiled step happens once, at tracing.
        update = overwrite_or(chain(self._clipping_(), self._update_))
        if every := self.gradient_accumulation_steps:
            assigned = [*self.variables, *(variable for _, variable in grads_and_vars)]
            calls = self._iterations.value
            update = accumulate(update, self._accumulators_, every, calls, assigned)
        factor = self.loss_scale_factor
        return chain(
            None if factor is None else unscale(factor),
            update,
            self._averaging_() if self.use_ema else None,
            apply_constraints,
        )

    def _clipping_(self) -> Transformation | None:
        if self.clipnorm:
            return clip_by_norm(self.clipnorm)
        if self.global_clipnorm:
            return clip_by_global_norm(self.global_clipnorm)
        return clip_by_value(self.clipvalue) if self.clipvalue else None

    def _averaging_(self) -> Transformation:
        frequency = self.ema_overwrite_frequency
        return average(self._averages_, self.ema_momentum, self._count_steps_(), frequency)

    def _count_steps_(self) -> Array:
        """Returns `iterations` as an array."""
        iterations = self.iterations
        return iterations.value if isinstance(iterations, Variable) else iterations

    def _update_(self, grads_and_vars: GradsAndVars) -> GradsAndVars:
        """Applies weight decay and the update rule, to each group of Variables at its own rate."""
        rate = self._current_rate_()
        decays = {v: None if self._is_exempt_(v) else self._decay_of_(v) for _, v in grads_and_vars}
        for factor, group in group_by_factor(grads_and_vars, self._rate_factors_ or {}).items():
            group_rate = rate if factor == 1.0 else rate * factor
            # Decay comes before the update rule, as in Keras.
            decay_weights(decays, group_rate)(group)
            self._update_group_(group, group_rate)
        return grads_and_vars

    def _update_group_(self, grads_and_vars: GradsAndVars, learning_rate: Array) -> None:
        for gradient, variable in grads_and_vars:
            self.update_step(gradient, variable, learning_rate)

    def _current_rate_(self) -> Array:
        rate = self.learning_rate
        return rate.value if isinstance(rate, Variable) else jnp.asarray(rate)

    def _decay_of_(self, variable: Variable) -> float | None:
        return self.weight_decay

    def _is_exempt_(self, variable: Variable) -> bool:
        """Returns whether a Variable is exempt from weight decay."""
        return variable in self._undecayed_ or any(
            re.search(pattern, variable.name) for pattern in self._undecayed_names_
        )

    def _get_variable_index(self, variable: Variable) -> int:
        """Returns the index of a Variable among those of `build`; users' subclasses call it."""
        self._check_known_([variable])
        return self._indices_[variable]

    # ------------------------------------------------------------------------------------ as data

    def get_config(self) -> Config:
        """Returns the constructor's arguments as plain data, with their present values."""
        rate = self._learning_rate_source_
        present = {
            name: value for name, value in vars(self).copy().items() if name in SHARED_DEFAULTS
        }
        present["learning_rate"] = float(rate.numpy()) if isinstance(rate, Variable) else rate
        arguments = self._constructor_arguments_()
        config = {name: serialize(present.get(name, value)) for name, value in arguments.items()}
        return {**config, "rates_by_path": dict(self._rates_)} if self._rates_ else config

    @classmethod
    def from_config(cls, config: Config, custom_objects: Mapping[str, Any] | None = None) -> Self:
        """Creates an optimizer from the result of `get_config()`; it is not built yet."""
        config = dict(config)
        rates = config.pop("rates_by_path", None)
        with custom_object_scope(custom_objects):
            optimizer: Self = super().from_config(config)
        return optimizer if rates is None else optimizer._set_rates_(rates)

    # ------------------------------------------------------------------------------------ copies

    def _parts_of_optimizer_(self) -> list[Optimizer]:
        """Returns this optimizer and those within it."""
        return [self, *(part for part in iterate_owned(self) if isinstance(part, Optimizer))]

    def _live_state_(self) -> Config:
        return {
            "name": self.name,
            "built_with": list(self._indices_) if self.built else None,
            "undecayed": [
                (list(part._undecayed_), part._undecayed_names_)
                for part in self._parts_of_optimizer_()
            ],
        }

    def _set_live_state_(self, state: Config) -> None:
        for part, (variables, names) in zip(
            self._parts_of_optimizer_(), state["undecayed"], strict=True
        ):
            part.exclude_from_weight_decay(variables, names)
        self.name = state["name"]
        variables = state["built_with"]
        if variables is not None and not self._is_built_for_(variables):
            self._rebuild_(variables)
        self._adopts_ = True

    def _is_built_for_(self, variables: Sequence[Variable]) -> bool:
        """Returns whether the optimizer was built with these Variables, in this order."""
        return self.built and list(map(id, self._indices_)) == list(map(id, variables))

    def _rebuild_(self, variables: Sequence[Variable]) -> None:
        """Builds the optimizer again, with other Variables."""
        for part in self._parts_of_optimizer_():
            part.built = False
            part._added_.clear()
        self.build(variables)

    def _adopt_(self, variables: Sequence[Variable]) -> None:
        """Continues a copy of an optimizer, such as one that was pickled, with other Variables.

        They take the places of those that the copied optimizer was built with. If their shapes or
        dtypes differ, the optimizer starts with a new state.
        """
        if not self._adopts_ or not self.built or all(v in self._indices_ for v in variables):
            return
        values = [variable.numpy() for variable in self.variables]
        specs = [(variable.shape, variable.dtype) for variable in self._indices_]
        new = dict(zip(self._indices_, variables, strict=False))
        for part in self._parts_of_optimizer_():
            part._undecayed_ = {new.get(variable, variable): None for variable in part._undecayed_}
        self._rebuild_(variables)
        if specs == [(variable.shape, variable.dtype) for variable in variables]:
            for variable, value in zip(self.variables, values, strict=True):
                variable.assign(value)
        else:
            for part in self._parts_of_optimizer_():
                part._iterations.assign(0)

    # ------------------------------------------------------------------------------------- checks

    def _pair_gradients_(
        self, grads: list[Any], trainable_variables: Iterable[Variable] | None
    ) -> GradsAndVars:
        """Checks the arguments of `apply`, and builds the optimizer if it is not built yet."""
        if trainable_variables is None:
            self._check_built_("apply() without Variables")
            trainable_variables = self._indices_
        variables = list(trainable_variables)
        if not self.built:
            self.build(variables)
        self._adopt_(variables)
        self._check_known_(variables)
        self._check_count_("grads", grads, variables)
        if self._rates_ and self._rate_factors_ is None:
            self._set_rate_factors_(factors_by_path(self._rates_, self._indices_, self._label_()))
        return pair_gradients(grads, variables, self._label_())

    def _check_known_(self, variables: Iterable[Variable]) -> None:
        unknown = [variable.path for variable in variables if variable not in self._indices_]
        if unknown:
            raise ValueError(
                f"{self._label_()} was not built with {', '.join(map(repr, unknown))}.\n"
                "In a model whose layers have changed, call `compile` again. Otherwise, create a "
                "new optimizer for other Variables, or build it with all of them."
            )


# The arguments of all optimizers but the learning rate, with their defaults.
SHARED_DEFAULTS = {
    name: parameter.default
    for name, parameter in inspect.signature(Optimizer.__init__).parameters.items()
    if parameter.default is not parameter.empty
}
