"""LocallyConnected1D and LocallyConnected2D of Keras 1 and 2."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from cornu import registry
from cornu.layers.arguments import known_size
from cornu.layers.base import Activation
from cornu.layers.spatial import Spatial
from cornu.types import (
    ActivationLike,
    ConstraintLike,
    DataFormat,
    InitializerLike,
    RegularizerLike,
    ShapeLike,
)

__all__ = ["LocallyConnected1D", "LocallyConnected2D"]


class _LocallyConnected(Spatial):
    """A convolution whose kernel differs between the positions of the output.

    y[b, p, f] = activation(sum over i of patch[b, p, i] * kernel[p, i, f] + bias[p, f])

    Args:
        filters: the number of output channels.
        kernel_size, strides: of the windows, one integer or one per spatial axis.
        padding: only `"valid"`.
        data_format: `"channels_last"` or `"channels_first"`.
        activation: an activation function, or its name; the identity by default.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: initializers of the weights.
        kernel_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: penalty on the output.
        kernel_constraint, bias_constraint: projections of the weights.
        **kwargs: `name`, `dtype`, `trainable` and other arguments of `Layer`.
    """

    filters: int
    kernel_size: tuple[int, ...]
    strides: tuple[int, ...]
    activation: Activation

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: Literal["valid"] = "valid",
        data_format: DataFormat | None = None,
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
        if padding != "valid":
            raise ValueError(
                f"{self._label_()}: `padding` must be 'valid'. Received: {padding!r}\n"
                "Pad the inputs with a ZeroPadding layer."
            )

    def build(self, input_shape: ShapeLike) -> None:
        """Creates `kernel`, of shape (positions, window * channels, filters), and `bias`."""
        channels = self._fix_channels(input_shape)
        self._check_extent(input_shape, self.kernel_size, "the window")
        sizes = [known_size(self._label_(), input_shape, axis) for axis in self.spatial_axes]
        self._counts = tuple(
            (size - window) // step + 1
            for size, window, step in zip(sizes, self.kernel_size, self.strides, strict=True)
        )
        features = math.prod(self.kernel_size) * channels
        self.kernel = self.create_weight(
            "kernel", (math.prod(self._counts), features, self.filters)
        )
        self.bias = self.create_bias((*self._counts, self.filters))

    def call(self, inputs: jax.Array) -> jax.Array:
        """Returns activation(patches @ kernel + bias)."""
        outputs = jnp.einsum("bpi,pif->bpf", self._patches(inputs), self.kernel.value)
        first = self.data_format == "channels_first"
        if first:
            outputs = jnp.swapaxes(outputs, 1, 2)
        shape = (self.filters, *self._counts) if first else (*self._counts, self.filters)
        outputs = outputs.reshape(inputs.shape[0], *shape)
        if self.bias is not None:
            # With channels first, the bias is not transposed but read in the other order.
            outputs = outputs + self.bias.value.reshape(shape)
        activated: jax.Array = self.activation(outputs)
        return activated

    def _patches(self, inputs: jax.Array) -> jax.Array:
        """Returns the windows, of shape (batch, positions, window * channels).

        The elements of a window are in the order of the input's own axes.
        """
        first = self.data_format == "channels_first"
        starts = [step * np.arange(n) for n, step in zip(self._counts, self.strides, strict=True)]
        index: list[Any] = [slice(None)] * (2 if first else 1)
        for axis, (start, window) in enumerate(zip(starts, self.kernel_size, strict=True)):
            shape = [1] * (2 * self.rank)
            shape[axis], shape[self.rank + axis] = len(start), window
            index.append((start[:, None] + np.arange(window)).reshape(shape))
        patches = inputs[tuple(index)]  # (batch, [channels,] *positions, *window[, channels])
        if first:
            patches = jnp.moveaxis(patches, 1, 1 + self.rank)
        return patches.reshape(inputs.shape[0], math.prod(self._counts), -1)


@registry.register_keras_serializable(package="keras1")
class LocallyConnected1D(_LocallyConnected):
    """1D convolution whose kernel differs between the steps.

    The arguments are those of `LocallyConnected2D`, with one number instead of two.

    Example:

    >>> import cornu
    >>> LocallyConnected1D(4, 3)(cornu.Input((8, 2))).shape
    (None, 6, 4)
    """

    rank = 1


@registry.register_keras_serializable(package="keras1")
class LocallyConnected2D(_LocallyConnected):
    """2D convolution whose kernel differs between the positions.

    y[b, p, f] = activation(sum over i of patch[b, p, i] * kernel[p, i, f] + bias[p, f])

    Example:

    >>> import cornu
    >>> LocallyConnected2D(4, 3)(cornu.Input((8, 8, 2))).shape
    (None, 6, 6, 4)
    """

    rank = 2
