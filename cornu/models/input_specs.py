"""Shapes and dtypes of the inputs and outputs of a model: of Tensors, of data and in configs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from cornu import tree
from cornu.core.graph.tensor import Tensor
from cornu.core.sparse.arrays import is_sparse
from cornu.data.lazy_columns import Column
from cornu.types import DataLike, PyTree

__all__ = [
    "format_shapes",
    "map_specs",
    "of_any_rows",
    "shapes",
    "spec",
    "spec_of",
    "spec_of_same_shape",
]


def map_specs(fn: Callable[[Any, str], Any], inputs: PyTree) -> Any:
    """Applies a function to each `[shape, dtype]` in the structure of a build config."""
    if isinstance(inputs, dict):
        return {name: map_specs(fn, item) for name, item in inputs.items()}
    if len(inputs) == 2 and isinstance(inputs[1], str):
        return fn(tuple(inputs[0]), inputs[1])
    return [map_specs(fn, item) for item in inputs]


def format_shapes(tensors: PyTree) -> str:
    """Formats the shapes of the inputs or outputs of a model, in their structure."""
    return str(tree.map(lambda tensor: tensor.shape, tensors))


def shapes(tensors: PyTree) -> Any:
    """Returns the shape of the only Tensor, or the shapes in their structure."""
    leaves = tree.leaves(tensors)
    return leaves[0].shape if len(leaves) == 1 else tree.map(lambda t: t.shape, tensors)


def spec(tensor: Tensor) -> tuple[Any, str, bool]:
    """Returns shape, dtype and whether it is sparse: the arguments of a Tensor like this one."""
    return tensor.shape, tensor.dtype, tensor.sparse


def spec_of(x: DataLike) -> Any:
    """Returns a Tensor of the shape and dtype of data, with any number of rows."""
    if x is None:
        return None
    if isinstance(x, Tensor):
        return of_any_rows(x)
    if is_sparse(x):
        return Tensor((None, *x.shape[1:]), jax.dtypes.canonicalize_dtype(x.dtype), sparse=True)
    x = _with_dtype(x)
    if x.dtype.kind in "OUST":
        return Tensor((None, *x.shape[1:]), "string")
    return Tensor((None, *x.shape[1:]), jax.dtypes.canonicalize_dtype(x.dtype))


def of_any_rows(tensor: Tensor | None) -> Tensor | None:
    """Returns a Tensor like another one, with any number of rows."""
    if tensor is None or not tensor.shape:
        return tensor
    return Tensor((None, *tensor.shape[1:]), tensor.dtype, sparse=tensor.sparse)


def spec_of_same_shape(x: DataLike) -> Any:
    """Returns a Tensor of the shape and dtype of data, with as many rows."""
    found = spec_of(x)
    if isinstance(x, Tensor):
        return x
    known = found is not None and not found.sparse and found.dtype != "string"
    return Tensor(_with_dtype(x).shape, found.dtype) if known else found


def _with_dtype(x: DataLike) -> Any:
    """Returns data with a shape and a dtype; columns that are not in memory are not read."""
    return x if isinstance(x, (jax.ShapeDtypeStruct, jax.Array, Column)) else np.asarray(x)
