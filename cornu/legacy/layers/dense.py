"""MaxoutDense and Highway of Keras 1."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from cornu import registry
from cornu.core.layer.input_spec import InputSpec
from cornu.layers.arguments import known_size
from cornu.layers.base import Activation, ConfiguredLayer
from cornu.types import (
    ActivationLike,
    ConstraintLike,
    InitializerLike,
    RegularizerLike,
    ShapeLike,
)

__all__ = ["Highway", "MaxoutDense"]


@registry.register_keras_serializable(package="keras1")
class MaxoutDense(ConfiguredLayer):
    """The maximum of several linear maps.

    y = max over k of (x @ kernel[k] + bias[k])

    Args:
        units: the size of the last axis of the output.
        nb_feature: the number of linear maps.
        kernel_initializer, bias_initializer: initializers of the weights.
        kernel_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: penalty on the output.
        kernel_constraint, bias_constraint: projections of the weights.
        use_bias: whether to add biases.
        **kwargs: `name`, `dtype`, `trainable` and other arguments of `Layer`.

    Example:

    >>> import cornu
    >>> MaxoutDense(3, nb_feature=2)(cornu.Input((4,))).shape
    (None, 3)

    References: Goodfellow et al. (2013), "Maxout Networks", arXiv 1302.4389.
    """

    _rowwise_ = True

    units: int
    nb_feature: int

    def __init__(
        self,
        units: int,
        nb_feature: int = 4,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike | None = None,
        bias_regularizer: RegularizerLike | None = None,
        activity_regularizer: RegularizerLike | None = None,
        kernel_constraint: ConstraintLike | None = None,
        bias_constraint: ConstraintLike | None = None,
        use_bias: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.store_arguments(locals())
        self.input_spec = InputSpec(ndim=2)

    def build(self, input_shape: ShapeLike) -> None:
        """Creates `kernel` and `bias`."""
        features = known_size(self._label_(), input_shape)
        self.kernel = self.create_weight("kernel", (self.nb_feature, features, self.units))
        self.bias = self.create_bias((self.nb_feature, self.units))
        self.input_spec = InputSpec(ndim=2, axes={-1: features})

    def call(self, inputs: jax.Array) -> jax.Array:
        """Returns the largest of the linear maps."""
        outputs = jnp.einsum("bi,kio->bko", inputs, self.kernel.value)
        if self.bias is not None:
            outputs = outputs + self.bias.value
        return jnp.max(outputs, axis=1)


@registry.register_keras_serializable(package="keras1")
class Highway(ConfiguredLayer):
    """A layer that passes a part of its input on.

    y = t * activation(x @ kernel + bias) + (1 - t) * x, t = sigmoid(x @ carry_kernel + carry_bias)

    Args:
        activation: an activation function, or its name; the identity by default.
        use_bias: whether to add biases.
        kernel_initializer, bias_initializer: initializers of the weights.
        kernel_regularizer, bias_regularizer: penalties on the kernel and the bias.
        activity_regularizer: penalty on the output.
        kernel_constraint, bias_constraint: projections of the kernel and the bias.
        **kwargs: `name`, `dtype`, `trainable` and other arguments of `Layer`.

    Example:

    >>> import cornu
    >>> Highway(activation="tanh")(cornu.Input((4,))).shape
    (None, 4)

    References: Srivastava et al. (2015), "Highway Networks", arXiv 1505.00387.
    """

    _rowwise_ = True

    activation: Activation
    kernel_initializer: InitializerLike

    def __init__(
        self,
        activation: ActivationLike | None = None,
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike | None = None,
        bias_regularizer: RegularizerLike | None = None,
        activity_regularizer: RegularizerLike | None = None,
        kernel_constraint: ConstraintLike | None = None,
        bias_constraint: ConstraintLike | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.store_arguments(locals())
        self.input_spec = InputSpec(ndim=2)

    def build(self, input_shape: ShapeLike) -> None:
        """Creates the kernels and biases, in the order of files."""
        features = known_size(self._label_(), input_shape)
        self.kernel = self.create_weight("kernel", (features, features))
        # Keras 1 has neither a penalty nor a projection of the weights that choose what passes.
        self.carry_kernel = self.add_weight(
            (features, features), name="carry_kernel", initializer=self.kernel_initializer
        )
        self.bias = self.create_bias((features,))
        self.carry_bias = (
            self.add_weight((features,), name="carry_bias", initializer="ones")
            if self.use_bias
            else None
        )
        self.input_spec = InputSpec(ndim=2, axes={-1: features})

    def call(self, inputs: jax.Array) -> jax.Array:
        """Returns the mixture of the transformed and the unchanged inputs."""
        carried = inputs @ self.carry_kernel.value
        outputs = inputs @ self.kernel.value
        if self.bias is not None and self.carry_bias is not None:
            carried = carried + self.carry_bias.value
            outputs = outputs + self.bias.value
        share = jax.nn.sigmoid(carried)
        mixed: jax.Array = share * self.activation(outputs) + (1 - share) * inputs
        return mixed
