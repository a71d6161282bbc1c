"""LayerNormalization: normalizes the features of each sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import ops
from cornu.layers.arguments import known_size
from cornu.layers.normalization.base import Normalizing, axes_list, positive_axes
from cornu.types import Array, ConstraintLike, InitializerLike, RegularizerLike, ShapeLike

__all__ = ["LayerNormalization"]


class LayerNormalization(Normalizing):
    """Layer normalization: normalizes the features of each sample.

    y = (x - mean(x)) / sqrt(var(x) + epsilon) * gamma + beta

    Mean and variance are computed in float32 or a wider type.

    Args:
        axis: the axis or axes to normalize; the last axis by default.
        epsilon: added to the variance, for numerical stability.
        center: whether to add an offset `beta`.
        scale: whether to multiply by a scale `gamma`.
        beta_initializer, gamma_initializer: initializers of the weights.
        beta_regularizer, gamma_regularizer: penalties on the weights, added to the loss.
        beta_constraint, gamma_constraint: projections of the weights, applied after each training
            step.
        rms_scaling: deprecated; divides by the standard deviation without subtracting the mean,
            and has no `beta`. For RMS normalization, use `RMSNormalization`.
        **kwargs: `name`, `dtype`, `trainable` and other arguments of `Layer`.

    Shapes:
        x (any) -> (the same); gamma and beta have the sizes of `axis`, axes in ascending
        order

    Raises:
        ValueError: an axis is out of bounds, or its size is unknown.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.LayerNormalization(epsilon=0.0)(np.array([[1.0, 3.0]])).tolist()
    [[-1.0, 1.0]]

    References: Ba, Kiros and Hinton, 2016, "Layer Normalization".

    Note: PyTorch's epsilon is 1e-5; published Transformers use 1e-5, 1e-6 or 1e-12.
    """

    epsilon: float
    rms_scaling: bool

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: InitializerLike = "zeros",
        gamma_initializer: InitializerLike = "ones",
        beta_regularizer: RegularizerLike | None = None,
        gamma_regularizer: RegularizerLike | None = None,
        beta_constraint: ConstraintLike | None = None,
        gamma_constraint: ConstraintLike | None = None,
        *,
        rms_scaling: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.store_arguments(locals())
        self.supports_masking = True
        # As in Keras, RMS scaling has a scale and no offset.
        self.center = center and not rms_scaling
        self.scale = scale or rms_scaling
        # The output, not the input, is cast to the compute dtype.
        self.autocast = False
        self.axis = axes_list(axis, self._label_())

    def build(self, input_shape: ShapeLike) -> None:
        """Creates `gamma` and `beta`."""
        self.axis = positive_axes(self.axis, input_shape, self._label_())
        self._rowwise_ = 0 not in self.axis
        self._build_affine(tuple(known_size(self._label_(), input_shape, i) for i in self.axis))

    def call(self, inputs: Array) -> Array:
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
