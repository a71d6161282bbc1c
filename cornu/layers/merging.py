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
    """The base of layers that combine a list of arrays element by element.

    Sizes of 1 are repeated; arrays with fewer axes get axes of size 1 behind the batch. The
    output counts as present where any input is, if all of them have masks.

    Args:
        **kwargs: `name`, `dtype` and others of `Layer`.

    Raises:
        ValueError: not called on a list, or the shapes do not fit together.
    """

    infers_by_config = True
    rowwise = True
    combine: ClassVar[Callable[..., Any]]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape: ShapeLike) -> None:
        """Checks that the shapes fit together."""
        shapes = _list_of_shapes(self._label(), input_shape)
        batches = {shape[0] for shape in shapes if shape} - {None}
        samples = _pad([shape[1:] for shape in shapes])
        sizes = [set(axis) - {None, 1} for axis in zip(*samples, strict=True)]
        if len(batches) > 1 or any(len(known) > 1 for known in sizes):
            raise ValueError(
                f"{self._label()}: inputs must have equal shapes, or 1 where they differ. "
                f"Received: {', '.join(map(str, shapes))}\n"
                "Bring them to one shape before: a shortcut of other channels or strides needs a "
                "convolution (kernel 1) of its own."
            )

    def call(self, inputs: Sequence[Array]) -> Array:
        """Returns the inputs combined."""
        return functools.reduce(self.combine, _aligned(inputs))

    def compute_mask(
        self, inputs: Sequence[Array], mask: Sequence[Array | None] | None = None
    ) -> Array | None:
        """Returns where any input is present; None if one of them has no mask."""
        if mask is None or any(one is None for one in mask):
            return None
        return functools.reduce(ops.logical_or, mask)


class Add(Merge):
    """Adds arrays.

    Args:
        **kwargs: `name`, `dtype` and others of `Layer`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.Add()([np.array([[1.0, 2.0]]), np.array([[10.0, 20.0]])]).tolist()
    [[11.0, 22.0]]
    """

    combine = staticmethod(jnp.add)


class Subtract(Merge):
    """Subtracts the second array from the first.

    Args:
        **kwargs: `name`, `dtype` and others of `Layer`.

    Raises:
        ValueError: not called on a list of two.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.Subtract()([np.array([[1.0, 2.0]]), np.array([[10.0, 20.0]])]).tolist()
    [[-9.0, -18.0]]
    """

    combine = staticmethod(jnp.subtract)

    def build(self, input_shape: ShapeLike) -> None:
        """Checks that there are two shapes that fit together."""
        super().build(input_shape)
        _check_two(self._label(), input_shape)


class Average(Merge):
    """Computes the mean of arrays.

    Args:
        **kwargs: `name`, `dtype` and others of `Layer`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.Average()([np.array([[1.0, 2.0]]), np.array([[3.0, 6.0]])]).tolist()
    [[2.0, 4.0]]
    """

    combine = staticmethod(jnp.add)

    def call(self, inputs: Sequence[Array]) -> Array:
        """Returns the sum divided by the number of inputs."""
        return super().call(inputs) / len(inputs)


class Multiply(Merge):
    """Multiplies arrays.

    What a mask says is missing counts as 1; where all are missing the output is 0.

    Args:
        **kwargs: `name`, `dtype` and others of `Layer`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.Multiply()([np.array([[1.0, 2.0]]), np.array([[10.0, 20.0]])]).tolist()
    [[10.0, 40.0]]
    """

    combine = staticmethod(jnp.multiply)

    def call(self, inputs: Sequence[Array], mask: Sequence[Array | None] | None = None) -> Array:
        """Returns the product."""
        if mask is None:
            return super().call(inputs)
        factors = _aligned(inputs)
        present = _present(inputs, mask)
        product = super().call(
            [jnp.where(there, x, 1) for x, there in zip(factors, present, strict=True)]
        )
        return jnp.where(functools.reduce(jnp.logical_or, present), product, 0)


