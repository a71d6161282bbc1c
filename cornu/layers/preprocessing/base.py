"""Base classes of preprocessing layers, which run in models and in data pipelines."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import Any, ClassVar, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from cornu import tree
from cornu.core.graph.op import VariableBase
from cornu.core.graph.tensor import STRINGS_NOT_ACCEPTED, Tensor
from cornu.core.layer.layer import Layer
from cornu.core.state import scope
from cornu.core.state.aligned import empty_aligned
from cornu.core.state.dtypes import narrowed
from cornu.layers.preprocessing import tf_data
from cornu.layers.preprocessing.images.sample import to_dense_boxes
from cornu.layers.preprocessing.reading import as_array, holds_strings
from cornu.types import Array, DTypeLike

# A NumPy array, which may hold strings, or a JAX array.
HostArray: TypeAlias = np.ndarray | Array

_SMALL = 1 << 18  # bytes of an output
_MANY = 50  # calls with outputs of one shape

__all__ = [
    "AdaptableLayer",
    "DatasetLayer",
    "HostArray",
    "PreprocessingLayer",
    "as_output",
    "check_sparse",
    "default_dtype",
    "host_outputs",
    "is_alone",
    "new_output",
    "output_dtype",
    "to_host",
]


class DatasetLayer(Layer):
    """Base class of layers that may be mapped over a `tf.data.Dataset`.

    There the layer runs on the host for each element, so that a random layer returns different
    numbers for each, as in a loop over the elements.
    """

    # The parameter has this name in Keras, too, whatever that of `call` is named.
    def __call__(self, inputs: Any, *others: Any, **kwargs: Any) -> Any:
        args = (to_dense_boxes(inputs) if isinstance(inputs, dict) else inputs, *others)
        if tf_data.is_tracing((args, kwargs)):
            return tf_data.without_autograph(tf_data.call_on_host)(self, args, kwargs)
        return super().__call__(*args, **kwargs)

    def _convert_arguments_(self, args: Any, kwargs: Any) -> tuple[Any, Any]:
        if not (len(args) == 1 and isinstance(args[0], jax.Array)):
            args = tree.map(_from_other_library, args)
        return super()._convert_arguments_(args, kwargs)

    @property
    def returns_strings(self) -> bool:
        """Whether the output is an array of strings."""
        return False

    def convert_weight(self, weight: Any) -> Any:
        """Returns a weight for use in the pipeline of data, in which all layers run on JAX.

        Args:
            weight: a weight of the layer, or an array.
        """
        return weight


class PreprocessingLayer(DatasetLayer):
    """Base class of layers that accept data of any library, inside or outside of a model.

    A preprocessing layer may be called on arrays, lists, data frame columns and tensors, and
    mapped over a `tf.data.Dataset` or a Grain dataset.
    """

    _rowwise_ = True
    # Whether an input must consist of strings; `_accepts_strings_` tells whether it may.
    _requires_strings_: ClassVar[bool] = False
    # Whether `call` of the class, not of its subclasses, computes NumPy arrays with NumPy.
    _computes_with_numpy_: ClassVar[bool] = False
    _bookkeeping_ = Layer._bookkeeping_ | {"_fixed"}

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        self = super().__new__(cls, *args, **kwargs)
        self._fixed = False
        return self

    @property
    def input_dtype(self) -> str:
        """The dtype that float inputs are cast to; `"string"` for a layer of strings."""
        return "string" if self._requires_strings_ else self.compute_dtype

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        tensors = [x for x in tree.leaves((args, kwargs)) if isinstance(x, Tensor)]
        strings = [x for x in tensors if x.dtype == "string"]
        if strings and not self._accepts_strings_:
            raise TypeError(STRINGS_NOT_ACCEPTED)
        if self._requires_strings_ and not strings:
            raise TypeError(
                f"expected strings, received a Tensor of {tensors[0].dtype}.\n"
                "Create the input with Input(shape, dtype='string'); for numbers use a layer of "
                "numbers, such as IntegerLookup or Hashing."
            )
        if self.returns_strings:
            raise TypeError(
                "the layer returns strings, which a compiled model cannot compute.\n"
                "Apply it to the predictions: layer(model.predict(x))."
            )
        return super().symbolic_call(*args, **kwargs)

    def read(self, x: HostArray) -> Any:
        """Converts an argument of a call to an array.

        Args:
            x: the argument: an array, a list, a column of a data frame, or a tensor of another
                library.
        """
        return jnp.asarray(self._read_on_host_(x))

    def _read_on_host_(self, x: HostArray) -> Any:
        """Like `read`, but numbers of NumPy stay there."""
        array = as_array(x, "the input")
        if holds_strings(array):
            raise TypeError(
                "expected numbers, received strings.\n"
                "Convert them to integers first, with StringLookup or Hashing."
            )
        return narrowed(array) if isinstance(array, np.ndarray) else array

    def call_on_host(self, x: HostArray) -> Any:
        """Returns the output for an array, without the steps around `call` where they do nothing.

        Within `host_outputs`, layers that compute with NumPy return a NumPy array. These steps
        take JAX longer than the computation of a few hundred rows.

        Args:
            x: an argument of a call.
        """
        return self.call(self._read_on_host_(x)) if self._calls_plainly_(x) else self(x)

    def _calls_plainly_(self, x: HostArray) -> bool:
        """Whether the steps around `call` do nothing for an argument."""
        around = scope.current()
        plain = type(self).__dict__.get("_computes_with_numpy_") and self.built
        # With a parent, Variables may have values that are being traced.
        alone = around.parent is None and around.interceptor is None
        return bool(plain and alone and isinstance(x, np.ndarray))

    def _convert_arguments_(self, args: Any, kwargs: Any) -> tuple[Any, Any]:
        read = {
            name: value if value is None or isinstance(value, bool) else self.read(value)
            for name, value in kwargs.items()
        }
        return tuple(self.read(x) for x in args), read

    def fixed_in(self, x: HostArray) -> None:
        """Records that a compiled program holds the layer's state, if `x` is being traced.

        Args:
            x: an input of the call.
        """
        # Shape inference also traces the call, but its result holds no state.
        if isinstance(x, jax.core.Tracer) and not scope.current().inferring_shapes:
            self._fixed = True

    def check_changeable(self) -> None:
        """Raises if a compiled program holds the state of the layer as a constant."""
        if self._fixed:
            raise RuntimeError(
                f"{self._label_()} is part of a compiled program, which holds the state of the "
                "layer as a constant.\nAdapt a new layer and build the model with it."
            )


class AdaptableLayer(PreprocessingLayer):
    """Base class of layers that compute their state from data in `adapt`, batch by batch."""

    @property
    def adaptable(self) -> bool:
        """Whether `adapt` computes the state, because it was not passed to the constructor."""
        raise NotImplementedError

    def _adapt(self, batches: Iterable[Any]) -> None:
        """Computes the state from batches; the earlier state is discarded."""
        self.reset_state()
        for batch in batches:
            self.update_state(batch)
        self.finalize_state()

    def reset_state(self) -> None:
        """Discards the statistics of the data passed to `update_state`."""
        raise NotImplementedError

    def update_state(self, data: Any) -> None:
        """Updates the statistics with a batch.

        Args:
            data: a batch, as `adapt` reads it from its argument.
        """
        raise NotImplementedError

    def finalize_state(self) -> None:
        """Computes the state from the statistics of the data passed to `update_state`."""
        raise NotImplementedError


def _from_other_library(x: Any) -> Any:
    """Converts a tensor of another library, such as an element of a dataset, to a NumPy array."""
    ours = isinstance(x, (jax.Array, np.ndarray, VariableBase))
    return x if ours or not hasattr(x, "__array__") else as_array(x, "the input")


def to_host(x: HostArray) -> Any:
    """Converts an array to a NumPy array, unless it is being traced."""
    return x if isinstance(x, jax.core.Tracer) else np.asarray(x)


_keeps_on_host: ContextVar[bool] = ContextVar("keeps_on_host", default=False)


@contextlib.contextmanager
def host_outputs() -> Iterator[None]:
    """Within it, layers that compute with NumPy return NumPy arrays.

    A reader of data needs no arrays of JAX, which would wait for the step that is running.
    """
    token = _keeps_on_host.set(True)
    try:
        yield
    finally:
        _keeps_on_host.reset(token)


def is_alone() -> bool:
    """Whether no layer, transformation or interceptor is active, so that a call is only itself."""
    around = scope.current()
    return around.parent is None and not around.layer_path and around.interceptor is None


def new_output(x: np.ndarray) -> Any:
    """Returns an array that the caller has created and does not use any more as an output."""
    if _keeps_on_host.get():
        return x
    if x.nbytes < _SMALL:
        key = x.shape, x.dtype.char
        calls = _calls.get(key, 0)
        if calls >= _MANY:
            return _to_device(x)
        _calls[key] = calls + 1
    return jax.device_put(x)


# The call of a compiled program takes a third of the time of `device_put`, but each shape has to be
# compiled.
_to_device = jax.jit(lambda x: jnp.asarray(x))
_calls: dict[tuple[tuple[int, ...], str], int] = {}


def as_output(x: HostArray) -> Any:
    """Converts numbers to a JAX array; returns strings and large integers unchanged."""
    if isinstance(x, np.ndarray) and not holds_strings(x):
        # Without x64, JAX would silently wrap integers that do not fit into 32 bits.
        if x.dtype == "int64" and x.size and not jax.config.read("jax_enable_x64"):
            if max(-int(x.min()), int(x.max())) >= 2**31:
                return x
        dtype = jax.dtypes.canonicalize_dtype(x.dtype)
        if _keeps_on_host.get():
            return x.astype(dtype, copy=False)
        # `jnp.asarray` compiles a program for each shape.
        copy = empty_aligned(x.shape, dtype)
        np.copyto(copy, x, "unsafe")
        return new_output(copy)
    return x


def default_dtype(output_mode: str, dtype: DTypeLike | None) -> DTypeLike | None:
    """Returns `dtype`, or by default int64 for a layer that returns indices."""
    return "int64" if output_mode == "int" and dtype is None else dtype


def output_dtype(layer: Layer) -> str:
    """Returns the dtype of a layer's output; without x64, int64 becomes int32."""
    return jax.dtypes.canonicalize_dtype(layer.compute_dtype).name


def check_sparse(label: str, sparse: Any, output_mode: str) -> bool:
    """Returns the argument `sparse`; raises a ValueError for sparse indices."""
    if sparse and output_mode == "int":
        raise ValueError(
            f"{label}: sparse=True requires output_mode 'one_hot', 'multi_hot', 'count' or "
            "'tf_idf'. Received: output_mode='int'\nPass one of them; indices are a dense array."
        )
    return bool(sparse)
