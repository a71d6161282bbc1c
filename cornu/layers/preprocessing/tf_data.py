"""Layers within `tf.data.Dataset.map`: TensorFlow traces a graph and calls them on arrays."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from cornu import tree
from cornu.core.graph.tensor import Tensor

__all__ = ["is_tracing", "call_on_host", "without_autograph"]


def is_tracing(structure: Any) -> bool:
    """Whether TensorFlow is tracing a graph, and a tensor of it is among some arguments."""
    tf = sys.modules.get("tensorflow")
    if tf is None or not hasattr(tf, "executing_eagerly") or tf.executing_eagerly():
        return False
    return any(isinstance(leaf, tf.Tensor) for leaf in tree.leaves(structure))


def without_autograph(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function that TensorFlow calls as it is, and does not translate into its own."""
    autograph = sys.modules["tensorflow"].autograph
    wrapped: Callable[..., Any] = autograph.experimental.do_not_convert(function)
    return wrapped


def call_on_host(layer: Any, args: Any, kwargs: Any) -> Any:
    """Returns tensors of TensorFlow that will hold what the layer returns.

    Args:
        layer: a layer with `compute_output_spec`.
        args, kwargs: of the call, in which tensors of TensorFlow stand.
    """
    tf = sys.modules["tensorflow"]
    leaves, definition = tree.flatten_with_treedef((args, kwargs))
    slots = [i for i, leaf in enumerate(leaves) if isinstance(leaf, tf.Tensor)]

    def filled(values: Any) -> Any:
        whole = list(leaves)
        for slot, value in zip(slots, values, strict=True):
            whole[slot] = value
        return tree.unflatten(definition, whole)

    spec_args, spec_kwargs = filled([_spec(leaves[slot]) for slot in slots])
    spec_kwargs = {k: v for k, v in spec_kwargs.items() if k != "training"}
    specs, structure = tree.flatten_with_treedef(
        layer.compute_output_spec(*spec_args, **spec_kwargs)
    )

    kinds = [np.dtype(object if layer.gives_strings else spec.dtype) for spec in specs]

    @without_autograph
    def run(*arrays: Any) -> Any:
        now, words = filled(arrays)
        with jax.default_device(jax.devices("cpu")[0]):
            outputs = tree.leaves(layer(*now, **words))
        return [np.asarray(y, kind) for y, kind in zip(outputs, kinds, strict=True)]

    types = [tf.as_dtype(kind) for kind in kinds]
    outputs = tf.numpy_function(run, [leaves[slot] for slot in slots], types)
    for output, spec in zip(outputs, specs, strict=True):
        output.set_shape(spec.shape)
    return tree.unflatten(structure, outputs)


def _spec(tensor: Any) -> Tensor:
    """Returns a Tensor of the same shape; strings, which have no Tensor, count as integers."""
    if tensor.shape.rank is None:
        raise ValueError(
            "A layer in Dataset.map needs to know how many axes its input has.\n"
            "Write tensor.set_shape((None,)) or the like before it."
        )
    kind = tensor.dtype.name
    kind = "int32" if kind == "string" else jax.dtypes.canonicalize_dtype(kind).name
    return Tensor(tuple(tensor.shape), kind)
