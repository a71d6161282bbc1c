"""Optimizers of Keras 1 and 2: `lr` and `decay`, epsilon outside the root, global clipping."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from cornu import optimizers, registry
from cornu.core.state.variable import Variable
from cornu.errors import suggest
from cornu.late_names import import_all
from cornu.optimizers.base import Optimizer
from cornu.optimizers.transforms.chain import Transformation, chain
from cornu.optimizers.transforms.clipping import (
    clip_by_global_norm,
    clip_by_norm,
    clip_by_value,
)
from cornu.optimizers.update_rule import SlotValues, UpdateRule

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "Adamax",
    "Ftrl",
    "Nadam",
    "OldOptimizer",
    "RMSprop",
    "get",
]

# A name without a package is that of the class that is defined first: the one of today.
import_all(optimizers.__name__)


class OldOptimizer(Optimizer):
    """The base class of optimizers: the learning rate is `lr / (1 + decay * iterations)`.

    Attributes:
        lr: the Variable of the learning rate without decay; can be assigned a number.
        decay: the decay of the learning rate per step.
        clipnorm, clipvalue: limits of the global norm of all gradients, then of elements.
        norm_of_each: a limit of the norm of each gradient, the `clipnorm` of tf.keras.
    """

    decay = 0.0

    def _set_common_arguments(self, decay: float, limits: dict[str, Any]) -> None:
        """Sets the arguments that all optimizers have in common."""
        for name in limits:
            if name not in ("clipnorm", "clipvalue", "norm_of_each"):
                raise TypeError(
                    f"{type(self).__name__} of Keras 1 has no argument {name!r}. "
                    f"{suggest(name, ('lr', 'decay', 'clipnorm', 'clipvalue'))}"
                )
        self.decay = decay
        self.clipnorm = limits.get("clipnorm")
        self.clipvalue = limits.get("clipvalue")
        self.norm_of_each = limits.get("norm_of_each")

    @property
    def lr(self) -> Variable:
        """The learning rate without decay."""
        variable: Variable = self._learning_rate_source_
        return variable

    @lr.setter
    def lr(self, value: Any) -> None:
        self._learning_rate_source_.assign(value)

    def _current_rate_(self) -> Array:
        rate = self.lr.value
        return rate / (1 + self.decay * self._iterations.value) if self.decay else rate

    def _clipping_(self) -> Transformation:
        return chain(
            clip_by_global_norm(self.clipnorm) if self.clipnorm else None,
            clip_by_norm(self.norm_of_each) if self.norm_of_each else None,
            clip_by_value(self.clipvalue) if self.clipvalue else None,
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments as plain data, with the current learning rate."""
        return {**super().get_config(), "lr": float(self.lr.numpy())}


class SGD(OldOptimizer, optimizers.SGD):
    """Stochastic gradient descent, with or without momentum."""

    def __init__(
        self,
        lr: float = 0.01,
        momentum: float = 0.0,
        decay: float = 0.0,
        nesterov: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate=lr, momentum=momentum, nesterov=nesterov)
        self._set_common_arguments(decay, kwargs)


