"""BatchNormalization: normalizes channels with statistics of the batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu import ops
from cornu.core.layer.input_spec import InputSpec
from cornu.core.state import scope
from cornu.core.state.variable import Variable
from cornu.errors import suggest
from cornu.layers.arguments import known_size
from cornu.layers.normalization.base import Normalizing
from cornu.parts.initializers.base import DerivedInitializer
from cornu.types import (
    Array,
    ConstraintLike,
    DTypeLike,
    InitializerLike,
    RegularizerLike,
    ShapeLike,
)

__all__ = ["BatchNormalization"]


class BatchNormalization(Normalizing):
    """Batch normalization: normalizes each channel with statistics of the batch.

    y = (x - mean) / sqrt(variance + epsilon) * gamma + beta

    In training, mean and variance are computed over all axes except `axis`, and moving averages
    are updated:

        moving_mean = momentum * moving_mean + (1 - momentum) * mean
        moving_variance = momentum * moving_variance + (1 - momentum) * variance

    In inference, and whenever the layer is frozen (`layer.trainable = False`), the moving averages
    are used instead, and are not updated.

    Args:
        axis: the channel axis; 1 for images with `data_format="channels_first"`.
        momentum: the momentum of the moving averages.
        epsilon: added to the variance, for numerical stability.
        center: whether to add an offset `beta`.
        scale: whether to multiply by a scale `gamma`.
        beta_initializer, gamma_initializer, moving_mean_initializer,
            moving_variance_initializer: initializers of the weights.
        beta_regularizer, gamma_regularizer: penalties on the weights, added to the loss.
        beta_constraint, gamma_constraint: projections of the weights, applied after each training
            step.
        renorm: whether to use batch renormalization, which corrects the statistics of small
            batches towards moving averages.
        renorm_clipping: a dict with bounds of the correction: `"rmin"` and `"rmax"` for the ratio
            of standard deviations, `"dmax"` for the difference of means. Each is optional.
        renorm_momentum: the momentum of the moving averages of `renorm`.
        synchronized: ignored; the statistics are always those of the global batch.
        **kwargs: `name`, `dtype`, `trainable` and other arguments of `Layer`.

    Shapes:
        x (batch, ..., channels) -> (the same); mask (batch, ...): elements where it is False are
        excluded from the statistics; weights (channels,)

    Raises:
        ValueError: `axis` is out of bounds, its size is unknown, or the rank of the mask is not
            one less than that of the input.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> layer = cornu.layers.BatchNormalization(momentum=0.5, epsilon=0.0)
    >>> layer(np.array([[1.0], [3.0]]), training=True).tolist()
    [[-1.0], [1.0]]
    >>> layer.moving_mean.numpy().tolist()
    [1.0]

    References: Ioffe and Szegedy, 2015, "Batch Normalization: Accelerating Deep Network Training
    by Reducing Internal Covariate Shift"; Ioffe, 2017, "Batch Renormalization: Towards Reducing
    Minibatch Dependence in Batch-Normalized Models".

    Extensions: `synchronized=True` is accepted; Keras on JAX does not support it.

    Note: PyTorch's momentum is one minus this momentum, its epsilon is 1e-5, and its moving
    variance is unbiased, as for images in Keras 2.
    """

    # The statistics depend on all rows, but rows that only pad a partial batch are excluded.
    _rowwise_ = True
    # Whether a frozen layer uses the statistics of the batch in training.
    _measures_if_frozen_ = False

    moving_mean_initializer: Callable[..., Any]
    moving_variance_initializer: Callable[..., Any]
    renorm: bool
    renorm_momentum: float

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: InitializerLike = "zeros",
        gamma_initializer: InitializerLike = "ones",
        moving_mean_initializer: InitializerLike = "zeros",
        moving_variance_initializer: InitializerLike = "ones",
        beta_regularizer: RegularizerLike | None = None,
        gamma_regularizer: RegularizerLike | None = None,
        beta_constraint: ConstraintLike | None = None,
        gamma_constraint: ConstraintLike | None = None,
        renorm: bool = False,
        renorm_clipping: dict[str, float] | None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.store_arguments(locals())
        self.supports_masking = True
        self.axis = int(axis)
        self.momentum = float(momentum)
        self.epsilon = float(epsilon)
        self.renorm_clipping = _check_clipping(renorm_clipping or {}, self._label_())

    def build(self, input_shape: ShapeLike) -> None:
        """Creates `gamma`, `beta`, `moving_mean` and `moving_variance`."""
        ndim = len(input_shape)
        if not -ndim <= self.axis < ndim:
            raise ValueError(
                f"{self._label_()}: axis {self.axis} is out of bounds for an input of shape "
                f"{tuple(input_shape)}.\nAxis 0 is the batch, -1 the last axis."
            )
        channels = known_size(self._label_(), input_shape, self.axis)
        self.input_spec = InputSpec(ndim=ndim, axes={self.axis: channels})
        self._build_affine((channels,))
        self.moving_mean = self._add_average(channels, self.moving_mean_initializer, "moving_mean")
        self.moving_variance = self._add_average(
            channels, self.moving_variance_initializer, "moving_variance"
        )
        if self.renorm:
            stddev = DerivedInitializer(self.moving_variance_initializer, _square_root)
            self.moving_stddev = self._add_average(channels, stddev, "moving_stddev")
            self.renorm_mean = self._add_average(
                channels, self.moving_mean_initializer, "renorm_mean"
            )
            self.renorm_stddev = self._add_average(channels, stddev, "renorm_stddev")

    def _add_average(self, channels: int, initializer: Any, name: str) -> Variable:
        # Not cast: small updates of an average would be rounded away in half precision.
        return self.add_weight((channels,), initializer, trainable=False, autocast=False, name=name)

    def call(self, inputs: Array, training: bool | None = None, mask: Array | None = None) -> Array:
        """Returns the normalized inputs, and updates the moving averages in training."""
        # Sums of squares overflow in float16, and bfloat16 has too few digits for a variance.
        x = inputs.astype(jnp.result_type(inputs.dtype, jnp.float32))
        scale = None if self.gamma is None else self.gamma.value.astype(x.dtype)
        offset = None if self.beta is None else self.beta.value.astype(x.dtype)
        mean = self.moving_mean.value.astype(x.dtype)
        variance = self.moving_variance.value.astype(x.dtype)
        # As in Keras, a frozen layer uses its moving averages in training too, and keeps them.
        if training and (self.trainable or self._measures_if_frozen_):
            included = self._included_elements(x, mask)
            mean, variance = self._moments(x, included)
            if self.renorm:
                scale, offset = self._renorm_parameters(mean, variance, scale, offset)
            elif self.trainable:
                momentum = self._current_momentum_()
                _update_average(self.moving_mean, mean, momentum)
                stored = self._stored_variance_(variance, x, included)
                _update_average(self.moving_variance, stored, momentum)
        outputs = ops.batch_normalization(
            x, mean, variance, self.axis, offset=offset, scale=scale, epsilon=self.epsilon
        )
        return outputs.astype(self.compute_dtype)

    def _current_momentum_(self) -> Any:
        """Returns the momentum of the next update of the averages."""
        return self.momentum

    def _stored_variance_(self, variance: Array, x: Array, included: Array | None) -> Array:
        """Returns what the moving average receives for the variance of a batch."""
        return variance

    def _included_elements(self, x: Array, mask: Array | None) -> Array | None:
        """Returns which elements the statistics include, broadcastable to `x`; None for all."""
        included = None
        if mask is not None:
            if mask.ndim != x.ndim - 1:
                raise ValueError(
                    f"{self._label_()}: the mask must have one axis fewer than the input. "
                    f"Received: a mask of shape {mask.shape} for an input of shape {x.shape}"
                )
            included = mask.astype(bool)[..., None]
        rows = scope.current().row_mask
        if rows is not None:
            data = jnp.reshape(rows > 0, (-1, *(1,) * (x.ndim - 1)))
            included = data if included is None else included & data
        return included

    def _moments(self, x: Array, included: Array | None) -> tuple[Array, Array]:
        """Returns mean and variance of each channel over the included elements."""
        others = tuple(i for i in range(x.ndim) if i != self.axis % x.ndim)
        if included is None:
            return ops.moments(x, others)
        included = jnp.broadcast_to(included, x.shape)
        # At least 1, so that mean and variance are 0 rather than NaN if everything is masked.
        count = jnp.maximum(jnp.sum(included, others, keepdims=True, dtype=x.dtype), 1)
        mean = jnp.sum(x, others, where=included, keepdims=True) / count
        # In a second pass, since E[x^2] - E[x]^2 cancels if the mean is much larger than the
        # deviation.
        variance = jnp.sum(jnp.square(x - mean), others, where=included, keepdims=True) / count
        return jnp.squeeze(mean, others), jnp.squeeze(variance, others)

    def _renorm_parameters(
        self, mean: Array, variance: Array, scale: Any, offset: Any
    ) -> tuple[Array, Array]:
        """Returns the scale and offset of batch renormalization, and updates its averages.

        The output is (normalized * r + d) * scale + offset, where r and d map the statistics of
        the batch to the moving averages. They are constants for the gradient.
        """
        stddev = jnp.sqrt(variance + self.epsilon)
        # In the first steps the moving average may be close to 0.
        slow_stddev = jnp.maximum(self.renorm_stddev.value, self.epsilon**0.5)
        bounds = self.renorm_clipping
        r = jnp.clip(stddev / slow_stddev, bounds.get("rmin"), bounds.get("rmax"))
        d = (mean - self.renorm_mean.value) / slow_stddev
        if "dmax" in bounds:
            d = jnp.clip(d, -bounds["dmax"], bounds["dmax"])
        _update_average(self.renorm_mean, mean, self.renorm_momentum)
        _update_average(self.renorm_stddev, stddev, self.renorm_momentum)
        _update_average(self.moving_mean, mean, self.momentum)
        moving_stddev = _update_average(self.moving_stddev, stddev, self.momentum)
        # The standard deviation includes epsilon, which inference adds to the variance again.
        self.moving_variance.assign(jnp.maximum(moving_stddev**2 - self.epsilon, 0))
        # r and d are constants for the gradient (Ioffe 2017, arXiv:1702.03275).
        r, d = jax.lax.stop_gradient((r, d))
        if scale is not None:
            r, d = r * scale, d * scale
        return r, d if offset is None else d + offset


def _update_average(average: Variable, value: Array, momentum: Any) -> Array:
    """Updates a moving average, and returns its new value."""
    before = average.value.astype(value.dtype)
    return average.assign(before * momentum + value * (1 - momentum))


def _check_clipping(bounds: dict[str, float], label: str) -> dict[str, float]:
    known = ("rmin", "rmax", "dmax")
    for name in bounds:
        if name not in known:
            raise ValueError(
                f"{label}: unknown key {name!r} in renorm_clipping. {suggest(name, known)}"
            )
    given = {name: bound for name, bound in bounds.items() if bound is not None}
    if given.get("rmin", 0) > given.get("rmax", np.inf) or given.get("dmax", 0) < 0:
        raise ValueError(
            f"{label}: renorm_clipping needs rmin <= rmax and 0 <= dmax. Received: {bounds}"
        )
    return given


def _square_root(
    initializer: Callable[..., Any], shape: Any, dtype: DTypeLike | None
) -> np.ndarray:
    root: np.ndarray = np.sqrt(initializer(shape, dtype=dtype))
    return root