class Extremum(Merge):
    """The base of layers that choose one of the inputs, element by element.

    What a mask says is missing is not chosen, unless all are missing.
    """

    def call(self, inputs: Sequence[Array], mask: Sequence[Array | None] | None = None) -> Array:
        """Returns the chosen elements."""
        if mask is None:
            return super().call(inputs)
        arrays = _aligned(inputs)
        chosen, *rest = zip(arrays, _present(inputs, mask), strict=True)
        best, known = chosen
        for x, there in rest:
            x = jnp.where(there, x, best)
            best = self.combine(jnp.where(known, best, x), x)
            known = jnp.logical_or(known, there)
        return best


class Maximum(Extremum):
    """Takes the largest of some arrays, element by element.

    Args:
        **kwargs: `name`, `dtype` and others of `Layer`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.Maximum()([np.array([[1.0, 20.0]]), np.array([[10.0, 2.0]])]).tolist()
    [[10.0, 20.0]]
    """

    combine = staticmethod(jnp.maximum)


class Minimum(Extremum):
    """Takes the smallest of some arrays, element by element.

    Args:
        **kwargs: `name`, `dtype` and others of `Layer`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.Minimum()([np.array([[1.0, 20.0]]), np.array([[10.0, 2.0]])]).tolist()
    [[1.0, 2.0]]
    """

    combine = staticmethod(jnp.minimum)


class Concatenate(Merge):
    """Joins arrays along an axis.

    Args:
        axis: the axis.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x[i] (batch, ..., n[i], ...) -> (batch, ..., sum of n, ...)

    Raises:
        ValueError: not called on a list, or the shapes differ on another axis.

    Example:

    >>> import cornu
    >>> cornu.layers.Concatenate()([cornu.Input((4, 2)), cornu.Input((4, 3))]).shape
    (None, 4, 5)
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis
        self.rowwise = axis != 0

    def build(self, input_shape: ShapeLike) -> None:
        """Checks that the shapes fit together."""
        shapes = _list_of_shapes(self._label(), input_shape)
        ndim = len(shapes[0])
        fit = -ndim <= self.axis < ndim and all(len(shape) == ndim for shape in shapes)
        if fit:
            others = [axis for axis in range(ndim) if axis != self.axis % ndim]
            fit = all(len({shape[axis] for shape in shapes} - {None}) <= 1 for axis in others)
        if not fit:
            raise ValueError(
                f"{self._label()}: inputs must have equal shapes but for axis {self.axis}. "
                f"Received: {', '.join(map(str, shapes))}\n"
                "Bring them to one shape before (padding='same', Cropping, ZeroPadding, Resizing), "
                "or join another axis."
            )

    def call(self, inputs: Sequence[Array]) -> Array:
        """Returns the inputs joined."""
        return jnp.concatenate(inputs, axis=self.axis)

    def compute_mask(
        self, inputs: Sequence[Array], mask: Sequence[Array | None] | None = None
    ) -> Array | None:
        """Returns where any feature of the output is present."""
        if mask is None or all(one is None for one in mask):
            return None
        spread = [
            ops.broadcast_to(True if one is None else _spread(one, x.ndim), ops.shape(x))
            for x, one in zip(inputs, mask, strict=True)
        ]
        return ops.any(ops.concatenate(spread, axis=self.axis), axis=-1)


class Dot(Merge):
    """Computes the dot product of two arrays along one axis of each, sample by sample.

    y[b, i..., j...] = sum_k x1[b, i..., k] * x2[b, j..., k], with k at `axes`

    Args:
        axes: the axis, or a pair of them; never the batch.
        normalize: whether the arrays are divided by their Euclidean norms along the axes, so that
            the result is a cosine.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x1 (batch, i..., k), x2 (batch, j..., k) -> (batch, i..., j...), or (batch, 1)

    Raises:
        ValueError: not called on a list of two, or the sizes differ along the axes.

    Example:

    >>> import cornu
    >>> cornu.layers.Dot(axes=(1, 2))([cornu.Input((3, 5)), cornu.Input((10, 3))]).shape
    (None, 5, 10)
    """

    def __init__(self, axes: int | Sequence[int], normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        pair = axes if isinstance(axes, (list, tuple)) else (axes, axes)
        if len(pair) != 2 or not all(isinstance(axis, int) for axis in pair):
            raise ValueError(
                f"{self._label()}: axes is an integer or a pair of integers. Received: {axes!r}"
            )
        self.axes = axes
        self.normalize = normalize
        self._pair = tuple(pair)

    def build(self, input_shape: ShapeLike) -> None:
        """Checks that there are two shapes that fit together."""
        shapes = _list_of_shapes(self._label(), input_shape)
        _check_two(self._label(), shapes)
        within = [-len(s) <= axis < len(s) for s, axis in zip(shapes, self._pair, strict=True)]
        if not all(within) or 0 in self._places(shapes):
            raise ValueError(
                f"{self._label()}: axes={self.axes!r} must be axes of the inputs, and not the "
                f"batch. Received the shapes {shapes[0]} and {shapes[1]}."
            )
        i, j = self._places(shapes)
        if None not in (shapes[0][i], shapes[1][j]) and shapes[0][i] != shapes[1][j]:
            raise ValueError(
                f"{self._label()}: the sizes along axes={self.axes!r} differ: {shapes[0][i]} and "
                f"{shapes[1][j]}. Received the shapes {shapes[0]} and {shapes[1]}."
            )

    def _places(self, shapes: Any) -> list[int]:
        return [axis % len(shape) for axis, shape in zip(self._pair, shapes, strict=True)]

    def call(self, inputs: Sequence[Array]) -> Array:
        """Returns the dot products."""
        i, j = self._places([x.shape for x in inputs])
        a, b = inputs
        if self.normalize:
            a, b = ops.normalize(a, axis=i), ops.normalize(b, axis=j)
        products = jax.vmap(lambda x, y: jnp.tensordot(x, y, axes=(i - 1, j - 1)))(a, b)
        return products[:, None] if products.ndim == 1 else products

    def compute_mask(
        self, inputs: Sequence[Array], mask: Sequence[Array | None] | None = None
    ) -> None:
        """Returns None: the output has no axis of time."""


def add(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Applies an `Add` layer to a list."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Applies a `Subtract` layer to a list of two."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Applies a `Multiply` layer to a list."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Applies an `Average` layer to a list."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Applies a `Maximum` layer to a list."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Applies a `Minimum` layer to a list."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Sequence[Any], axis: int = -1, **kwargs: Any) -> Any:
    """Applies a `Concatenate` layer to a list."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs: Sequence[Any], axes: int | Sequence[int] = -1, **kwargs: Any) -> Any:
    """Applies a `Dot` layer to a list of two."""
    return Dot(axes=axes, **kwargs)(inputs)


