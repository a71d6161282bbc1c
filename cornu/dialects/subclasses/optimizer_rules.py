"""The optimizers of Keras 1 and 2 that programs derive their own from."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast

import numpy as np

from cornu import ops, settings
from cornu.core.state.variable import Variable
from cornu.dialects.backend.variables import variable
from cornu.dialects.subclasses.optimizers import LIMITS, DerivedOptimizer, Keras1Optimizer
from cornu.legacy.keras1.class_mapping import parse_signature

__all__ = ["make_subclassable"]


class _Known(DerivedOptimizer):
    """Base class of the optimizers of Keras.

    The arguments become Variables of the same names, and the learning rate is divided by
    `1 + decay * iterations`.
    """

    # Whether steps are counted even if nothing depends on their number.
    counts_always: ClassVar[bool] = True
    needs_count: ClassVar[bool] = False
    argument_names: ClassVar[tuple[str, ...]] = ()
    slot_names: tuple[str, ...] = ()
    decay: Any = 0.0
    initial_decay: Any = 0.0
    # Arguments of some of them.
    epsilon: float
    momentum: Any
    nesterov: bool
    rho: Any
    beta_1: Any
    beta_2: Any
    schedule_decay: float

    def _set_arguments_(self, given: Mapping[str, Any]) -> None:
        """Sets the arguments of the constructor as attributes."""
        self.iterations = variable(0.0, name="iterations")
        for name, value in given.items():
            if name == "epsilon":
                value = settings.get("epsilon") if value is None else value
            elif name not in _PLAIN:
                self.initial_decay = value if name == "decay" else self.initial_decay
                value = variable(value, name=name)
            setattr(self, name, value)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, with their present values."""
        found = {name: getattr(self, name) for name in self.argument_names}
        plain = {k: float(v.numpy()) if isinstance(v, Variable) else v for k, v in found.items()}
        return {**plain, **super().get_config()}

    def get_updates(self, loss: Any, params: Sequence[Variable]) -> list[Any]:
        """Returns the number of steps, then for each Variable the new slots and the new value.

        Args:
            loss: passed to `get_gradients`.
            params: the Variables that are trained.
        """
        return self._formulas(loss, params, {p: p.constraint for p in params})

    def _formulas(self, loss: Any, params: Sequence[Variable], constraints: Any) -> list[Any]:
        found = self.get_gradients(loss, params)
        rate = self.lr * 1.0
        if self.initial_decay:
            rate = rate / (1.0 + self.decay * self.iterations)
        counts = self.counts_always or self.needs_count or self.initial_decay
        self.updates = [(self.iterations, self.iterations + 1)] if counts else []
        slots = [[variable(np.zeros(p.shape, p.dtype)) for p in params] for _ in self.slot_names]
        shared = self.prepare(rate, self.iterations + 1)
        for i, (p, g) in enumerate(zip(params, found, strict=True)):
            own = [each[i] for each in slots]
            new, new_slots = self.formula(p, g, own, shared)
            self.updates += zip(own, new_slots, strict=True)
            constraint = constraints.get(p)
            self.updates.append((p, new if constraint is None else constraint(new)))
        self.weights = [*self.counted_weights(), *(one for each in slots for one in each)]
        return self.updates

    def counted_weights(self) -> list[Variable]:
        """Returns the number of steps where it is one of `weights`."""
        return [self.iterations]

    def prepare(self, rate: Any, step: Any) -> Any:
        """Returns what the formula needs for all Variables.

        Args:
            rate: the learning rate of the step.
            step: its number, from 1.
        """
        return rate

    def formula(self, p: Any, g: Any, slots: list[Any], shared: Any) -> tuple[Any, list[Any]]:
        """Returns the new value and the new slots.

        Args:
            p, g: a Variable and its gradient.
            slots: the slots of the Variable.
            shared: the result of `prepare`.
        """
        raise NotImplementedError


class SGD(_Known):
    """`v = momentum v - rate g`; `p + v`, or `p + momentum v - rate g` with `nesterov`."""

    slot_names: tuple[str, ...] = ("moment",)

    def formula(self, p: Any, g: Any, slots: list[Any], shared: Any) -> tuple[Any, list[Any]]:
        """Returns the new value and the velocity."""
        v = self.momentum * slots[0] - shared * g
        return p + (self.momentum * v - shared * g if self.nesterov else v), [v]


class RMSprop(_Known):
    """`a = rho a + (1 - rho) g**2`; `p - rate g / (sqrt(a) + epsilon)`."""

    slot_names: tuple[str, ...] = ("accumulator",)

    def counted_weights(self) -> list[Variable]:
        """Returns nothing: files have the means alone."""
        return []

    def formula(self, p: Any, g: Any, slots: list[Any], shared: Any) -> tuple[Any, list[Any]]:
        """Returns the new value and the mean of squares."""
        a = self.rho * slots[0] + (1.0 - self.rho) * ops.square(g)
        return p - shared * g / (ops.sqrt(a) + self.epsilon), [a]


class Adagrad(RMSprop):
    """`a = a + g**2`; `p - rate g / (sqrt(a) + epsilon)`."""

    def formula(self, p: Any, g: Any, slots: list[Any], shared: Any) -> tuple[Any, list[Any]]:
        """Returns the new value and the sum of squares."""
        a = slots[0] + ops.square(g)
        return p - shared * g / (ops.sqrt(a) + self.epsilon), [a]


