"""ActivityRegularization: adds a penalty on its inputs to the loss."""

from __future__ import annotations

from typing import Any

from cornu.core.layer.layer import Layer
from cornu.parts.regularizers import L1L2
from cornu.types import Array

__all__ = ["ActivityRegularization"]


class ActivityRegularization(Layer):
    """Returns its inputs unchanged, and adds a penalty on them to the loss.

    loss += (l1 * sum(|x|) + l2 * sum(x ** 2)) / batch

    Args:
        l1: the factor of the L1 penalty.
        l2: the factor of the L2 penalty.
        **kwargs: `name`, `dtype` and other arguments of `Layer`.

    Shapes:
        x (any) -> (the same)

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> layer = cornu.layers.ActivityRegularization(l2=0.5)
    >>> y = layer(np.array([[1.0], [3.0]]))
    >>> float(layer.losses[0])
    2.5
    """

    _infers_by_config_ = True
    _rowwise_ = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=L1L2(l1=l1, l2=l2), **kwargs)
        self.l1 = l1
        self.l2 = l2
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Array) -> Array:
        """Returns the inputs."""
        return inputs