class RMSprop(OldOptimizer, UpdateRule):
    """Divides gradients by the root of their mean square, with epsilon outside the root.

    a <- rho * a + (1 - rho) * gradient**2
    value <- value - lr * gradient / (sqrt(a) + epsilon)

    `centered` and `momentum` are arguments of tf.keras. With `centered`, the square of the mean
    gradient is subtracted from a. With `momentum`, epsilon is inside the root:

    m <- momentum * m + lr * gradient / sqrt(a + epsilon)
    value <- value - m
    """

    slots: tuple[tuple[str, ...], ...] = (("accumulator",),)

    def __init__(
        self,
        lr: float = 0.001,
        rho: float = 0.9,
        epsilon: float = 1e-8,
        decay: float = 0.0,
        centered: bool = False,
        momentum: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(lr)
        self.rho = rho
        self.epsilon = epsilon
        self.centered = centered
        self.momentum = momentum
        if centered:
            self.slots = (*self.slots, ("average_gradient",))
        if momentum:
            self.slots = (*self.slots, ("momentum",))
        self._set_common_arguments(decay, kwargs)

    def update(
        self, gradient: Array, value: Array, slots: SlotValues, rate: Array
    ) -> tuple[Any, SlotValues]:
        """Returns the new value and the new means."""
        a = _average(self.rho, slots["accumulator"], jnp.square(gradient))
        new_slots = {"accumulator": a}
        if self.centered:
            mean = _average(self.rho, slots["average_gradient"], gradient)
            new_slots["average_gradient"] = mean
            a = a - jnp.square(mean)
        if self.momentum:
            step = rate * gradient / jnp.sqrt(a + self.epsilon)
            new_slots["momentum"] = self.momentum * slots["momentum"] + step
            return value - new_slots["momentum"], new_slots
        return value - rate * gradient / (jnp.sqrt(a) + self.epsilon), new_slots


class Adagrad(OldOptimizer, UpdateRule):
    """Divides gradients by the root of the sum of their squares, which starts at 0.

    a <- a + gradient**2
    value <- value - lr * gradient / (sqrt(a) + epsilon)
    """

    slots = (("accumulator",),)

    def __init__(
        self,
        lr: float = 0.01,
        epsilon: float = 1e-8,
        decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(lr)
        self.epsilon = epsilon
        self.initial_accumulator_value = initial_accumulator_value
        self._set_common_arguments(decay, kwargs)

    def initial_value(self, slot: str, variable: Variable) -> float:
        """Returns the initial sum of squares."""
        return self.initial_accumulator_value

    def update(
        self, gradient: Array, value: Array, slots: SlotValues, rate: Array
    ) -> tuple[Any, SlotValues]:
        """Returns the new value and the new sum of squares."""
        a = slots["accumulator"] + jnp.square(gradient)
        return value - rate * gradient / (jnp.sqrt(a) + self.epsilon), {"accumulator": a}


class Adadelta(OldOptimizer, optimizers.Adadelta):
    """Adadelta, with the learning rate 1 of its paper."""

    def __init__(
        self,
        lr: float = 1.0,
        rho: float = 0.95,
        epsilon: float = 1e-8,
        decay: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate=lr, rho=rho, epsilon=epsilon)
        self._set_common_arguments(decay, kwargs)


def _average(decay: float, average: Array, value: Array) -> Array:
    """Returns `decay * average + (1 - decay) * value`.

    The decay was a Variable: with float32(0.999), 1 - decay is larger by 5e-5 of its size, which
    the bias correction contains, too. Both cancel in the first step only if they are rounded alike.
    """
    rounded = jnp.asarray(decay, average.dtype)
    return rounded * average + (1 - rounded) * value


class Adam(OldOptimizer, optimizers.Adam):
    """Adam, with epsilon 1e-8."""

    def __init__(
        self,
        lr: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        decay: float = 0.0,
        amsgrad: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(lr, beta_1, beta_2, epsilon, amsgrad)
        self._set_common_arguments(decay, kwargs)

    def update(
        self, gradient: Array, value: Array, slots: SlotValues, alpha: Array
    ) -> tuple[Array, SlotValues]:
        """Returns the new value and averages."""
        m = _average(self.beta_1, slots["momentum"], gradient)
        v = _average(self.beta_2, slots["velocity"], jnp.square(gradient))
        new_slots = {"momentum": m, "velocity": v}
        if self.amsgrad:
            v = new_slots["velocity_hat"] = jnp.maximum(slots["velocity_hat"], v)
        return value - alpha * m / (jnp.sqrt(v) + self.epsilon), new_slots


class Adamax(OldOptimizer, optimizers.Adamax):
    """Adamax, with the learning rate 0.002 and epsilon 1e-8."""

    def __init__(
        self,
        lr: float = 0.002,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        decay: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate=lr, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)
        self._set_common_arguments(decay, kwargs)

    def update(
        self, gradient: Array, value: Array, slots: SlotValues, alpha: Array
    ) -> tuple[Array, SlotValues]:
        """Returns the new value, average and maximum."""
        m = _average(self.beta_1, slots["momentum"], gradient)
        u = jnp.maximum(self.beta_2 * slots["norm"], jnp.abs(gradient))
        return value - alpha * m / (u + self.epsilon), {"momentum": m, "norm": u}


class Nadam(OldOptimizer, optimizers.Nadam):
    """Nadam, whose momentum grows as 0.96**(schedule_decay * step), not as 0.96**step."""

    def __init__(
        self,
        lr: float = 0.002,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        schedule_decay: float = 0.004,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate=lr, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)
        self.schedule_decay = schedule_decay
        self._set_common_arguments(0.0, kwargs)

    def step_scalars(self, learning_rate: Array, step: Array) -> tuple[Array, ...]:
        """Returns the factors of momentum, gradient and square, and the bias correction."""
        times = (self.schedule_decay * step, self.schedule_decay * (step + 1))
        now, ahead = (self.beta_1 * (1 - 0.5 * 0.96**t) for t in times)
        product = self._product.value * now
        self._product.assign(product)
        of_momentum = learning_rate * ahead / (1 - product * ahead)
        of_gradient = learning_rate * (1 - now) / (1 - product)
        beta_2 = jnp.asarray(self.beta_2, step.dtype)
        return of_momentum, of_gradient, 1 - beta_2, 1 - beta_2**step


class Ftrl(OldOptimizer, optimizers.Ftrl):
    """Ftrl of tf.keras, with `decay`."""

    def __init__(
        self,
        lr: float = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        decay: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            lr,
            learning_rate_power,
            initial_accumulator_value,
            l1_regularization_strength,
            l2_regularization_strength,
            l2_shrinkage_regularization_strength,
            beta,
        )
        self._set_common_arguments(decay, kwargs)


_OPTIMIZERS = (SGD, RMSprop, Adagrad, Adadelta, Adam, Adamax, Nadam)
_NAMES = {method.__name__.lower(): method for method in _OPTIMIZERS}
for _method in (*_OPTIMIZERS, Ftrl):
    registry.register_keras_serializable(package="keras1")(_method)


def get(identifier: Any) -> Any:
    """Returns the optimizer for a case-insensitive name; returns optimizers unchanged.

    Example:

    >>> float(get("adadelta").lr)
    1.0
    """
    if isinstance(identifier, str):
        if identifier.lower() not in _NAMES:
            raise ValueError(
                f"Unknown optimizer of Keras 1: {identifier!r}. {suggest(identifier, _NAMES)}"
            )
        return _NAMES[identifier.lower()]()
    return optimizers.get(identifier)
