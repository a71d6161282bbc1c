"""Input and InputLayer: the inputs of a functional model."""

from __future__ import annotations

import weakref
from typing import Any

from cornu.core.graph.tensor import Node, Tensor, standardize_shape
from cornu.core.layer.layer import Layer
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.types import DTypeLike

__all__ = ["Input", "InputLayer"]


class InputLayer(Layer):
    """Layer that represents an input of a model.

    `Input()` creates one and returns its symbolic Tensor. The layer itself is useful as the first
    layer of a Sequential model.

    Args:
        shape: the shape of one sample, without the batch axis. `None` for sizes that may vary.
        batch_size: the batch size, if it is fixed.
        dtype: the dtype of the array; `cornu.config.floatx()` by default. `"string"` for strings,
            which a layer such as TextVectorization or StringLookup converts to numbers.
        sparse: whether sparse arrays of JAX or SciPy remain sparse. All inputs accept them; others
            are converted to dense arrays.
        ragged: not supported; must not be True.
        batch_shape: the shape including the batch axis, instead of `shape` and `batch_size`.
        input_tensor: a symbolic Tensor that is not the output of a layer, used instead of a new
            one.
        optional: whether the model accepts `None` for this input.
        name: the name of the layer and of its Tensor.
        **kwargs: `input_shape` or `batch_input_shape`, older names of `shape` and `batch_shape`.

    Raises:
        ValueError: no shape is given, or `shape` and `batch_shape` both are, or a flag is neither
            True nor False.

    Example:

    >>> import cornu
    >>> layer = cornu.layers.InputLayer(shape=(28, 28), name="image")
    >>> layer.output
    <Tensor shape=(None, 28, 28), dtype=float32, name=image>
    """

    _rowwise_ = True

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
        for argument, value in (("sparse", sparse), ("ragged", ragged), ("optional", optional)):
            if value not in (None, False, True):
                raise ValueError(
                    f"{self._label_()}: {argument} must be True or False. Received: {value!r}"
                )
        if dtype in (str, bytes):
            dtype = "string"
        if batch_shape is None and shape is None:
            batch_shape = self._input_shape_given_
        elif batch_shape is None:
            if isinstance(shape, int):
                raise ValueError(
                    f"{self._label_()}: shape must be a tuple, the shape of one sample. "
                    f"Received: {shape}\nWrite shape=({shape},), with the comma."
                )
            batch_shape = (batch_size, *standardize_shape(shape))
        elif shape is not None or batch_size is not None:
            raise ValueError(
                f"{self._label_()}: `batch_shape` cannot be combined with `shape` or `batch_size`. "
                f"Received: batch_shape={batch_shape}, shape={shape}, batch_size={batch_size}"
            )
        if input_tensor is not None:
            self._check_tensor(input_tensor, batch_shape, dtype)
        elif batch_shape is None:
            raise ValueError(
                f"{self._label_()} requires a shape, without the batch axis: `Input(shape=(32,))`, "
                "or `Input(shape=())` for one number per sample."
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
        # A node is referenced weakly by its layer and strongly by its Tensor, so that a discarded
        # graph can be freed. Nothing else refers to the Tensor yet, so the layer keeps it.
        self._tensor = input_tensor
        self._nodes_ = [weakref.ref(Node(self, (), {}, input_tensor))]

    def _check_tensor(self, tensor: Any, batch_shape: Any, dtype: DTypeLike | None) -> None:
        if not isinstance(tensor, Tensor):
            raise TypeError(
                f"{self._label_()}: `tensor` must be a symbolic Tensor. Received: {tensor!r}"
            )
        if tensor.node is not None and tensor.node.inputs:
            raise ValueError(
                f"{self._label_()}: {tensor!r} is already the output of {tensor.node.name!r}. To "
                "start a model in the middle of a graph, pass the Tensor as `inputs` of the model."
            )
        if batch_shape is not None and tensor.shape != standardize_shape(batch_shape):
            raise ValueError(
                f"{self._label_()}: the shape {tuple(batch_shape)} differs from that of {tensor!r}."
            )
        if dtype is not None and tensor.dtype != dtype:
            raise ValueError(f"{self._label_()}: dtype={dtype!r} differs from that of {tensor!r}.")

    @property
    def batch_shape(self) -> tuple[int | None, ...]:
        """The shape of the input, including the batch axis."""
        return self._tensor.shape

    @property
    def sparse(self) -> bool:
        """Whether the input is meant for sparse arrays."""
        return self._tensor.sparse

    @property
    def dtype(self) -> str:
        """The dtype of the input."""
        return self._tensor.dtype

    def _label_(self) -> str:
        # Most programs call `Input()`, and do not know that it creates a layer.
        return f"Input {self.name!r}"

    def call(self) -> Tensor:
        """Returns the symbolic Tensor."""
        return self._tensor

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that recreate the layer."""
        return {
            "batch_shape": self.batch_shape,
            "dtype": self.dtype,
            "sparse": self.sparse,
            "ragged": False,
            "name": self.name,
            "optional": self.optional,
        }


@api_boundary
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
    """Returns a symbolic Tensor, an input of a functional model.

    Args:
        shape: the shape of one sample, without the batch axis. `None` for sizes that may vary.
        batch_size: the batch size, if it is fixed.
        dtype: the dtype of the array; `cornu.config.floatx()` by default. `"string"` for strings,
            which a layer such as TextVectorization or StringLookup converts to numbers.
        sparse: whether sparse arrays of JAX or SciPy remain sparse. All inputs accept them; others
            are converted to dense arrays.
        ragged: not supported; must not be True.
        batch_shape: the shape including the batch axis, instead of `shape` and `batch_size`.
        name: the name of the input; `input_layer`, `input_layer_1`, ... by default.
        tensor: a symbolic Tensor that is not the output of a layer, used instead of a new one.
        optional: whether the model accepts `None` for this input.

    Raises:
        ValueError: no shape is given, or `shape` and `batch_shape` both are.

    Example:

    >>> import cornu
    >>> x = cornu.Input(shape=(32,), name="features")
    >>> cornu.layers.Dense(4)(x).shape
    (None, 4)

    Differences: in `fit`, `evaluate` and `predict`, batches of sparse arrays are padded to few
    numbers of entries, so that a step is compiled once and not for each number. Layers that do not
    compute with sparse arrays receive dense ones. Dividing a sparse array keeps 0 where no value
    is stored, also where the divisor is 0.
    """
    layer = InputLayer(
        shape=shape,
        batch_size=batch_size,
        dtype=dtype,
        sparse=sparse,
        ragged=ragged,
        batch_shape=batch_shape,
        name=name,
        input_tensor=tensor,
        optional=optional,
    )
    output: Tensor = layer.output
    return output
