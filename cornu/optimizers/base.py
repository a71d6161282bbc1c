"""Optimizer: what all optimizers have in common, from learning rate to moving averages."""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from cornu import settings
from cornu.core.state import scope
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.errors import suggest
from cornu.optimizers.rate_factors import check_factors, factors_by_path, group_by_factor
from cornu.optimizers.schedules import LearningRateSchedule
from cornu.optimizers.transforms import averaging, clipping
from cornu.optimizers.transforms.accumulation import GradsAndVars, accumulate
from cornu.optimizers.variables import OptimizerVariables
from cornu.registry import custom_object_scope, serialize

__all__ = ["SHARED_DEFAULTS", "Optimizer"]


class Optimizer(OptimizerVariables):
    """The base of all optimizers: changes Variables so that a loss becomes smaller.

    What `apply` does with gradients, in this order: divides them by `loss_scale_factor`,
    accumulates them, clips them, makes the Variables smaller by `weight_decay * learning_rate`,
    calls the rule of the method, moves the averages, and applies the Variables' constraints.

    A method of your own is best written as a `cornu.optimizers.update_rule.UpdateRule`, a formula
    on arrays; or override `build` to make Variables and `update_step` to assign them.

    Args:
        learning_rate: a number, a `LearningRateSchedule`, or a function without arguments. A
            number is kept in a Variable: changing it does not recompile anything.
        weight_decay: shrinks Variables by this fraction, times the learning rate, in each step.
        clipnorm: an upper limit of the norm of each gradient.
        clipvalue: an upper limit of the absolute value of each element.
        global_clipnorm: an upper limit of the norm of all gradients together.
        use_ema: whether to keep a moving average of every Variable; at the end of `fit` the
            model gets the averages.
        ema_momentum: how much of the average is kept in each step.
        ema_overwrite_frequency: also give the averages to the model every so many steps.
        loss_scale_factor: what the loss was multiplied with against underflow (see `scale_loss`).
        gradient_accumulation_steps: take the mean of the gradients of so many calls, then step.
            The moving averages count such steps, schedules count calls.
        name: its name.

    Raises:
        ValueError: an argument that does not exist or is out of range; two kinds of clipping.

    Differences: in float16 and bfloat16 models, Keras computes bias corrections and norms in the
        short type, where `1 - 0.999**step` is 0; here they are computed in float32.

    Example:

    >>> import cornu
    >>> w = cornu.Variable([1.0, 2.0], name="w")
    >>> optimizer = cornu.optimizers.SGD(learning_rate=0.5)
    >>> optimizer.apply([jnp.array([2.0, 2.0])], [w])
    >>> w.numpy().tolist(), int(optimizer.iterations)
    ([0.0, 1.0], 1)
    """

    category = "optimizers"

    def __init__(
        self,
        learning_rate: Any,
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
        self._check_unknown(kwargs)
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        for fault in self._faults():
            raise ValueError(f"{self._label()}: {fault}")
        self._learning_rate = self._rate(learning_rate)
        # Of a dict only the values are taken for what the optimizer owns, not the keys.
        self._places: dict[Variable, int] = {}
        self._averages: dict[Variable, Variable] = {}
        self._accumulators: dict[Variable, Variable] = {}
        self._undecayed: dict[Variable, None] = {}
        self._undecayed_names: tuple[str, ...] = ()
        self._rates: dict[str, float] = {}
        self._factors: dict[Variable, float] | None = None
        self._step_version = 0

    # ----------------------------------------------------------------------------- learning rate

    def _rate(self, rate: Any) -> Any:
        if callable(rate):
            return rate
        if isinstance(rate, (bool, str)) or rate is None or np.ndim(rate) != 0:
            raise ValueError(
                f"{self._label()}: learning_rate must be a number, a LearningRateSchedule or a "
                f"function without arguments. Received: {rate!r}"
                + ("\nTurn the text into a number: float(text)." if isinstance(rate, str) else "")
            )
        if not isinstance(rate, Variable) and not float(rate) >= 0:
            raise ValueError(
                f"{self._label()}: learning_rate must be 0 or more. Received: {rate!r}\n"
                "To climb instead of descend, change the sign of the loss."
            )
        with self._naming():
            return Variable(
                float(rate),
                dtype=settings.get("floatx"),
                trainable=False,
                aggregation="only_first_replica",
                name="learning_rate",
                role="hyper",
            )

    @property
    def learning_rate(self) -> Any:
        """The learning rate of this step: the Variable, or what the schedule or function gives."""
        rate = self._learning_rate
        if isinstance(rate, Variable):
            return rate
        return rate(self._iterations.value) if isinstance(rate, LearningRateSchedule) else rate()

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        if callable(learning_rate):
            self._learning_rate = learning_rate
            self._step_version += 1
        elif isinstance(self._learning_rate, Variable):
            self._learning_rate.assign(learning_rate)
        else:
            raise TypeError(
                f"{self._label()} has the learning rate {self._learning_rate!r}, which a number "
                "cannot replace: compiled steps would not see it.\n"
                "Make the optimizer with a number as learning_rate to change it later."
            )

    @property
    def iterations(self) -> Any:
        """How many steps were made (with accumulation: completed ones)."""
        if self.gradient_accumulation_steps:
            return self._iterations // self.gradient_accumulation_steps
        return self._iterations

    @property
    def step_version(self) -> int:
        """Grows when what compiled steps hold is replaced: a schedule, or the rates by path."""
        return self._step_version

    def set_rates(self, rates: Mapping[str, float]) -> Any:
        """Multiplies the learning rate of parts of the model, each with a number of its own.

        A Variable for which the learning rate is multiplied with 0.1 is changed as by an
        optimizer of its own that has a tenth of the learning rate, weight decay included. Clipping
        by the norm of all gradients still sees all.

        Args:
            rates: multipliers by what `cornu.inspect.find` takes: the path, the name or a pattern
                of layers, blocks and models inside (`"encoder/**"`), or the path or a pattern of
                Variables (`"**/bias"`). Where several mean the same, the last one counts; what
                none means has 1. An empty dict takes all back.

        Returns:
            The optimizer.

        Raises:
            ValueError: a number is negative; when training begins, if a name means nothing.
            TypeError: it is no dict of numbers by text.

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
        self._rates, self._factors = check_factors(rates, self._label()), None
        self._step_version += 1
        return self

    @property
    def rates_by_path(self) -> dict[str, float]:
        """What the learning rate is multiplied with, by path or pattern; see `set_rates`."""
        return dict(self._rates)

    @property
    def rate_factors(self) -> dict[Variable, float] | None:
        """What `rates_by_path` means for each Variable; None while that is not known."""
        return self._factors

    def set_rate_factors(self, factors: Mapping[Variable, float]) -> None:
        """Takes what the rates by path mean for each Variable; a model knows that, and calls it."""
        self._factors = dict(factors)

    # ------------------------------------------------------------------------------------ applying

    def build(self, variables: Sequence[Variable]) -> None:
        """Makes the Variables that the optimizer needs for a model's Variables."""
        self._places = {variable: place for place, variable in enumerate(variables)}
        if self.use_ema:
            averages = self.add_optimizer_variables(variables, "average")
            pairs = zip(variables, averages, strict=True)
            self._averages = {v: average for v, average in pairs if average is not None}
        if self.gradient_accumulation_steps:
            self._accumulators = {
                variable: self.add_variable_from_reference(variable, "gradient_accumulator")
                for variable in variables
            }
        self.built = True

    def apply(
        self, grads: Iterable[Any], trainable_variables: Iterable[Variable] | None = None
    ) -> None:
        """Changes Variables, given one gradient for each.

        Args:
            grads: gradients, in the order of the Variables.
            trainable_variables: the Variables; by default those that the optimizer was built
                with. The first call builds it.

        Raises:
            ValueError: numbers or shapes that do not fit, a gradient that is None, or a Variable
                that the optimizer was not built with.
        """
        grads = list(grads)
        if not grads:
            return
        pairs = [self._unscaled(g, v) for g, v in self._pairs(grads, trainable_variables)]
        if self.gradient_accumulation_steps:
            accumulate(
                pairs,
                self._accumulators,
                self.gradient_accumulation_steps,
                self._iterations,
                take=self._take,
                assigned=[*self.variables, *(variable for _, variable in pairs)],
            )
        else:
            self._take(pairs)
        if self.use_ema:
            averaging.update(self._averages, self.ema_momentum, self.iterations)
            if self.ema_overwrite_frequency:
                due = (self.iterations + 1) % self.ema_overwrite_frequency == 0
                averaging.overwrite(self._averages, due)
        for _, variable in pairs:
            if variable.constraint is not None and not variable.overwrite_with_gradient:
                variable.assign(variable.constraint(variable.value))
        self._iterations.assign_add(1)

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Variable:
        """Changes Variables, given (gradient, Variable) pairs; returns the count of calls."""
        pairs = list(grads_and_vars)
        self.apply([gradient for gradient, _ in pairs], [variable for _, variable in pairs])
        return self._iterations

    def stateless_apply(
        self,
        optimizer_variables: Sequence[Any],
        grads: Sequence[Any],
        trainable_variables: Sequence[Any],
    ) -> tuple[list[Array], list[Array]]:
        """Does what `apply` does, from arrays to arrays, and assigns nothing.

        Returns:
            New values of the model's Variables, and new values of the optimizer's.
        """
        self._check_built("stateless_apply")
        models, own = list(self._places), self.variables
        self._check_count("trainable_variables", trainable_variables, models)
        self._check_count("optimizer_variables", optimizer_variables, own)
        values = [jnp.asarray(value) for value in (*trainable_variables, *optimizer_variables)]
        _, news, _ = scope.pure(self.apply, [*models, *own])(values, None, grads)
        return list(news[: len(models)]), list(news[len(models) :])

    def update_step(self, gradient: Array, variable: Variable, learning_rate: Any) -> None:
        """Changes one Variable; a subclass that is not an `UpdateRule` overrides this."""
        raise NotImplementedError(
            f"{type(self).__name__} must override update_step(gradient, variable, learning_rate)."
        )

    def scale_loss(self, loss: Any) -> Any:
        """Multiplies a loss by `loss_scale_factor`, before gradients are taken."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """Gives Variables the values they are to have after training: with `use_ema`, averages."""
        for variable in var_list:
            if variable in self._averages:
                variable.assign(self._averages[variable].value)

    def exclude_from_weight_decay(
        self,
        var_list: Iterable[Variable] | None = None,
        var_names: Iterable[str] | None = None,
    ) -> None:
        """Exempts Variables from weight decay. Call it before training.

        Args:
            var_list: Variables.
            var_names: regular expressions; Variables in whose name one is found are exempt.
        """
        self._undecayed = dict.fromkeys(var_list or ())
        self._undecayed_names = tuple(var_names or ())

    def _pairs(self, grads: list[Any], variables: Iterable[Variable] | None) -> GradsAndVars:
        """Checks what `apply` received; builds the optimizer if that was not done yet."""
        if variables is None:
            self._check_built("apply() without Variables")
            variables = self._places
        variables = list(variables)
        if not self.built:
            self.build(variables)
        self._check_known(variables)
        self._check_count("grads", grads, variables)
        if self._rates and self._factors is None:
            self.set_rate_factors(factors_by_path(self._rates, self._places, self._label()))
        missing = [v.path for g, v in zip(grads, variables, strict=True) if g is None]
        if missing:
            raise ValueError(
                f"{self._label()}: no gradient for {', '.join(map(repr, missing))}.\n"
                "Leave out Variables that the loss does not depend on."
            )
        return [self._pair(g, v) for g, v in zip(grads, variables, strict=True)]

    def _pair(self, gradient: Any, variable: Variable) -> tuple[Array, Variable]:
        gradient = jnp.asarray(gradient)
        if gradient.shape != variable.shape:
            raise ValueError(
                f"{self._label()}: Variable {variable.path!r} has the shape {variable.shape}; "
                f"received a gradient of shape {gradient.shape}."
            )
        return gradient, variable

    def _unscaled(self, gradient: Array, variable: Variable) -> tuple[Array, Variable]:
        if self.loss_scale_factor is None or variable.overwrite_with_gradient:
            return gradient, variable
        return gradient / self.loss_scale_factor, variable

    def _take(self, pairs: GradsAndVars) -> None:
        """Makes a step: Variables that are not overwritten by their gradient follow the rule."""
        for gradient, variable in pairs:
            if variable.overwrite_with_gradient:
                variable.assign(gradient)
        ruled = [(g, v) for g, v in pairs if not v.overwrite_with_gradient]
        if ruled:
            self._update([g for g, _ in ruled], [v for _, v in ruled])

    def _update(self, grads: list[Array], variables: list[Variable]) -> None:
        rate = self.learning_rate
        rate = rate.value if isinstance(rate, Variable) else jnp.asarray(rate)
        grads = self._clipped(grads)
        for factor, places in group_by_factor(variables, self._factors or {}).items():
            share = [variables[place] for place in places]
            own = rate if factor == 1.0 else rate * factor
            self._decay(share, own)
            self._update_each([grads[place] for place in places], share, own)

    def _update_each(
        self, grads: list[Array], variables: list[Variable], learning_rate: Array
    ) -> None:
        for gradient, variable in zip(grads, variables, strict=True):
            self.update_step(gradient, variable, learning_rate)

    def _clipped(self, grads: list[Array]) -> list[Array]:
        if self.clipnorm:
            return [clipping.by_norm(gradient, self.clipnorm) for gradient in grads]
        if self.global_clipnorm:
            return clipping.by_global_norm(grads, self.global_clipnorm)
        if self.clipvalue:
            return [clipping.by_value(gradient, self.clipvalue) for gradient in grads]
        return grads

    def _decay(self, variables: list[Variable], learning_rate: Array) -> None:
        decays = {v: self._decay_of(v) or 0.0 for v in variables if not self._exempt(v)}
        fractions = {decay: decay * learning_rate for decay in dict.fromkeys(decays.values())}
        for variable, decay in decays.items():
            if decay:
                value = variable.value
                variable.assign(value - value * fractions[decay].astype(variable.dtype))

    def _decay_of(self, variable: Variable) -> float | None:
        return self.weight_decay

    def _exempt(self, variable: Variable) -> bool:
        return variable in self._undecayed or any(
            re.search(pattern, variable.name) for pattern in self._undecayed_names
        )

    def is_built_with(self, variable: Variable) -> bool:
        """Tells whether the optimizer was built with a Variable."""
        return variable in self._places

    def _get_variable_index(self, variable: Variable) -> int:
        """Returns the place of a Variable among those of `build`; users' subclasses call it."""
        self._check_known([variable])
        return self._places[variable]

    # ------------------------------------------------------------------------------------ as data

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as plain data, as they are now."""
        rate = self._learning_rate
        now = {name: value for name, value in vars(self).items() if name in SHARED_DEFAULTS}
        now["learning_rate"] = float(rate.numpy()) if isinstance(rate, Variable) else rate
        arguments = self.constructor_arguments()
        config = {name: serialize(now.get(name, value)) for name, value in arguments.items()}
        return {**config, "rates_by_path": self.rates_by_path} if self._rates else config

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Any:
        """Makes an optimizer from what `get_config()` returned; it is not built yet."""
        config = dict(config)
        rates = config.pop("rates_by_path", None)
        with custom_object_scope(custom_objects):
            optimizer = super().from_config(config)
        return optimizer if rates is None else optimizer.set_rates(rates)

    # ------------------------------------------------------------------------------------- checks

    def _check_unknown(self, kwargs: dict[str, Any]) -> None:
        if kwargs.pop("decay", None) is not None:
            warnings.warn(
                f"{self._label()}: `decay` is no longer an argument and has no effect. "
                "Give learning_rate the schedule InverseTimeDecay.",
                stacklevel=user_stacklevel(),
            )
        for unknown in kwargs:
            known = [*inspect.signature(type(self).__init__).parameters][1:-1]
            hint = suggest(unknown, known)
            if unknown == "lr":
                hint = "Did you mean 'learning_rate'?"
            raise ValueError(f"{self._label()} has no argument {unknown!r}. {hint}")

    def _faults(self) -> Iterator[str]:
        limits = (self.clipnorm, self.clipvalue, self.global_clipnorm)
        if sum(limit is not None for limit in limits) > 1:
            yield (
                "only one of clipnorm, clipvalue and global_clipnorm can be given. "
                f"Received: {', '.join(map(str, limits))}"
            )
        steps = self.gradient_accumulation_steps
        if steps and (not isinstance(steps, int) or steps < 2):
            yield (
                f"gradient_accumulation_steps must be None or an integer from 2 on. "
                f"Received: {steps}"
            )
        if self.use_ema and not 0 <= self.ema_momentum <= 1:
            yield f"ema_momentum must be between 0 and 1. Received: {self.ema_momentum}"
        every = self.ema_overwrite_frequency
        if self.use_ema and every and (not isinstance(every, int) or every < 1):
            yield f"ema_overwrite_frequency must be None or an integer from 1 on. Received: {every}"

    def _check_known(self, variables: Iterable[Variable]) -> None:
        unknown = [variable.path for variable in variables if variable not in self._places]
        if unknown:
            raise ValueError(
                f"{self._label()} was not built with {', '.join(map(repr, unknown))}.\n"
                "Make a new optimizer for other Variables, or build it with all of them."
            )


# The arguments of all optimizers but the learning rate, with their defaults.
SHARED_DEFAULTS = {
    name: parameter.default
    for name, parameter in inspect.signature(Optimizer.__init__).parameters.items()
    if parameter.default is not parameter.empty
}
