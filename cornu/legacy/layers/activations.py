"""Activation layers of Keras 1 with learned parameters: SReLU and ParametricSoftplus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from cornu import registry
from cornu.core.state.variable import Variable
from cornu.layers.arguments import known_size
from cornu.layers.base import ConfiguredLayer
from cornu.types import InitializerLike, ShapeLike

__all__ = ["ParametricSoftplus", "SReLU"]


class _ElementwiseParameters(ConfiguredLayer):
    """A layer with parameters for every element, which may be shared along axes.

    Args:
        shared_axes: the axes along which parameters are shared. Axis 0 is the batch.
        **kwargs: `name`, `dtype`, `trainable` and other arguments of `Layer`.
    """

    _rowwise_ = True

    def __init__(self, shared_axes: Sequence[int] | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shared_axes = list(shared_axes or ())
        self.supports_masking = True

    def _add_parameter(
        self, name: str, input_shape: ShapeLike, initializer: InitializerLike
    ) -> Variable:
        shape = [
            1 if axis in self.shared_axes else known_size(self._label_(), input_shape, axis)
            for axis in range(1, len(input_shape))
        ]
        return self.add_weight(shape, name=name, initializer=initializer)


@registry.register_keras_serializable(package="keras1")
class ParametricSoftplus(_ElementwiseParameters):
    """A smooth activation with learned scales.

    y = alpha * log(1 + exp(beta * x))

    Args:
        alpha_init, beta_init: the initial values.
        shared_axes: the axes along which parameters are shared. Axis 0 is the batch.
        **kwargs: `name`, `dtype`, `trainable` and other arguments of `Layer`.

    Example:

    >>> import cornu
    >>> ParametricSoftplus()(cornu.Input((4,))).shape
    (None, 4)
    """

    def __init__(
        self,
        alpha_init: float = 0.2,
        beta_init: float = 5.0,
        shared_axes: Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(shared_axes, **kwargs)
        self.alpha_init = alpha_init
        self.beta_init = beta_init

    def build(self, input_shape: ShapeLike) -> None:
        """Creates `alphas` and `betas`."""
        constant = self._constant
        self.alphas = self._add_parameter("alphas", input_shape, constant(self.alpha_init))
        self.betas = self._add_parameter("betas", input_shape, constant(self.beta_init))

    @staticmethod
    def _constant(value: float) -> InitializerLike:
        return {"class_name": "Constant", "config": {"value": value}}

    def call(self, inputs: jax.Array) -> jax.Array:
        """Returns the activations."""
        return self.alphas.value * jax.nn.softplus(self.betas.value * inputs)


@registry.register_keras_serializable(package="keras1")
class SReLU(_ElementwiseParameters):
    """The identity between two learned thresholds, with learned slopes outside.

    With r = t_left + |t_right|: y = t_left + a_left * (x - t_left) for x <= t_left, x for x < r,
    r + a_right * (x - r) for x >= r

    Args:
        t_left_initializer, a_left_initializer, t_right_initializer, a_right_initializer:
            initializers of the thresholds and slopes.
        shared_axes: the axes along which parameters are shared. Axis 0 is the batch.
        **kwargs: `name`, `dtype`, `trainable` and other arguments of `Layer`.

    Example:

    >>> import cornu
    >>> SReLU()(cornu.Input((4,))).shape
    (None, 4)

    References: Jin et al. (2015), "Deep Learning with S-shaped Rectified Linear Activation Units",
    arXiv 1512.07030.
    """

    t_left_initializer: InitializerLike
    a_left_initializer: InitializerLike
    t_right_initializer: InitializerLike
    a_right_initializer: InitializerLike

    def __init__(
        self,
        t_left_initializer: InitializerLike = "zeros",
        a_left_initializer: InitializerLike = "glorot_uniform",
        t_right_initializer: InitializerLike = "glorot_uniform",
        a_right_initializer: InitializerLike = "ones",
        shared_axes: Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(shared_axes, **kwargs)
        self.store_arguments(locals(), skip=("shared_axes",))

    def build(self, input_shape: ShapeLike) -> None:
        """Creates the thresholds and slopes, in the order of files."""
        add = self._add_parameter
        self.t_left = add("t_left", input_shape, self.t_left_initializer)
        self.a_left = add("a_left", input_shape, self.a_left_initializer)
        self.t_right = add("t_right", input_shape, self.t_right_initializer)
        self.a_right = add("a_right", input_shape, self.a_right_initializer)

    def call(self, inputs: jax.Array) -> jax.Array:
        """Returns the activations."""
        left, width = self.t_left.value, jnp.abs(self.t_right.value)
        below = self.a_left.value * jax.nn.relu(left - inputs)
        middle = jnp.minimum(jax.nn.relu(inputs - left), width)
        above = self.a_right.value * jax.nn.relu(inputs - left - width)
        return left + middle - below + above
