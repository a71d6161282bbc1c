"""Functions of the backend of Keras 1 that differ from those of Keras 2 in more than names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu import ops
from cornu.core.graph.op import op
from cornu.dialects.backend import arithmetic, neural
from cornu.types import Padding

__all__ = ["FUNCTIONS"]


def _kernel(kernel: Any, data_format: str) -> Any:
    """Returns a kernel with the axes of Keras 2; in the Theano order the filters come first."""
    if data_format == "channels_last":
        return kernel
    spatial = range(2, len(kernel.shape))
    return ops.transpose(kernel, (*spatial, 1, 0))


def conv1d(x: Any, kernel: Any, strides: int = 1, padding: Padding = "valid") -> Any:
    """Computes a convolution over one axis with a kernel (length, in, out)."""
    return neural.conv1d(x, kernel, strides, padding)


def _convolution(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    def compute(
        x: Any,
        kernel: Any,
        strides: Any,
        padding: Padding,
        data_format: str,
        dilation_rate: Any = 1,
    ) -> Any:
        kernel = _kernel(kernel, data_format)
        return function(x, kernel, strides, padding, data_format, dilation_rate)

    compute.__name__ = compute.__qualname__ = name
    compute.__doc__ = function.__doc__
    return compute


def atrous_conv2d(
    x: Any, kernel: Any, dilation_rate: int, padding: Padding = "valid", data_format: str = ""
) -> Any:
    """Computes a convolution of images with a dilated kernel."""
    kernel = _kernel(kernel, data_format)
    return neural.conv2d(x, kernel, (1, 1), padding, data_format, (dilation_rate,) * 2)


def deconv2d(
    x: Any,
    kernel: Any,
    output_shape: Any,
    strides: Any,
    padding: Padding,
    data_format: str,
) -> Any:
    """Computes a transposed convolution to images of `output_shape`."""
    # (rows, columns, in, out), or (out, in, rows, columns) in the order of Theano.
    axes = (0, 1, 3, 2) if data_format == "channels_last" else (2, 3, 0, 1)
    kernel = ops.transpose(kernel, axes)
    return neural.conv2d_transpose(x, kernel, output_shape, strides, padding, data_format)


def separable_conv2d(
    x: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any,
    padding: Padding,
    data_format: str,
) -> Any:
    """Computes a convolution of each channel, and one of all channels at each point."""
    kernels = (_kernel(depthwise_kernel, data_format), _kernel(pointwise_kernel, data_format))
    return neural.separable_conv2d(x, *kernels, strides, padding, data_format)


def temporal_padding(x: Any, padding: int = 1) -> Any:
    """Adds zeros before and after the second axis."""
    return neural.temporal_padding(x, (padding, padding))


def asymmetric_temporal_padding(x: Any, left_pad: int = 1, right_pad: int = 1) -> Any:
    """Adds zeros before and after the second axis."""
    return neural.temporal_padding(x, (left_pad, right_pad))


def spatial_2d_padding(x: Any, padding: Any, data_format: str) -> Any:
    """Adds the same number of zeros on both sides of images."""
    return neural.spatial_2d_padding(x, [(size, size) for size in padding], data_format)


def asymmetric_spatial_2d_padding(
    x: Any, top_pad: int, bottom_pad: int, left_pad: int, right_pad: int, data_format: str
) -> Any:
    """Adds zeros around images."""
    pairs = ((top_pad, bottom_pad), (left_pad, right_pad))
    return neural.spatial_2d_padding(x, pairs, data_format)


def spatial_3d_padding(x: Any, padding: Any, data_format: str) -> Any:
    """Adds the same number of zeros on both sides of volumes."""
    return neural.spatial_3d_padding(x, [(size, size) for size in padding], data_format)


@op
def sparse_categorical_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """Returns the crossentropy with integer labels, in the shape of the output without the last."""
    return neural.sparse_categorical_crossentropy(target, output, from_logits)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{
        function.__name__: function
        for function in (
            *(asymmetric_spatial_2d_padding, asymmetric_temporal_padding, atrous_conv2d, conv1d),
            *(deconv2d, separable_conv2d, spatial_2d_padding, spatial_3d_padding),
            *(sparse_categorical_crossentropy, temporal_padding),
        )
    },
    "conv2d": _convolution(neural.conv2d, "conv2d"),
    "conv3d": _convolution(neural.conv3d, "conv3d"),
    "lesser": arithmetic.FUNCTIONS["less"],
    "lesser_equal": arithmetic.FUNCTIONS["less_equal"],
}
