"""Convolutions with the padding "same" of Theano.

Theano pads half of the window on both sides, and cuts the output. The result differs from that of
other backends if the window has an even size, or with strides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax

from cornu import layers, ops, registry
from cornu.legacy.source import Source

__all__ = ["TheanoConv1D", "TheanoConv2D", "TheanoConv3D", "check_layer", "choose_class"]


def _convolve(
    layer: layers.Conv1D | layers.Conv2D | layers.Conv3D, inputs: jax.Array, kernel: Any
) -> jax.Array:
    """Computes a convolution with half of the window as padding on both sides."""
    windows = zip(layer.kernel_size, layer.dilation_rate, strict=True)
    halves = [(rate * (size - 1) + 1) // 2 for size, rate in windows]
    padded = ops.pad(inputs, layer._expand_to_axes([(half, half) for half in halves], (0, 0)))
    outputs: jax.Array = ops.conv(
        padded,
        kernel,
        strides=layer.strides,
        padding="valid",
        data_format=layer.data_format,
        dilation_rate=layer.dilation_rate,
    )
    sizes = [inputs.shape[axis] for axis in layer.spatial_axes]
    kept = [slice(-(-size // step)) for size, step in zip(sizes, layer.strides, strict=True)]
    return outputs[layer._expand_to_axes(kept, slice(None))]


@registry.register_keras_serializable(package="keras1")
class TheanoConv1D(layers.Conv1D):
    """Conv1D whose padding is that of Theano."""

    def convolution_op(self, inputs: jax.Array, kernel: Any) -> jax.Array:
        """Computes the convolution."""
        return _convolve(self, inputs, kernel)


@registry.register_keras_serializable(package="keras1")
class TheanoConv2D(layers.Conv2D):
    """Conv2D whose padding is that of Theano."""

    def convolution_op(self, inputs: jax.Array, kernel: Any) -> jax.Array:
        """Computes the convolution."""
        return _convolve(self, inputs, kernel)


@registry.register_keras_serializable(package="keras1")
class TheanoConv3D(layers.Conv3D):
    """Conv3D whose padding is that of Theano."""

    def convolution_op(self, inputs: jax.Array, kernel: Any) -> jax.Array:
        """Computes the convolution."""
        return _convolve(self, inputs, kernel)


_CLASSES: dict[type, type] = {
    layers.Conv1D: TheanoConv1D,
    layers.Conv2D: TheanoConv2D,
    layers.Conv3D: TheanoConv3D,
}


def choose_class(cls: Any, arguments: dict[str, Any]) -> Any:
    """Returns the class that computes what a class computed with Theano.

    Args:
        cls: the class of today.
        arguments: its arguments.

    Raises:
        ValueError: the padding differed, and no class pads so.
    """
    if not _differs(arguments):
        return cls
    if cls not in _CLASSES:
        raise ValueError(
            f"{cls.__name__} {str(arguments.get('name'))!r} has the padding of Theano, which "
            "differs for this window and strides and is not supported. If another backend wrote "
            "the model, pass source_backend='tensorflow'."
        )
    return _CLASSES[cls]


def check_layer(layer: Any, source: Source) -> None:
    """Raises ValueError if a layer that receives kernels of Theano pads in another way."""
    if source.backend != "theano" or isinstance(layer, tuple(_CLASSES.values())):
        return
    if _differs(vars(layer)):
        raise ValueError(
            f"{type(layer).__name__} {layer.name!r} has padding='same', which differs from that of "
            "Theano for its window and strides. Load the whole model, or create it from its text "
            "with model_from_json(text, source_backend='theano')."
        )


def _differs(arguments: Mapping[str, Any]) -> bool:
    """Returns whether Theano pads in another way than other backends."""
    if arguments.get("padding") != "same":
        return False
    window = arguments.get("kernel_size")
    sizes = _integers(window if window is not None else 2)
    is_odd = all(size % 2 for size in sizes)
    return not (is_odd and set(_integers(arguments.get("strides", 1))) == {1})


def _integers(value: Any) -> list[int]:
    return [value] if isinstance(value, int) else list(value)
