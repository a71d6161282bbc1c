"""Layers that merge several arrays into one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from cornu import ops
from cornu.core.layer.layer import Layer
from cornu.types import Array, ShapeLike

__all__ = [
    "Add",
    "Average",
    "Concatenate",
    "Dot",
    "Maximum",
    "Minimum",
    "Multiply",
    "Subtract",
    "add",
    "average",
    "concatenate",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "subtract",
]


class Merge(Layer):
    """Base class of layers that combine a list of arrays elementwise.

    Arrays are broadcast. If their ranks differ, axes of size 1 are inserted after the batch axis.
    If all inputs have masks, the output is valid where at least one input is.

    Args:
        **kwargs: `name`, `dtype` and other arguments of `Layer`.

    Raises:
        ValueError: the input is not a list, or the shapes are incompatible.
    """

    _infers_by_config_ = True
    _rowwise_ = True
    _accepts_sparse_ = True
    combine: ClassVar[Callable[..., Any]]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape: ShapeLike) -> None:
        """Checks that the shapes are compatible."""
        shapes = _list_of_shapes(self._label_(), input_shape)
        # Unknown sizes are compatible with any size; sizes of 1 are broadcast, except the batch.
        batches = {shape[0] for shape in shapes if shape} - {None}
        samples = _pad_ranks([shape[1:] for shape in shapes])
        sizes = [set(axis) - {None, 1} for axis in zip(*samples, strict=True)]
        if len(batches) > 1 or any(len(known) > 1 for known in sizes):
            raise ValueError(
                f"{self._label_()}: inputs must have equal shapes, or size 1 where they differ. "
                f"Received: {', '.join(map(str, shapes))}\n"
                "Reshape the inputs first. If a shortcut has other channels or strides, project it "
                "with a convolution of kernel size 1."
            )

    def call(self, inputs: Sequence[Array]) -> Array:
        """Returns the combined inputs."""
        combined: Array = functools.reduce(self.combine, _align_ranks(inputs))
        return combined

    def compute_mask(
        self, inputs: Sequence[Array], mask: Sequence[Array | None] | None = None
    ) -> Array | None:
        """Returns the union of the masks; None if an input has no mask."""
        if mask is None:
            return None
        masks = [one for one in mask if one is not None]
        return functools.reduce(ops.logical_or, masks) if len(masks) == len(mask) else None


class Add(Merge):
    """Computes the elementwise sum of a list of arrays.

    Args:
        **kwargs: `name`, `dtype` and other arguments of `Layer`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.Add()([np.array([[1.0, 2.0]]), np.array([[10.0, 20.0]])]).tolist()
    [[11.0, 22.0]]
    """

    combine = staticmethod(ops.add)


class Subtract(Merge):
    """Subtracts the second array from the first, elementwise.

    Args:
        **kwargs: `name`, `dtype` and other arguments of `Layer`.

    Raises:
        ValueError: the input is not a list of two arrays.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.Subtract()([np.array([[1.0, 2.0]]), np.array([[10.0, 20.0]])]).tolist()
    [[-9.0, -18.0]]
    """

    combine = staticmethod(ops.subtract)

    def build(self, input_shape: ShapeLike) -> None:
        """Checks that there are two compatible shapes."""
        super().build(input_shape)
        _check_two(self._label_(), input_shape)


class Average(Merge):
    """Computes the elementwise mean of a list of arrays.

    Args:
        **kwargs: `name`, `dtype` and other arguments of `Layer`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.Average()([np.array([[1.0, 2.0]]), np.array([[3.0, 6.0]])]).tolist()
    [[2.0, 4.0]]
    """

    combine = staticmethod(ops.add)

    def call(self, inputs: Sequence[Array]) -> Array:
        """Returns the sum divided by the number of inputs."""
        return ops.divide(super().call(inputs), len(inputs))


class Multiply(Merge):
    """Computes the elementwise product of a list of arrays.

    Masked elements are treated as 1. The output is 0 where all inputs are masked.

    Args:
        **kwargs: `name`, `dtype` and other arguments of `Layer`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.Multiply()([np.array([[1.0, 2.0]]), np.array([[10.0, 20.0]])]).tolist()
    [[10.0, 40.0]]
    """

    combine = staticmethod(ops.multiply)

    def call(self, inputs: Sequence[Array], mask: Sequence[Array | None] | None = None) -> Array:
        """Returns the elementwise product."""
        if mask is None:
            return super().call(inputs)
        factors = _align_ranks(inputs)
        valid = _align_masks(inputs, mask)
        # As in Keras, a masked factor counts as 1, and the product is 0 where all factors are
        # masked.
        product = super().call(
            [jnp.where(is_valid, x, 1) for x, is_valid in zip(factors, valid, strict=True)]
        )
        return jnp.where(functools.reduce(jnp.logical_or, valid), product, 0)


class Extremum(Merge):
    """Base class of layers that select one of the inputs for each element.

    Masked elements are not selected, unless all inputs are masked there.
    """

    def call(self, inputs: Sequence[Array], mask: Sequence[Array | None] | None = None) -> Array:
        """Returns the selected elements."""
        if mask is None:
            return super().call(inputs)
        arrays = _align_ranks(inputs)
        first, *rest = zip(arrays, _align_masks(inputs, mask), strict=True)
        best: Array
        best, best_valid = first
        for x, valid in rest:
            # A masked operand is replaced by the other one, so that `combine` returns that one.
            x = jnp.where(valid, x, best)
            best = self.combine(jnp.where(best_valid, best, x), x)
            best_valid = jnp.logical_or(best_valid, valid)
        return best


class Maximum(Extremum):
    """Computes the elementwise maximum of a list of arrays.

    Args:
        **kwargs: `name`, `dtype` and other arguments of `Layer`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.Maximum()([np.array([[1.0, 20.0]]), np.array([[10.0, 2.0]])]).tolist()
    [[10.0, 20.0]]
    """

    combine = staticmethod(ops.maximum)


class Minimum(Extremum):
    """Computes the elementwise minimum of a list of arrays.

    Args:
        **kwargs: `name`, `dtype` and other arguments of `Layer`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.Minimum()([np.array([[1.0, 20.0]]), np.array([[10.0, 2.0]])]).tolist()
    [[1.0, 2.0]]
    """

    combine = staticmethod(ops.minimum)


class Concatenate(Merge):
    """Concatenates a list of arrays along an axis.

    Args:
        axis: the axis along which to concatenate.
        **kwargs: `name`, `dtype` and other arguments of `Layer`.

    Shapes:
        x[i] (batch, ..., n[i], ...) -> (batch, ..., sum of n, ...)

    Raises:
        ValueError: the input is not a list, or the shapes differ on another axis.

    Example:

    >>> import cornu
    >>> cornu.layers.Concatenate()([cornu.Input((4, 2)), cornu.Input((4, 3))]).shape
    (None, 4, 5)
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def build(self, input_shape: ShapeLike) -> None:
        """Checks that the shapes are compatible."""
        shapes = _list_of_shapes(self._label_(), input_shape)
        ndim = len(shapes[0])
        compatible = -ndim <= self.axis < ndim and all(len(shape) == ndim for shape in shapes)
        if compatible:
            others = [axis for axis in range(ndim) if axis != self.axis % ndim]
            compatible = all(
                len({shape[axis] for shape in shapes} - {None}) <= 1 for axis in others
            )
        if not compatible:
            raise ValueError(
                f"{self._label_()}: inputs must have equal shapes except along axis {self.axis}. "
                f"Received: {', '.join(map(str, shapes))}\n"
                "Make the shapes equal first (padding='same', Cropping, ZeroPadding, Resizing), or "
                "concatenate along another axis."
            )
        # A negative axis may be that of the batch.
        self._rowwise_ = self.axis % ndim != 0

    def call(self, inputs: Sequence[Array]) -> Array:
        """Returns the concatenated inputs."""
        return ops.concatenate(inputs, axis=self.axis)

    def compute_mask(
        self, inputs: Sequence[Array], mask: Sequence[Array | None] | None = None
    ) -> Array | None:
        """Returns the concatenated masks; an input without a mask counts as valid."""
        if mask is None or all(one is None for one in mask):
            return None
        full_masks = [
            ops.broadcast_to(True if one is None else _append_axes(one, x.ndim), ops.shape(x))
            for x, one in zip(inputs, mask, strict=True)
        ]
        return ops.any(ops.concatenate(full_masks, axis=self.axis), axis=-1)