def _list_of_shapes(label: str, shapes: Any) -> list[tuple[int | None, ...]]:
    if not isinstance(shapes, (list, tuple)) or not all(isinstance(s, tuple) for s in shapes):
        one = isinstance(shapes, tuple)
        raise ValueError(
            f"{label}: expected a list of arrays, received "
            f"{f'one of shape {shapes}' if one else f'the shapes {shapes}'}.\n"
            "Write layer([a, b]), with brackets."
        )
    return list(shapes)


def _check_two(label: str, shapes: Any) -> None:
    if len(shapes) != 2:
        raise ValueError(f"{label}: expected a list of two arrays, received {len(shapes)}.")


def _pad(samples: list[tuple[int | None, ...]]) -> list[tuple[int | None, ...]]:
    ndim = max(map(len, samples))
    return [(1,) * (ndim - len(sample)) + sample for sample in samples]


def _aligned(inputs: Sequence[Array]) -> list[Any]:
    """Returns arrays of equally many axes, by new ones of size 1 behind the batch."""
    ndim = max(x.ndim for x in inputs)
    return [jnp.expand_dims(x, range(1, 1 + ndim - x.ndim)) for x in inputs]


def _present(inputs: Sequence[Array], masks: Any) -> list[Any]:
    """Returns for each input where it counts: an array that broadcasts to it, or True."""
    ndim = max(x.ndim for x in inputs)
    # As in Keras, the mask of an input that gets new axes does not reach them.
    return [
        True if mask is None or x.ndim < ndim else _spread(mask, ndim)
        for x, mask in zip(inputs, masks, strict=True)
    ]


def _spread(mask: Any, ndim: int) -> Any:
    """Adds axes behind those of a mask."""
    return ops.expand_dims(mask, tuple(range(mask.ndim, ndim)))
