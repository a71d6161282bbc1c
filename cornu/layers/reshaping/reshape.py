"""Flatten, Reshape, Permute and RepeatVector: layers that rearrange the elements of samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from cornu import ops, settings
from cornu.core.layer.input_spec import InputSpec
from cornu.core.layer.layer import Layer
from cornu.errors import quantity
from cornu.layers.arguments import positive_int
from cornu.types import Array, DataFormat, ShapeLike

__all__ = ["Flatten", "Permute", "RepeatVector", "Reshape"]


class Flatten(Layer):
    """Flattens the input to one axis per sample, without affecting the batch axis.

    Args:
        data_format: with `"channels_first"`, axis 1 is moved to the end before flattening, so
            that weights do not depend on the data format.
        **kwargs: `name`, `dtype` and other arguments of `Layer`.

    Shapes:
        x (batch, ...) -> (batch, product of the other sizes); x (batch,) -> (batch, 1)

    Example:

    >>> import cornu
    >>> cornu.layers.Flatten()(cornu.Input((4, 4, 3))).shape
    (None, 48)
    """

    _infers_by_config_ = True
    _rowwise_ = True
    _accepts_sparse_ = True

    def __init__(self, data_format: DataFormat | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = settings.data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Array) -> Array:
        """Returns the flattened inputs."""
        if self.data_format == "channels_first" and inputs.ndim > 1:
            # As in Keras: the elements have the same order in both data formats, and so do the
            # weights of a following Dense.
            inputs = ops.moveaxis(inputs, 1, -1)
        return ops.reshape(inputs, (inputs.shape[0], math.prod(inputs.shape[1:])))


class Reshape(Layer):
    """Reshapes each sample to the given shape.

    Args:
        target_shape: the new shape, without the batch axis. One size may be -1; it is inferred
            from the others.
        **kwargs: `name`, `dtype` and other arguments of `Layer`.

    Shapes:
        x (batch, ...) -> (batch, *target_shape)

    Raises:
        ValueError: `target_shape` is invalid, or has another number of elements than the input.

    Example:

    >>> import cornu
    >>> cornu.layers.Reshape((-1, 2))(cornu.Input((12,))).shape
    (None, 6, 2)
    """

    _infers_by_config_ = True
    _rowwise_ = True
    _accepts_sparse_ = True

    def __init__(self, target_shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target_shape = tuple(target_shape)
        sizes = [size for size in self.target_shape if isinstance(size, (int, np.integer))]
        unknown = self.target_shape.count(-1)
        if len(sizes) < len(self.target_shape) or min(sizes, default=0) < -1 or unknown > 1:
            raise ValueError(
                f"{self._label_()}: target_shape must consist of integers >= 0 and at most one -1. "
                f"Received: {self.target_shape}"
            )
        self.built = True

    def _check_shape_(self, input_shape: ShapeLike) -> None:
        """Checks that the number of elements is unchanged, if all sizes are known."""
        sample = tuple(size for size in input_shape[1:] if size is not None)
        if len(sample) < len(input_shape) - 1:
            return
        size, known = math.prod(sample), _product_of_known(self.target_shape)
        compatible = size % max(known, 1) == 0 if -1 in self.target_shape else size == known
        if not compatible:
            needed = f"with {quantity(known, 'element')}"
            if -1 in self.target_shape:
                needed = f"because {size} is not a multiple of {known}"
            raise ValueError(
                f"{self._label_()}: cannot reshape a sample of shape {sample}, with "
                f"{quantity(size, 'element')}, to {self.target_shape}, {needed}.\n"
                "One size may be -1, to be inferred from the others. The batch axis is not part of "
                "target_shape."
            )

    def call(self, inputs: Array) -> Array:
        """Returns the reshaped inputs."""
        elements = math.prod(inputs.shape[1:])
        known = _product_of_known(self.target_shape)
        # The size is computed here, because -1 is ambiguous for an empty batch.
        shape = [elements // max(known, 1) if size == -1 else size for size in self.target_shape]
        return ops.reshape(inputs, (inputs.shape[0], *shape))


class Permute(Layer):
    """Permutes the axes of each sample.

    Args:
        dims: the permutation of the axes. Axes are counted from 1; the batch axis is not
            included.
        **kwargs: `name`, `dtype` and other arguments of `Layer`.

    Shapes:
        x (batch, ...) -> (batch, the other axes in the new order)

    Raises:
        ValueError: `dims` is not a permutation of 1, 2, ..., n.

    Example:

    >>> import cornu
    >>> cornu.layers.Permute((2, 1))(cornu.Input((10, 64))).shape
    (None, 64, 10)
    """

    _infers_by_config_ = True
    _rowwise_ = True
    _accepts_sparse_ = True

    def __init__(self, dims: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                f"{self._label_()}: dims must be a permutation of 1, ..., {len(self.dims)}; axis "
                f"0, the batch, is not included. Received: {self.dims}"
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Array) -> Array:
        """Returns the inputs with permuted axes."""
        return ops.transpose(inputs, (0, *self.dims))


class RepeatVector(Layer):
    """Repeats each sample along a new time axis.

    Args:
        n: the number of repetitions.
        **kwargs: `name`, `dtype` and other arguments of `Layer`.

    Shapes:
        x (batch, features) -> (batch, n, features)

    Example:

    >>> import cornu
    >>> cornu.layers.RepeatVector(3)(cornu.Input((32,))).shape
    (None, 3, 32)
    """

    _infers_by_config_ = True
    _rowwise_ = True

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = positive_int(self._label_(), "n", n)
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Array) -> Array:
        """Returns the repeated inputs."""
        return jnp.repeat(inputs[:, None, :], self.n, axis=1)


def _product_of_known(shape: tuple[int, ...]) -> int:
    return math.prod(size for size in shape if size != -1)
