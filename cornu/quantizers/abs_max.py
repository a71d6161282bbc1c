"""Quantization by the absolute maximum: one scale for the elements along some axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu.core.graph.op import VariableBase, op
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.registry import Configurable
from cornu.types import Array, ArrayLike, Config, DTypeLike

__all__ = ["AbsMaxQuantizer", "Quantizer", "abs_max_quantize"]


@api_boundary
def abs_max_quantize(
    inputs: ArrayLike,
    axis: int | Sequence[int] | None,
    value_range: Sequence[float] = (-127, 127),
    dtype: DTypeLike = "int8",
    epsilon: float = 1e-07,
    to_numpy: bool = False,
) -> tuple[Array, Array]:
    """Quantizes an array to integers; elements along some axes share a scale.

    scale = value_range[1] / (max(abs(inputs)) + epsilon)
    quantized = clip(round(inputs * scale), *value_range)

    Args:
        inputs: the array.
        axis: the axes along which one scale is computed.
        value_range: the smallest and largest integer.
        dtype: the dtype of the integers.
        epsilon: avoids a division by zero.
        to_numpy: whether to compute on the host, which needs no memory on the device.

    Returns:
        `(quantized, scale)`. The scale has size 1 along the axes. `quantized / scale` approximates
        the inputs.

    Example:

    >>> quantized, scale = abs_max_quantize(np.array([[0.2, -1.0], [2.0, 0.2]], "float32"), axis=-1)
    >>> quantized.tolist()
    [[25, -127], [127, 13]]
    """
    axes = tuple(axis) if isinstance(axis, Sequence) else axis
    if to_numpy:
        return _quantize_on_host(inputs, axes, value_range, dtype, epsilon)
    quantized, scale = _quantize(inputs, axes, tuple(value_range), dtype, epsilon)
    return quantized, scale


def _quantize_on_host(
    inputs: Any, axes: Any, value_range: Sequence[float], dtype: DTypeLike, epsilon: float
) -> tuple[Array, Array]:
    array = to_host(inputs)
    scale = value_range[1] / (np.max(np.abs(array), axis=axes, keepdims=True) + epsilon)
    quantized = np.clip(np.round(array * scale), value_range[0], value_range[1])
    return jnp.asarray(quantized.astype(jnp.dtype(dtype))), jnp.asarray(scale, dtype=array.dtype)


def to_host(inputs: Any) -> np.ndarray:
    """Returns an array or Variable as an array of NumPy, in its own dtype."""
    return np.asarray(inputs.value if isinstance(inputs, VariableBase) else inputs)


@op
def _quantize(
    inputs: ArrayLike, axes: Any, value_range: Any, dtype: DTypeLike, epsilon: float
) -> tuple[Array, Array]:
    array: jax.Array = jnp.asarray(inputs)
    scale = value_range[1] / (jnp.max(jnp.abs(array), axis=axes, keepdims=True) + epsilon)
    scale = scale.astype(array.dtype)
    return jnp.clip(jnp.round(array * scale), *value_range).astype(dtype), scale


class Quantizer(Configurable):
    """Base class of quantizers: functions that return integers and a scale.

    Args:
        output_dtype: the dtype of the integers.

    Example:

    >>> class Rounding(Quantizer):
    ...     def __call__(self, x):
    ...         return jnp.round(x).astype(self.output_dtype), jnp.ones(())
    >>> Rounding()(jnp.array([1.2, 2.7]))[0].tolist()
    [1, 3]
    """

    _category_ = "quantizers"

    def __init__(self, output_dtype: str = "int8") -> None:
        self.output_dtype = output_dtype

    def __call__(self, x: Any) -> Any:
        """Returns the quantized inputs; a subclass defines it."""
        return x


class AbsMaxQuantizer(Quantizer):
    """Quantizes arrays by their absolute maximum; see `abs_max_quantize`.

    Args:
        axis: the axes that share a scale, unless a call passes others.
        value_range: the smallest and largest integer.
        epsilon: avoids a division by zero.
        output_dtype: the dtype of the integers.

    Raises:
        ValueError: the dtype is int8, and the range is beyond [-128, 127].

    Example:

    >>> quantized, scale = AbsMaxQuantizer(axis=-1)(jnp.array([[1.0, -0.25]]))
    >>> quantized.tolist()
    [[127, -32]]
    """

    def __init__(
        self,
        axis: int | Sequence[int] | None = None,
        value_range: Sequence[float] = (-127, 127),
        epsilon: float = 1e-07,
        output_dtype: str = "int8",
    ) -> None:
        super().__init__(output_dtype=output_dtype)
        self.axis = (axis,) if isinstance(axis, int) else None if axis is None else tuple(axis)
        # A config that was stored as JSON has lists.
        self.value_range = tuple(value_range)
        self.epsilon = epsilon
        if output_dtype == "int8" and (self.value_range[0] < -128 or self.value_range[1] > 127):
            raise ValueError(
                "A quantizer with output_dtype='int8' requires a value_range within [-128, 127]. "
                f"Received: value_range={value_range}"
            )

    def __call__(
        self, x: ArrayLike, axis: int | Sequence[int] | None = None, to_numpy: bool = False
    ) -> tuple[Array, Array]:
        """Returns `(quantized, scale)`.

        Args:
            x: the array.
            axis: the axes that share a scale; by default those of the constructor, or -1.
            to_numpy: whether to compute on the host.
        """
        axes = axis if axis is not None else self.axis if self.axis is not None else -1
        return abs_max_quantize(
            x, axes, self.value_range, self.output_dtype, self.epsilon, to_numpy
        )

    def get_config(self) -> Config:
        """Returns the arguments of the constructor; `axis` only if there is one."""
        config: Config = {
            "value_range": self.value_range,
            "epsilon": self.epsilon,
            "output_dtype": self.output_dtype,
        }
        return config if self.axis is None else {**config, "axis": self.axis}
