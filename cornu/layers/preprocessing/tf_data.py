"""Layers in `tf.data.Dataset.map`, where TensorFlow traces a graph.

The graph calls the layer on NumPy arrays through `tf.numpy_function`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from cornu import tree
from cornu.core.graph.tensor import Tensor
from cornu.core.sparse.arrays import to_dense

if TYPE_CHECKING:
    from cornu.layers.preprocessing.base import DatasetLayer

__all__ = ["call_on_host", "is_tracing", "without_autograph"]


def is_tracing(structure: Any) -> bool:
    """Whether TensorFlow is tracing a graph and the arguments contain one of its tensors."""
    tf = sys.modules.get("tensorflow")
    if tf is None or not hasattr(tf, "executing_eagerly") or tf.executing_eagerly():
        return False
    return any(isinstance(leaf, tf.Tensor) for leaf in tree.leaves(structure))


def without_autograph(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns the function, marked so that TensorFlow's AutoGraph does not transform it."""
    autograph = sys.modules["tensorflow"].autograph
    wrapped: Callable[..., Any] = autograph.experimental.do_not_convert(function)
    return wrapped


def call_on_host(layer: DatasetLayer, args: Any, kwargs: Any) -> Any:
    """Returns TensorFlow tensors for the output of a layer that runs on the host.

    Args:
        layer: the layer.
        args, kwargs: the arguments of the call, which contain TensorFlow tensors.
    """
    tf = sys.modules["tensorflow"]
    leaves, definition = tree.flatten_with_treedef((args, kwargs))
    slots = [i for i, leaf in enumerate(leaves) if isinstance(leaf, tf.Tensor)]

    def fill_slots(values: Any) -> Any:
        whole = list(leaves)
        for slot, value in zip(slots, values, strict=True):
            whole[slot] = value
        return tree.unflatten(definition, whole)

    spec_args, spec_kwargs = fill_slots([_to_spec(leaves[slot]) for slot in slots])
    spec_kwargs = {k: v for k, v in spec_kwargs.items() if k != "training"}
    specs, structure = tree.flatten_with_treedef(
        layer.compute_output_spec(*spec_args, **spec_kwargs)
    )

    kinds = [np.dtype(object if layer.returns_strings else spec.dtype) for spec in specs]

    @without_autograph
    def run(*arrays: Any) -> Any:
        call_args, call_kwargs = fill_slots(arrays)
        # On the CPU, so that the input pipeline does not wait for the device that trains.
        with jax.default_device(jax.devices("cpu")[0]):
            outputs = tree.leaves(layer(*call_args, **call_kwargs))
        return [np.asarray(to_dense(y), kind) for y, kind in zip(outputs, kinds, strict=True)]

    types = [tf.as_dtype(kind) for kind in kinds]
    outputs = tf.numpy_function(run, [leaves[slot] for slot in slots], types)
    # numpy_function loses the shapes, which later operations of the pipeline need.
    for output, spec in zip(outputs, specs, strict=True):
        output.set_shape(spec.shape)
    pairs = zip(outputs, specs, strict=True)
    outputs = [tf.sparse.from_dense(y) if spec.sparse else y for y, spec in pairs]
    return tree.unflatten(structure, outputs)


def _to_spec(tensor: Any) -> Tensor:
    """Returns a Tensor of the same shape and dtype."""
    if tensor.shape.rank is None:
        raise ValueError(
            "The rank of an input is unknown; a layer in Dataset.map needs it.\n"
            "Call tensor.set_shape before the layer, for example with (None,)."
        )
    kind = tensor.dtype.name
    kind = kind if kind == "string" else jax.dtypes.canonicalize_dtype(kind).name
    return Tensor(tuple(tensor.shape), kind)
