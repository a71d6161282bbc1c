"""Activation functions as layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax

from cornu.core.layer.input_spec import InputSpec
from cornu.core.layer.layer import Layer
from cornu.layers.arguments import known_size
from cornu.layers.base import ConfiguredLayer
from cornu.ops.precision import masked_softmax, wide_softmax
from cornu.parts import activations
from cornu.types import (
    ActivationLike,
    Array,
    ConstraintLike,
    InitializerLike,
    RegularizerLike,
    ShapeLike,
)

__all__ = ["ELU", "Activation", "LeakyReLU", "PReLU", "ReLU", "Softmax"]


class Activation(Layer):
    """Applies an activation function.

    Args:
        activation: an activation function, or its name. None is the identity.
        **kwargs: `name`, `dtype` and other arguments of `Layer`.

    Shapes:
        x (any) -> (the same)

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.Activation("relu")(np.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    _infers_by_config_ = True
    _rowwise_ = True

    def __init__(self, activation: ActivationLike | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Array) -> Array:
        """Returns activation(inputs)."""
        outputs: Array = self.activation(inputs)
        return outputs

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments. Built-in functions are stored by name."""
        return {**super().get_config(), "activation": activations.serialize(self.activation)}


class ReLU(Layer):
    """Rectified linear unit.

    f(x) = max_value if x >= max_value
    f(x) = x if threshold <= x < max_value
    f(x) = negative_slope * (x - threshold) otherwise

    Args:
        max_value: the upper bound of the output; unbounded by default.
        negative_slope: the slope for inputs below the threshold.
        threshold: the smallest input that is returned unchanged.
        **kwargs: `name`, `dtype` and other arguments of `Layer`.

    Shapes:
        x (any) -> (the same)

    Raises:
        ValueError: an argument is negative.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.ReLU(max_value=6.0)(np.array([-1.0, 3.0, 9.0])).tolist()
    [0.0, 3.0, 6.0]
    """

    _infers_by_config_ = True
    _rowwise_ = True

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if max_value is not None:
            _check_nonnegative(self._label_(), "max_value", max_value)
        self.max_value = max_value
        self.negative_slope = _check_nonnegative(self._label_(), "negative_slope", negative_slope)
        self.threshold = _check_nonnegative(self._label_(), "threshold", threshold)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Array) -> Array:
        """Returns f(inputs)."""
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)


class LeakyReLU(Layer):
    """Leaky rectified linear unit, with a constant slope for negative inputs.

    f(x) = x if x >= 0, else negative_slope * x

    Args:
        negative_slope: the slope for negative inputs.
        **kwargs: `name`, `dtype` and other arguments of `Layer`.

    Shapes:
        x (any) -> (the same)

    Raises:
        ValueError: `negative_slope` is negative.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.LeakyReLU(negative_slope=0.5)(np.array([-1.0, 3.0])).tolist()
    [-0.5, 3.0]

    Note: the default slope is 0.3, as in Keras. It is 0.2 in `cornu.activations.leaky_relu` and
    0.01 in PyTorch.
    """

    _infers_by_config_ = True
    _rowwise_ = True

    # Keras's defaults differ: 0.3 in the layer, 0.2 in the function `leaky_relu`.
    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.negative_slope = _check_nonnegative(self._label_(), "negative_slope", negative_slope)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Array) -> Array:
        """Returns f(inputs)."""
        return activations.leaky_relu(inputs, self.negative_slope)


class PReLU(ConfiguredLayer):
    """Parametric rectified linear unit, with a learned slope for negative inputs.

    f(x) = x if x >= 0, else alpha * x

    Args:
        alpha_initializer: initializer of the slopes.
        alpha_regularizer: penalty on the slopes, added to the loss.
        alpha_constraint: projection of the slopes, applied after each training step.
        shared_axes: the axes along which one slope is shared. Axis 0 is the batch.
        **kwargs: `name`, `dtype`, `trainable` and other arguments of `Layer`.

    Shapes:
        x (batch, ...) -> (the same); alpha (...), with size 1 along shared axes

    Example:

    >>> import cornu
    >>> layer = cornu.layers.PReLU(shared_axes=[1, 2])
    >>> y = layer(cornu.Input((8, 8, 3)))
    >>> layer.alpha.shape
    (1, 1, 3)

    References: Kaiming He, Xiangyu Zhang, Shaoqing Ren, Jian Sun (2015), "Delving Deep into
    Rectifiers: Surpassing Human-Level Performance on ImageNet Classification", arXiv 1502.01852.
    """

    _infers_by_config_ = True
    _rowwise_ = True

    def __init__(
        self,
        alpha_initializer: InitializerLike = "Zeros",
        alpha_regularizer: RegularizerLike | None = None,
        alpha_constraint: ConstraintLike | None = None,
        shared_axes: int | Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.store_arguments(locals(), skip=("shared_axes",))
        self.shared_axes: list[int] = (
            [shared_axes] if isinstance(shared_axes, int) else list(shared_axes or ())
        )
        self.supports_masking = True

    def build(self, input_shape: ShapeLike) -> None:
        """Creates the slopes `alpha`."""
        # The slopes do not depend on the size of a shared axis, which may vary between calls.
        unshared = [axis for axis in range(1, len(input_shape)) if axis not in self.shared_axes]
        sizes: dict[int, int | None] = {
            axis: known_size(self._label_(), input_shape, axis) for axis in unshared
        }
        self.alpha = self.create_weight(
            "alpha", tuple(sizes.get(axis, 1) for axis in range(1, len(input_shape)))
        )
        self.input_spec = InputSpec(ndim=len(input_shape), axes=sizes)

    def call(self, inputs: Array) -> Array:
        """Returns f(inputs)."""
        outputs: Array = jax.nn.relu(inputs) - self.alpha * jax.nn.relu(-inputs)
        return outputs


class ELU(Layer):
    """Exponential linear unit.

    f(x) = x if x >= 0, else alpha * (exp(x) - 1)

    Args:
        alpha: the scale for negative inputs; outputs are greater than `-alpha`.
        **kwargs: `name`, `dtype` and other arguments of `Layer`.

    Shapes:
        x (any) -> (the same)

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.ELU()(np.array([0.0, 2.0])).tolist()
    [0.0, 2.0]

    References: Djork-Arné Clevert, Thomas Unterthiner, Sepp Hochreiter (2015), "Fast and Accurate
    Deep Network Learning by Exponential Linear Units (ELUs)", arXiv 1511.07289.
    """

    _infers_by_config_ = True
    _rowwise_ = True

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = alpha
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Array) -> Array:
        """Returns f(inputs)."""
        return activations.elu(inputs, self.alpha)


class Softmax(Layer):
    """Normalizes values to probabilities that sum to one along an axis.

    f(x) = exp(x) / sum(exp(x), axis)

    Positions that the mask excludes are zero and do not contribute to the sum.

    Args:
        axis: the axis, or the axes over which the sum is taken jointly.
        **kwargs: `name`, `dtype` and other arguments of `Layer`.

    Shapes:
        x (any) -> (the same); the mask must broadcast to x

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> x = np.array([[1.0, 1.0, 5.0]])
    >>> cornu.layers.Softmax()(x, mask=np.array([[True, True, False]])).tolist()
    [[0.5, 0.5, 0.0]]
    """

    _infers_by_config_ = True

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis
        self.supports_masking = True
        self.built = True

    def _check_shape_(self, input_shape: ShapeLike) -> None:
        """Determines whether the rows are independent: a negative axis may be that of the batch."""
        axes = [self.axis] if isinstance(self.axis, int) else self.axis
        self._rowwise_ = all(axis % len(input_shape) for axis in axes)

    def call(self, inputs: Array, mask: Array | None = None) -> Array:
        """Returns f(inputs)."""
        axis = tuple(self.axis) if isinstance(self.axis, list) else self.axis
        if mask is None:
            return wide_softmax(inputs, axis=axis)
        # As in Keras, a mask of numbers keeps the positions above 0.5.
        return masked_softmax(inputs, mask if mask.dtype == bool else mask > 0.5, axis)


def _check_nonnegative(label: str, name: str, value: Any) -> Any:
    if value is None or value < 0:
        raise ValueError(f"{label}: {name} must be a number >= 0. Received: {value!r}")
    return value