class Dot(Merge):
    """Computes the dot product of two arrays along one axis of each, for each sample.

    y[b, i..., j...] = sum_k x1[b, i..., k] * x2[b, j..., k], where k is the axis `axes`

    Args:
        axes: the axis, or a pair of axes, one for each array; not the batch axis.
        normalize: whether to L2-normalize the arrays along the axes first, so that the result is
            the cosine similarity.
        **kwargs: `name`, `dtype` and other arguments of `Layer`.

    Shapes:
        x1 (batch, i..., k), x2 (batch, j..., k) -> (batch, i..., j...), or (batch, 1)

    Raises:
        ValueError: the input is not a list of two arrays, or the sizes along the axes differ.

    Example:

    >>> import cornu
    >>> cornu.layers.Dot(axes=(1, 2))([cornu.Input((3, 5)), cornu.Input((10, 3))]).shape
    (None, 5, 10)
    """

    _accepts_sparse_ = False

    def __init__(self, axes: int | Sequence[int], normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        pair = axes if isinstance(axes, (list, tuple)) else (axes, axes)
        if len(pair) != 2 or not all(isinstance(axis, int) for axis in pair):
            raise ValueError(
                f"{self._label_()}: axes must be an integer or a pair of integers. "
                f"Received: {axes!r}"
            )
        self.axes = axes
        self.normalize = normalize
        self._pair = tuple(pair)

    def build(self, input_shape: ShapeLike) -> None:
        """Checks that there are two compatible shapes."""
        shapes = _list_of_shapes(self._label_(), input_shape)
        _check_two(self._label_(), shapes)
        within = [-len(s) <= axis < len(s) for s, axis in zip(shapes, self._pair, strict=True)]
        if not all(within) or 0 in self._positive_axes(shapes):
            raise ValueError(
                f"{self._label_()}: axes={self.axes!r} must be axes of the inputs, and not "
                f"the batch axis. Received the shapes {shapes[0]} and {shapes[1]}."
            )
        i, j = self._positive_axes(shapes)
        if None not in (shapes[0][i], shapes[1][j]) and shapes[0][i] != shapes[1][j]:
            raise ValueError(
                f"{self._label_()}: the sizes along axes={self.axes!r} differ: {shapes[0][i]} and "
                f"{shapes[1][j]}. Received the shapes {shapes[0]} and {shapes[1]}."
            )

    def _positive_axes(self, shapes: Any) -> list[int]:
        return [axis % len(shape) for axis, shape in zip(self._pair, shapes, strict=True)]

    def call(self, inputs: Sequence[Array]) -> Array:
        """Returns the dot products."""
        i, j = self._positive_axes([x.shape for x in inputs])
        a, b = inputs
        if self.normalize:
            a, b = ops.normalize(a, axis=i), ops.normalize(b, axis=j)
        # vmap over the batch: each sample is a plain tensordot over one axis.
        products = jax.vmap(lambda x, y: jnp.tensordot(x, y, axes=(i - 1, j - 1)))(a, b)
        # As in Keras, one number per sample has the shape (batch, 1).
        return products[:, None] if products.ndim == 1 else products

    def compute_mask(
        self, inputs: Sequence[Array], mask: Sequence[Array | None] | None = None
    ) -> None:
        """Returns None, because the output has no time axis."""


def add(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Returns the elementwise sum of a list of arrays; functional form of `Add`.

    Args:
        inputs: a list of arrays or symbolic Tensors of shapes that broadcast against each other.
        **kwargs: arguments of the layer, such as `name`.

    Example:

    >>> import cornu
    >>> a, b = cornu.Input((3,)), cornu.Input((3,))
    >>> cornu.layers.add([a, b]).shape
    (None, 3)
    """
    return Add(**kwargs)(inputs)


def subtract(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Returns the elementwise difference of a list of two arrays; functional form of `Subtract`.

    Args:
        inputs: a list of two arrays or symbolic Tensors; the second is subtracted from the first.
        **kwargs: arguments of the layer, such as `name`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> x, y = np.ones((1, 2)), np.zeros((1, 2))
    >>> cornu.layers.subtract([x, y]).tolist()
    [[1.0, 1.0]]
    """
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Returns the elementwise product of a list of arrays; functional form of `Multiply`.

    Args:
        inputs: a list of arrays or symbolic Tensors of shapes that broadcast against each other.
        **kwargs: arguments of the layer, such as `name`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> x, y = np.ones((1, 2)), np.zeros((1, 2))
    >>> cornu.layers.multiply([x, y]).tolist()
    [[0.0, 0.0]]
    """
    return Multiply(**kwargs)(inputs)


def average(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Returns the elementwise mean of a list of arrays; functional form of `Average`.

    Args:
        inputs: a list of arrays or symbolic Tensors of shapes that broadcast against each other.
        **kwargs: arguments of the layer, such as `name`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> x, y = np.ones((1, 2)), np.zeros((1, 2))
    >>> cornu.layers.average([x, y]).tolist()
    [[0.5, 0.5]]
    """
    return Average(**kwargs)(inputs)


def maximum(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Returns the elementwise maximum of a list of arrays; functional form of `Maximum`.

    Args:
        inputs: a list of arrays or symbolic Tensors of shapes that broadcast against each other.
        **kwargs: arguments of the layer, such as `name`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> x, y = np.ones((1, 2)), np.zeros((1, 2))
    >>> cornu.layers.maximum([x, y]).tolist()
    [[1.0, 1.0]]
    """
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Returns the elementwise minimum of a list of arrays; functional form of `Minimum`.

    Args:
        inputs: a list of arrays or symbolic Tensors of shapes that broadcast against each other.
        **kwargs: arguments of the layer, such as `name`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> x, y = np.ones((1, 2)), np.zeros((1, 2))
    >>> cornu.layers.minimum([x, y]).tolist()
    [[0.0, 0.0]]
    """
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Sequence[Any], axis: int = -1, **kwargs: Any) -> Any:
    """Concatenates a list of arrays; functional form of `Concatenate`.

    Args:
        inputs: a list of arrays or symbolic Tensors, whose shapes are equal except along the axis.
        axis: the axis; the last one by default.
        **kwargs: arguments of the layer, such as `name`.

    Example:

    >>> import cornu
    >>> a, b = cornu.Input((3,)), cornu.Input((5,))
    >>> cornu.layers.concatenate([a, b]).shape
    (None, 8)
    """
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs: Sequence[Any], axes: int | Sequence[int] = -1, **kwargs: Any) -> Any:
    """Returns the dot product of a list of two arrays; functional form of `Dot`.

    Args:
        inputs: a list of two arrays or symbolic Tensors.
        axes: the axis along which both are multiplied and summed, or a pair with one for each; not
            the batch axis.
        **kwargs: arguments of the layer: `normalize` and `name`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> x = np.ones((1, 2))
    >>> cornu.layers.dot([x, x]).tolist()
    [[2.0]]
    """
    return Dot(axes=axes, **kwargs)(inputs)


def _list_of_shapes(label: str, shapes: Any) -> list[tuple[int | None, ...]]:
    if not isinstance(shapes, (list, tuple)) or not all(isinstance(s, tuple) for s in shapes):
        one = isinstance(shapes, tuple)
        raise ValueError(
            f"{label}: expected a list of arrays, received "
            f"{f'one of shape {shapes}' if one else f'the shapes {shapes}'}.\n"
            "Pass a list: layer([a, b])."
        )
    return list(shapes)


def _check_two(label: str, shapes: Any) -> None:
    if len(shapes) != 2:
        raise ValueError(f"{label}: expected a list of two arrays, received {len(shapes)}.")


def _pad_ranks(samples: list[tuple[int | None, ...]]) -> list[tuple[int | None, ...]]:
    ndim = max(map(len, samples))
    return [(1,) * (ndim - len(sample)) + sample for sample in samples]


def _align_ranks(inputs: Sequence[Array]) -> list[Any]:
    """Gives arrays the same rank by inserting axes of size 1 after the batch axis."""
    ndim = max(x.ndim for x in inputs)
    axes = [tuple(range(1, 1 + ndim - x.ndim)) for x in inputs]
    return [ops.expand_dims(x, new) if new else x for x, new in zip(inputs, axes, strict=True)]


def _align_masks(inputs: Sequence[Array], masks: Any) -> list[Any]:
    """Returns a mask that broadcasts to the aligned input, or True, for each input."""
    ndim = max(x.ndim for x in inputs)
    # As in Keras, the mask of an input of smaller rank is ignored.
    return [
        True if mask is None or x.ndim < ndim else _append_axes(mask, ndim)
        for x, mask in zip(inputs, masks, strict=True)
    ]


def _append_axes(mask: Any, ndim: int) -> Any:
    """Appends axes of size 1 to a mask."""
    return ops.expand_dims(mask, tuple(range(mask.ndim, ndim)))
