"""Preprocess: the base of preprocessing layers, for models and for data pipelines."""

from __future__ import annotations

from typing import Any, ClassVar, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from cornu.core.layer.layer import Layer
from cornu.core.state import scope
from cornu.layers.preprocessing import tf_data
from cornu.layers.preprocessing.reading import as_array, holds_strings
from cornu.types import Array, DTypeLike

# An array of NumPy, which may hold strings, or of JAX.
HostArray: TypeAlias = np.ndarray | Array

__all__ = [
    "HostArray",
    "Learning",
    "Preprocess",
    "as_output",
    "default_dtype",
    "no_sparse",
    "on_host",
    "one_of",
    "output_dtype",
]

ON_DATA = "Apply the layer to the data first, by layer(x) or dataset.map(layer)."


class Preprocess(Layer):
    """A layer that takes data of any library, also where it does not stand in a model.

    It may be called on arrays, lists, columns of data frames and tensors, and be mapped over a
    `tf.data.Dataset` or Grain dataset.
    """

    rowwise = True
    # Whether it works on strings, which symbolic Tensors cannot represent.
    only_on_data: ClassVar[bool] = False
    bookkeeping = Layer.bookkeeping | {"_fixed"}

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        self = super().__new__(cls, *args, **kwargs)
        self._fixed = False
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if tf_data.is_tracing((args, kwargs)):
            return tf_data.without_autograph(tf_data.call_on_host)(self, args, kwargs)
        return super().__call__(*args, **kwargs)

    def _call_symbolic(self, args: Any, kwargs: Any) -> Any:
        if self.only_on_data:
            raise TypeError(
                "it works on strings, which no symbolic Tensor can stand for.\n"
                f"{ON_DATA} Begin the model with what comes out of it."
            )
        return super()._call_symbolic(args, kwargs)

    @property
    def gives_strings(self) -> bool:
        """Whether the output is an array of strings."""
        return False

    def read(self, x: HostArray) -> Any:
        """Returns an argument of a call as an array."""
        array = as_array(x, "the input")
        if holds_strings(array):
            raise TypeError(
                "it takes numbers; received strings.\n"
                "Turn them into integers first, by StringLookup or Hashing."
            )
        return jnp.asarray(array)

    def _convert_arguments(self, args: Any, kwargs: Any) -> tuple[Any, Any]:
        read = {
            name: value if value is None or isinstance(value, bool) else self.read(value)
            for name, value in kwargs.items()
        }
        return tuple(self.read(x) for x in args), read

    def fixed_in(self, x: HostArray) -> None:
        """Notes that a compiled program holds the layer's state, if it is called in one."""
        if isinstance(x, jax.core.Tracer) and not scope.current().inferring_shapes:
            self._fixed = True

    def check_changeable(self) -> None:
        """Refuses to change a state that compiled programs hold."""
        if self._fixed:
            raise RuntimeError(
                f"{self._label()} is part of a compiled program, which keeps its state as it was.\n"
                "Adapt a new layer, and build the model with that."
            )


class Learning(Preprocess):
    """A layer that learns from data, without training: in `adapt`, batch by batch."""

    @property
    def adaptable(self) -> bool:
        """Whether there is something to learn, because it was not given."""
        raise NotImplementedError

    def reset_state(self) -> None:
        """Forgets the data seen by `update_state`."""
        raise NotImplementedError

    def update_state(self, data: Any) -> None:
        """Takes a batch into account."""
        raise NotImplementedError

    def finalize_state(self) -> None:
        """Learns from the data seen by `update_state`."""
        raise NotImplementedError


def on_host(x: HostArray) -> Any:
    """Returns an array of NumPy, unless it is being traced."""
    return x if isinstance(x, jax.core.Tracer) else np.asarray(x)


def as_output(x: HostArray) -> Any:
    """Returns numbers as an array of JAX, and strings (or too large integers) as they are."""
    if isinstance(x, np.ndarray) and not holds_strings(x):
        if x.dtype == "int64" and x.size and not jax.config.read("jax_enable_x64"):
            if max(-int(x.min()), int(x.max())) >= 2**31:
                return x
        return jnp.asarray(x)
    return x


def default_dtype(output_mode: str, dtype: DTypeLike | None) -> DTypeLike | None:
    """Returns the dtype of a layer that gives indices or vectors, if none is asked for."""
    return "int64" if output_mode == "int" and dtype is None else dtype


def output_dtype(layer: Layer) -> str:
    """Returns the dtype of a layer's output; JAX has long integers only where asked for."""
    return jax.dtypes.canonicalize_dtype(layer.compute_dtype).name


def one_of(label: str, name: str, value: Any, allowed: tuple[Any, ...]) -> Any:
    """Returns an argument that must be one of a few."""
    if value not in allowed:
        raise ValueError(f"{label}: {name} must be one of {allowed}. Received: {value!r}")
    return value


def no_sparse(label: str, sparse: Any, ragged: Any = False) -> None:
    """Raises for sparse and ragged arrays."""
    for name, value in (("sparse", sparse), ("ragged", ragged)):
        if value:
            raise NotImplementedError(
                f"{label}: {name}={value!r} is not supported, arrays are dense here.\n"
                + ("Leave it out." if name == "sparse" else "The rows are filled up with 0.")
            )
