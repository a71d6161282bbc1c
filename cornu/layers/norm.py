"""Normalization within each row: of all features or of groups, by root mean square, by length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from cornu import ops
from cornu.core.layer.input_spec import InputSpec
from cornu.core.layer.layer import Layer
from cornu.layers.arguments import known_size, positive_int
from cornu.parts import constraints, initializers, regularizers

__all__ = [
    "GroupNormalization",
    "LayerNormalization",
    "RMSNormalization",
    "UnitNormalization",
]

Shape = Sequence[int | None]


class Normalizing(Layer):
    """The base of layers that end with a learned scale `gamma` and offset `beta`."""

    infers_by_config = True
    rowwise = True

    def __init__(
        self,
        center: bool,
        scale: bool,
        beta_initializer: Any,
        gamma_initializer: Any,
        beta_regularizer: Any,
        gamma_regularizer: Any,
        beta_constraint: Any,
        gamma_constraint: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)

    def _build_affine(self, shape: tuple[int, ...]) -> None:
        """Creates `gamma` and `beta`, None where not wanted; they are read at full precision."""
        self.gamma = self.beta = None
        if self.scale:
            self.gamma = self.add_weight(
                shape,
                self.gamma_initializer,
                autocast=False,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
                name="gamma",
            )
        if self.center:
            self.beta = self.add_weight(
                shape,
                self.beta_initializer,
                autocast=False,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
                name="beta",
            )


class LayerNormalization(Normalizing):
    """Gives every row mean 0 and standard deviation 1 along some axes, then scales and shifts.

    y = (x - mean(x)) / sqrt(var(x) + epsilon) * gamma + beta, in float32 at least

    Args:
        axis: the axis or axes of mean and variance, the features by default.
        epsilon: added to the variance.
        center: whether there is a `beta`.
        scale: whether there is a `gamma`.
        beta_initializer, gamma_initializer: what the weights start with.
        beta_regularizer, gamma_regularizer: functions of a weight, added to the loss.
        beta_constraint, gamma_constraint: functions applied to a weight after each step.
        rms_scaling: deprecated: divides by the standard deviation without taking off the mean,
            and has no `beta`. What is usually meant is `RMSNormalization`.
        **kwargs: `name`, `dtype`, `trainable` and others of `Layer`.

    Shapes:
        x (any) -> (the same); gamma and beta have the sizes of `axis`, in ascending order

    Raises:
        ValueError: an axis does not exist, or its size is not known.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.LayerNormalization(epsilon=0.0)(np.array([[1.0, 3.0]])).tolist()
    [[-1.0, 1.0]]

    References: Ba, Kiros and Hinton, 2016, "Layer Normalization".

    Differences: PyTorch's epsilon is 1e-5; published Transformers have 1e-5, 1e-6 or 1e-12.
    """

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        *,
        rms_scaling: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            center and not rms_scaling,
            scale or rms_scaling,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        # Inputs are cast to a short compute dtype after they are normalized, not before.
        self.autocast = False
        self.axis = _axes(axis, self._who())
        self.epsilon = epsilon
        self.rms_scaling = rms_scaling

    def build(self, input_shape: Shape) -> None:
        """Creates `gamma` and `beta`."""
        self.axis = _positive_axes(self.axis, input_shape, self._who())
        self.rowwise = 0 not in self.axis
        self._build_affine(tuple(known_size(self._who(), input_shape, i) for i in self.axis))

    def call(self, inputs: jax.Array) -> jax.Array:
        """Returns the normalized inputs."""
        outputs = ops.layer_normalization(
            inputs,
            self.gamma,
            self.beta,
            axis=self.axis,
            epsilon=self.epsilon,
            rms_scaling=self.rms_scaling,
        )
        return outputs.astype(self.compute_dtype)


class GroupNormalization(Normalizing):
    """Gives every group of channels of every row mean 0 and standard deviation 1.

    y = (x - mean(x)) / sqrt(var(x) + epsilon) * gamma + beta, mean and variance over the channels
    of a group and over all axes but batch and channels

    Args:
        groups: number of groups; -1 makes a group of each channel (instance normalization).
        axis: the axis of the channels.
        epsilon: added to the variance.
        center: whether there is a `beta`.
        scale: whether there is a `gamma`.
        beta_initializer, gamma_initializer: what the weights start with.
        beta_regularizer, gamma_regularizer: functions of a weight, added to the loss.
        beta_constraint, gamma_constraint: functions applied to a weight after each step.
        **kwargs: `name`, `dtype`, `trainable` and others of `Layer`.

    Shapes:
        x (batch, ..., channels) -> (the same); gamma and beta (channels,)

    Raises:
        ValueError: `groups` does not divide the channels.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> layer = cornu.layers.GroupNormalization(groups=2, epsilon=0.0)
    >>> layer(np.array([[1.0, 3.0, 10.0, 30.0]])).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]

    References: Wu and He, 2018, "Group Normalization".

    Differences: PyTorch's epsilon is 1e-5.
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        self.autocast = False
        self.groups = groups if groups == -1 else positive_int(self._who(), "groups", groups)
        self.axis = axis
        self.epsilon = epsilon

    def build(self, input_shape: Shape) -> None:
        """Creates `gamma` and `beta`."""
        (axis,) = _positive_axes([self.axis], input_shape, self._who())
        channels = known_size(self._who(), input_shape, axis)
        if self.groups == -1:
            self.groups = channels
        if channels % self.groups:
            raise ValueError(
                f"{self._who()}: `groups` must divide the number of channels. Received: "
                f"groups={self.groups}, {channels} channels (axis {axis}), input of shape "
                f"{tuple(input_shape)}"
            )
        self.input_spec = InputSpec(ndim=len(input_shape), axes={axis: channels})
        self._build_affine((channels,))

    def call(self, inputs: jax.Array) -> jax.Array:
        """Returns the normalized inputs."""
        axis = self.axis % inputs.ndim
        before, channels, behind = inputs.shape[:axis], inputs.shape[axis], inputs.shape[axis + 1 :]
        x = inputs.astype(jnp.result_type(inputs.dtype, jnp.float32))
        x = jnp.reshape(x, (*before, self.groups, channels // self.groups, *behind))
        within = tuple(i for i in range(1, x.ndim) if i != axis)
        mean, variance = ops.moments(x, within, keepdims=True)
        x = jnp.reshape((x - mean) * jax.lax.rsqrt(variance + self.epsilon), inputs.shape)
        along = (-1, *(1,) * len(behind))
        if self.gamma is not None:
            x = x * ops.reshape(self.gamma, along)
        if self.beta is not None:
            x = x + ops.reshape(self.beta, along)
        return x.astype(self.compute_dtype)


class RMSNormalization(Layer):
    """Divides by the root mean square along some axes, then scales.

    y = x / sqrt(mean(x ** 2) + epsilon) * scale, in float32 at least

    Args:
        axis: the axis or axes of the mean, the features by default.
        epsilon: added to the mean square.
        **kwargs: `name`, `dtype`, `trainable` and others of `Layer`.

    Shapes:
        x (any) -> (the same); scale has the sizes of `axis`, in ascending order

    Raises:
        ValueError: an axis does not exist, or its size is not known.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.RMSNormalization(epsilon=0.0)(np.array([[4.0, -4.0]])).tolist()
    [[1.0, -1.0]]

    References: Zhang and Sennrich, 2019, "Root Mean Square Layer Normalization".
    """

    infers_by_config = True
    rowwise = True

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = _axes(axis, self._who())
        self.epsilon = epsilon

    def build(self, input_shape: Shape) -> None:
        """Creates `scale`."""
        self.axis = _positive_axes(self.axis, input_shape, self._who())
        self.rowwise = 0 not in self.axis
        shape = tuple(known_size(self._who(), input_shape, i) for i in self.axis)
        self.scale = self.add_weight(shape, "ones", name="scale")

    def call(self, x: jax.Array) -> jax.Array:
        """Returns the normalized inputs."""
        shape = [size if i in self.axis else 1 for i, size in enumerate(x.shape)]
        return ops.rms_normalization(
            x, scale=ops.reshape(self.scale, shape), axis=self.axis, epsilon=self.epsilon
        )


class UnitNormalization(Layer):
    """Divides by the length, the square root of the sum of squares along some axes.

    y = x / max(sqrt(sum(x ** 2)), 1e-12)

    Args:
        axis: the axis or axes of the sum, the features by default.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (any) -> (the same)

    Raises:
        TypeError: `axis` is not made of integers.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.UnitNormalization()(np.array([[0.0, 4.0]])).tolist()
    [[0.0, 1.0]]
    """

    infers_by_config = True
    rowwise = True

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.axis = _axes(axis, self._who())

    def build(self, input_shape: Shape) -> None:
        """Checks the axes."""
        self.axis = _positive_axes(self.axis, input_shape, self._who())
        self.rowwise = 0 not in self.axis

    def call(self, inputs: jax.Array) -> jax.Array:
        """Returns the inputs at length 1."""
        return ops.normalize(inputs, axis=tuple(self.axis), order=2, epsilon=1e-12)


def _axes(axis: Any, who: str) -> list[int]:
    """Returns an axis or axes as a list."""
    axes = list(axis) if isinstance(axis, (list, tuple)) else [axis]
    if not axes or not all(isinstance(i, int) for i in axes):
        raise TypeError(f"{who}: `axis` must be an integer or a list of them. Received: {axis!r}")
    return axes


def _positive_axes(axes: list[int], input_shape: Shape, who: str) -> list[int]:
    """Returns axes counted from the first, in ascending order."""
    ndim = len(input_shape)
    if not all(-ndim <= i < ndim for i in axes):
        raise ValueError(
            f"{who}: the input has no axis {', '.join(str(i) for i in axes)}: its shape is "
            f"{tuple(input_shape)}.\nAxes count from 0, the batch; -1 is the last."
        )
    return sorted(i % ndim for i in axes)
