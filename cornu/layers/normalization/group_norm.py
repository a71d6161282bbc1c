"""GroupNormalization: normalizes groups of channels of each sample."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from cornu import ops
from cornu.core.layer.input_spec import InputSpec
from cornu.errors import quantity
from cornu.layers.arguments import known_size, positive_int
from cornu.layers.normalization.base import Normalizing, positive_axes
from cornu.types import Array, ConstraintLike, InitializerLike, RegularizerLike, ShapeLike

__all__ = ["GroupNormalization"]


class GroupNormalization(Normalizing):
    """Group normalization: normalizes groups of channels of each sample.

    y = (x - mean(x)) / sqrt(var(x) + epsilon) * gamma + beta

    Mean and variance are computed over the channels of a group and over all spatial axes.

    Args:
        groups: the number of groups; -1 for one group per channel (instance normalization).
        axis: the channel axis.
        epsilon: added to the variance, for numerical stability.
        center: whether to add an offset `beta`.
        scale: whether to multiply by a scale `gamma`.
        beta_initializer, gamma_initializer: initializers of the weights.
        beta_regularizer, gamma_regularizer: penalties on the weights, added to the loss.
        beta_constraint, gamma_constraint: projections of the weights, applied after each training
            step.
        **kwargs: `name`, `dtype`, `trainable` and other arguments of `Layer`.

    Shapes:
        x (batch, ..., channels) -> (the same); gamma and beta (channels,)

    Raises:
        ValueError: `groups` does not divide the number of channels.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> layer = cornu.layers.GroupNormalization(groups=2, epsilon=0.0)
    >>> layer(np.array([[1.0, 3.0, 10.0, 30.0]])).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]

    References: Wu and He, 2018, "Group Normalization".

    Note: PyTorch's epsilon is 1e-5.
    """

    axis: int
    epsilon: float

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: InitializerLike = "zeros",
        gamma_initializer: InitializerLike = "ones",
        beta_regularizer: RegularizerLike | None = None,
        gamma_regularizer: RegularizerLike | None = None,
        beta_constraint: ConstraintLike | None = None,
        gamma_constraint: ConstraintLike | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.store_arguments(locals(), skip=("groups",))
        self.supports_masking = True
        self.autocast = False
        self.groups = groups if groups == -1 else positive_int(self._label_(), "groups", groups)

    def build(self, input_shape: ShapeLike) -> None:
        """Creates `gamma` and `beta`."""
        (axis,) = positive_axes([self.axis], input_shape, self._label_())
        channels = known_size(self._label_(), input_shape, axis)
        if self.groups == -1:
            self.groups = channels
        if channels % self.groups:
            raise ValueError(
                f"{self._label_()}: `groups` must divide the number of channels. Received: "
                f"groups={self.groups}, {quantity(channels, 'channel')} (axis {axis}), input of "
                f"shape {tuple(input_shape)}"
            )
        self.input_spec = InputSpec(ndim=len(input_shape), axes={axis: channels})
        self._build_affine((channels,))

    def call(self, inputs: Array) -> Array:
        """Returns the normalized inputs."""
        axis = self.axis % inputs.ndim
        # Statistics are computed in float32 at least, whatever the compute dtype.
        before, channels, after = inputs.shape[:axis], inputs.shape[axis], inputs.shape[axis + 1 :]
        x = inputs.astype(jnp.result_type(inputs.dtype, jnp.float32))
        x = jnp.reshape(x, (*before, self.groups, channels // self.groups, *after))
        # After the reshape, `axis` counts the groups; the axis after it, within a group, is
        # reduced.
        reduced = tuple(i for i in range(1, x.ndim) if i != axis)
        mean, variance = ops.moments(x, reduced, keepdims=True)
        x = jnp.reshape((x - mean) * jax.lax.rsqrt(variance + self.epsilon), inputs.shape)
        broadcastable = (-1, *(1,) * len(after))
        if self.gamma is not None:
            x = x * ops.reshape(self.gamma, broadcastable)
        if self.beta is not None:
            x = x + ops.reshape(self.beta, broadcastable)
        return x.astype(self.compute_dtype)
