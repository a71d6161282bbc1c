"""Input: the inputs of a functional graph."""

from __future__ import annotations

import weakref
from typing import Any

from cornu.core.graph.tensor import Node, Tensor, standardize_shape
from cornu.core.layer.layer import Layer
from cornu.types import DTypeLike

__all__ = ["Input", "InputLayer"]


class InputLayer(Layer):
    """Holds the place of an array that a model will be given.

    `Input()` makes one and returns its Tensor; the layer itself is of use as the first one of a
    Sequential model.

    Args:
        shape: the shape of one sample, without batch axis; `None` for sizes that may vary.
        batch_size: the number of samples, if it is always the same.
        dtype: the dtype of the array; the process-wide float type by default.
        sparse, ragged: must not be True.
        batch_shape: the shape with the batch axis, instead of `shape` and `batch_size`.
        input_tensor: a Tensor that nothing made yet, to be used instead of a new one.
        optional: whether the model may be given `None` for it.
        name: the name of the layer and of its Tensor.
        **kwargs: `input_shape` or `batch_input_shape`, which mean `shape` and `batch_shape`.

    Raises:
        ValueError: no shape, or two that contradict each other.

    Example:

    >>> import cornu
    >>> layer = cornu.layers.InputLayer(shape=(28, 28), name="image")
    >>> layer.output
    <Tensor shape=(None, 28, 28), dtype=float32, name=image>
    """

    rowwise = True

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        dtype: DTypeLike | None = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Any = None,
        input_tensor: Tensor | None = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, batch_size=batch_size, **kwargs)
        if dtype in ("string", str, bytes):
            raise TypeError(
                f"{self._label()}: a model takes numbers, JAX has no strings.\n"
                "Turn them into numbers before the model, by StringLookup, Hashing or "
                "TextVectorization: layer(x), or dataset.map(layer)."
            )
        if batch_shape is None and shape is None:
            batch_shape = self._input_shape_given
        elif batch_shape is None:
            if isinstance(shape, int):
                raise ValueError(
                    f"{self._label()}: shape is a tuple, the shape of one sample. "
                    f"Received: {shape}\nWrite shape=({shape},), with the comma."
                )
            batch_shape = (batch_size, *standardize_shape(shape))
        elif shape is not None or batch_size is not None:
            raise ValueError(
                f"{self._label()}: batch_shape={batch_shape} holds everything. "
                "Leave `shape` and `batch_size` out."
            )
        if input_tensor is not None:
            self._check_tensor(input_tensor, batch_shape, dtype)
        elif batch_shape is None:
            raise ValueError(
                f"{self._label()} needs a shape, without batch axis: `Input(shape=(32,))`, or "
                "`Input(shape=())` for one number a sample."
            )
        else:
            input_tensor = Tensor(
                batch_shape,
                dtype,
                sparse=bool(sparse),
                ragged=bool(ragged),
                name=self.name,
                optional=optional,
            )
        self.optional = optional
        self.built = True
        # Only the Tensor keeps its node alive, and nothing else refers to the Tensor yet.
        self._tensor = input_tensor
        self._nodes = [weakref.ref(Node(self, (), {}, input_tensor))]

    def _check_tensor(self, tensor: Any, batch_shape: Any, dtype: DTypeLike | None) -> None:
        if not isinstance(tensor, Tensor):
            raise TypeError(
                f"{self._label()}: `tensor` must be a symbolic Tensor. Received: {tensor!r}"
            )
        if tensor.node is not None and tensor.node.inputs:
            raise ValueError(
                f"{self._label()}: {tensor!r} was made by {tensor.node.name!r} already. A model "
                "may begin in the middle of a graph: pass the Tensor as `inputs` of the model."
            )
        if batch_shape is not None and tensor.shape != standardize_shape(batch_shape):
            raise ValueError(
                f"{self._label()}: the shape {tuple(batch_shape)} is not that of {tensor!r}."
            )
        if dtype is not None and tensor.dtype != dtype:
            raise ValueError(f"{self._label()}: dtype={dtype!r} is not that of {tensor!r}.")

    @property
    def batch_shape(self) -> tuple[int | None, ...]:
        """The shape of the Tensor."""
        return self._tensor.shape

    @property
    def dtype(self) -> str:
        """The dtype of the Tensor."""
        return self._tensor.dtype

    def call(self) -> Tensor:
        """Returns the Tensor."""
        return self._tensor

    def get_config(self) -> dict[str, Any]:
        """Returns the description of the Tensor."""
        return {
            "batch_shape": self.batch_shape,
            "dtype": self.dtype,
            "sparse": False,
            "ragged": False,
            "name": self.name,
            "optional": self.optional,
        }


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    dtype: DTypeLike | None = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Any = None,
    name: str | None = None,
    tensor: Tensor | None = None,
    optional: bool = False,
) -> Tensor:
    """Returns a symbolic Tensor that stands for an array that the model will be given.

    Args:
        shape: the shape of one sample, without batch axis; `None` for sizes that may vary.
        batch_size: the number of samples, if it is always the same.
        dtype: the dtype of the array; the process-wide float type by default.
        sparse, ragged: must not be True.
        batch_shape: the shape with the batch axis, instead of `shape` and `batch_size`.
        name: its name; `input_layer`, `input_layer_1`, ... by default.
        tensor: a Tensor that nothing made yet, to be used instead of a new one.
        optional: whether the model may be given `None` for it.

    Raises:
        ValueError: no shape, or two that contradict each other.

    Example:

    >>> import cornu
    >>> x = cornu.Input(shape=(32,), name="features")
    >>> cornu.layers.Dense(4)(x).shape
    (None, 4)
    """
    return InputLayer(
        shape=shape,
        batch_size=batch_size,
        dtype=dtype,
        sparse=sparse,
        ragged=ragged,
        batch_shape=batch_shape,
        name=name,
        input_tensor=tensor,
        optional=optional,
    ).output
