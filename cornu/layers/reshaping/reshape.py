"""Flatten, Reshape, Permute and RepeatVector."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from cornu import settings
from cornu.core.layer.input_spec import InputSpec
from cornu.core.layer.layer import Layer
from cornu.layers.arguments import positive_int
from cornu.types import Array, DataFormat, ShapeLike

__all__ = ["Flatten", "Permute", "RepeatVector", "Reshape"]


class Flatten(Layer):
    """Makes one axis of all axes but the batch.

    Args:
        data_format: with `"channels_first"` axis 1 is moved to the end before.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, ...) -> (batch, product of the others); x (batch,) -> (batch, 1)

    Example:

    >>> import cornu
    >>> cornu.layers.Flatten()(cornu.Input((4, 4, 3))).shape
    (None, 48)
    """

    infers_by_config = True
    rowwise = True

    def __init__(self, data_format: DataFormat | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = settings.data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Array) -> Array:
        """Returns the inputs with two axes."""
        if self.data_format == "channels_first" and inputs.ndim > 1:
            inputs = jnp.moveaxis(inputs, 1, -1)
        return jnp.reshape(inputs, (inputs.shape[0], math.prod(inputs.shape[1:])))


class Reshape(Layer):
    """Gives each sample another shape.

    Args:
        target_shape: the shape without batch axis; one size may be -1, which makes it fit.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, ...) -> (batch, *target_shape)

    Raises:
        ValueError: the numbers of elements differ.

    Example:

    >>> import cornu
    >>> cornu.layers.Reshape((-1, 2))(cornu.Input((12,))).shape
    (None, 6, 2)
    """

    infers_by_config = True
    rowwise = True

    def __init__(self, target_shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target_shape = tuple(target_shape)
        sizes = [size for size in self.target_shape if isinstance(size, (int, np.integer))]
        fitted = self.target_shape.count(-1)
        if len(sizes) < len(self.target_shape) or min(sizes, default=0) < -1 or fitted > 1:
            raise ValueError(
                f"{self._label()}: target_shape is made of integers >= 0, and at most one -1. "
                f"Received: {self.target_shape}"
            )

    def build(self, input_shape: ShapeLike) -> None:
        """Checks that the numbers of elements agree."""
        sample = tuple(size for size in input_shape[1:] if size is not None)
        if len(sample) < len(input_shape) - 1:
            return
        given, wanted = math.prod(sample), _product_of_known(self.target_shape)
        fits = given % max(wanted, 1) == 0 if -1 in self.target_shape else given == wanted
        if not fits:
            raise ValueError(
                f"{self._label()}: a sample of shape {sample} has {given} elements and cannot get "
                f"the shape {self.target_shape}.\nWrite -1 for the one size that follows from the "
                "others; the batch is not part of the shape."
            )

    def call(self, inputs: Array) -> Array:
        """Returns the inputs with another shape."""
        elements = math.prod(inputs.shape[1:])
        known = _product_of_known(self.target_shape)
        # Worked out here, since an empty batch would leave -1 undetermined.
        shape = [elements // max(known, 1) if size == -1 else size for size in self.target_shape]
        return jnp.reshape(inputs, (inputs.shape[0], *shape))


class Permute(Layer):
    """Puts the axes of a sample into another order.

    Args:
        dims: the order of the axes, counted from 1; the batch is not named.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, ...) -> (batch, the others in the new order)

    Raises:
        ValueError: `dims` is not made of 1, 2, ... in some order.

    Example:

    >>> import cornu
    >>> cornu.layers.Permute((2, 1))(cornu.Input((10, 64))).shape
    (None, 64, 10)
    """

    infers_by_config = True
    rowwise = True

    def __init__(self, dims: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                f"{self._label()}: dims must have each of 1, ..., {len(self.dims)} once (0 is the "
                f"batch and stays). Received: {self.dims}"
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Array) -> Array:
        """Returns the inputs with permuted axes."""
        return jnp.transpose(inputs, (0, *self.dims))


class RepeatVector(Layer):
    """Repeats each sample along a new time axis.

    Args:
        n: how many times.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, features) -> (batch, n, features)

    Example:

    >>> import cornu
    >>> cornu.layers.RepeatVector(3)(cornu.Input((32,))).shape
    (None, 3, 32)
    """

    infers_by_config = True
    rowwise = True

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = positive_int(self._label(), "n", n)
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Array) -> Array:
        """Returns the inputs n times."""
        return jnp.repeat(inputs[:, None, :], self.n, axis=1)


def _product_of_known(shape: tuple[int, ...]) -> int:
    return math.prod(size for size in shape if size != -1)