class Adadelta(RMSprop):
    """`a` as in RMSprop; `u = g sqrt(d + epsilon) / sqrt(a + epsilon)`; `p - rate u`."""

    slot_names: tuple[str, ...] = ("accumulator", "delta")

    def formula(self, p: Any, g: Any, slots: list[Any], shared: Any) -> tuple[Any, list[Any]]:
        """Returns the new value and the means of squares of gradients and updates."""
        a = self.rho * slots[0] + (1.0 - self.rho) * ops.square(g)
        update = g * ops.sqrt(slots[1] + self.epsilon) / ops.sqrt(a + self.epsilon)
        delta = self.rho * slots[1] + (1.0 - self.rho) * ops.square(update)
        return p - shared * update, [a, delta]


class Adam(_Known):
    """`p - rate c m / (sqrt(v) + epsilon)`, `c` corrects the bias of both means."""

    needs_count = True
    slot_names: tuple[str, ...] = ("m", "v")
    amsgrad = False

    def _set_arguments_(self, given: Mapping[str, Any]) -> None:
        super()._set_arguments_(given)
        if self.amsgrad:
            self.slot_names = (*self.slot_names, "largest_v")

    def prepare(self, rate: Any, step: Any) -> Any:
        """Returns the corrected rate."""
        return rate * (ops.sqrt(1.0 - self.beta_2**step) / (1.0 - self.beta_1**step))

    def formula(self, p: Any, g: Any, slots: list[Any], shared: Any) -> tuple[Any, list[Any]]:
        """Returns the new value and both means; with `amsgrad` the largest square as well."""
        m = self.beta_1 * slots[0] + (1.0 - self.beta_1) * g
        v = self.beta_2 * slots[1] + (1.0 - self.beta_2) * ops.square(g)
        largest = [ops.maximum(slots[2], v)] if self.amsgrad else []
        return p - shared * m / (ops.sqrt([*largest, v][0]) + self.epsilon), [m, v, *largest]


class Adamax(Adam):
    """`p - rate c m / (u + epsilon)`, `u` is the largest gradient of late."""

    def prepare(self, rate: Any, step: Any) -> Any:
        """Returns the corrected rate."""
        return rate / (1.0 - self.beta_1**step)

    def formula(self, p: Any, g: Any, slots: list[Any], shared: Any) -> tuple[Any, list[Any]]:
        """Returns the new value, the mean and the largest gradient."""
        m = self.beta_1 * slots[0] + (1.0 - self.beta_1) * g
        u = ops.maximum(self.beta_2 * slots[1], ops.abs(g))
        return p - shared * m / (u + self.epsilon), [m, u]


class Nadam(Adam):
    """Adam with the momentum of Nesterov, which grows with the number of steps."""

    m_schedule: Any = None

    def prepare(self, rate: Any, step: Any) -> Any:
        """Returns the rate, the momentum now and in the next step, and the corrections."""
        if self.m_schedule is None:
            self.m_schedule = variable(1.0)
        product = self.m_schedule
        now, ahead = (
            self.beta_1 * (1.0 - 0.5 * 0.96 ** (t * self.schedule_decay)) for t in (step, step + 1)
        )
        so_far = product * now
        self.updates.append((product, so_far))
        return rate, now, ahead, so_far, so_far * ahead, 1.0 - self.beta_2**step

    def formula(self, p: Any, g: Any, slots: list[Any], shared: Any) -> tuple[Any, list[Any]]:
        """Returns the new value and both means."""
        rate, now, ahead, so_far, so_far_ahead, of_square = shared
        m = self.beta_1 * slots[0] + (1.0 - self.beta_1) * g
        v = self.beta_2 * slots[1] + (1.0 - self.beta_2) * ops.square(g)
        mean = (1.0 - now) * g / (1.0 - so_far) + ahead * m / (1.0 - so_far_ahead)
        return p - rate * mean / (ops.sqrt(v / of_square) + self.epsilon), [m, v]


_CLASSES: dict[str, type[_Known]] = {
    cls.__name__: cls for cls in (SGD, RMSprop, Adagrad, Adadelta, Adam, Adamax, Nadam)
}
# Arguments that do not become Variables.
_PLAIN = ("nesterov", "amsgrad", "schedule_decay")


class _WithConstraints(Keras1Optimizer):
    """Mixin with the order of the arguments in Keras 1."""

    counts_always = False

    def get_updates(  # type: ignore[override]  # another order
        self, params: Sequence[Variable], constraints: Any, loss: Any
    ) -> list[Any]:
        """Returns the number of steps, then for each Variable the new slots and the new value."""
        known = cast(_Known, self)
        return known._formulas(loss, params, constraints)


def make_subclassable(name: str, signature: str, keywords: str, is_keras_1: bool) -> type:
    """Returns the base of subclasses of an optimizer.

    Args:
        name: its name.
        signature, keywords: the parameters of its constructor.
        is_keras_1: whether `get_updates` has the order of Keras 1.
    """
    cls, parsed = _CLASSES[name], parse_signature(signature, keywords)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        # Keras 2.3 has both names of the learning rate.
        for old, new in (("lr", "learning_rate"), ("learning_rate", "lr")):
            if old in kwargs and old not in parsed.parameters:
                kwargs[new] = kwargs.pop(old)
        bound = parsed.bind(*args, **kwargs)
        bound.apply_defaults()
        given = dict(bound.arguments)
        inherited = {key: given.pop(key) for key in (*LIMITS, "name") if key in given}
        DerivedOptimizer.__init__(self, **inherited)
        self._set_arguments_(given)

    first = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    __init__.__signature__ = parsed.replace(  # type: ignore[attr-defined]
        parameters=[first, *parsed.parameters.values()]
    )
    body = {
        "__init__": __init__,
        "__module__": __name__,
        "__doc__": cls.__doc__,
        "argument_names": tuple(k for k in parsed.parameters if k not in (*LIMITS, "name")),
    }
    return type(name, (_WithConstraints, cls) if is_keras_1 else (cls,), body)
