"""The specs of a batch on which a model could be trained."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from cornu import tree
from cornu.core.graph.tensor import Tensor
from cornu.data.packing import unpack_x_y_sample_weight
from cornu.losses import Loss
from cornu.types import DataLike

__all__ = ["prepare_batch"]


class _Example:
    """A source of data of which only the specs of a batch are known."""

    def __init__(self, batch: Any) -> None:
        self._batch = batch

    def example(self) -> Any:
        """Returns the specs of a batch."""
        return self._batch


def prepare_batch(model: Any, batch: int, data: DataLike | None = None) -> Any:
    """Prepares a compiled model for training; returns the specs of a batch in its structure.

    Args:
        model: the model.
        batch: the number of rows.
        data: `(x, y)` or `(x, y, sample_weight)`, arrays or specs whose shapes after the first
            axis are those of the data. By default shapes and dtypes follow from the inputs, the
            outputs and the losses of the model.

    Raises:
        ValueError: an input or output has an axis of unknown size, and there is no data.
    """
    trainer = model._trainer_
    x, y, weight = unpack_x_y_sample_weight(_default_data(model) if data is None else data)
    specs = tree.map(lambda leaf: _resized(leaf, batch), (x, y, weight))
    bound = trainer.binding("train").bind(specs)
    trainer.prepare(_Example(bound), True)
    return bound


def _resized(leaf: Any, batch: int) -> Any:
    if leaf is None:
        return None
    dtype = jax.dtypes.canonicalize_dtype(leaf.dtype)
    return jax.ShapeDtypeStruct((batch, *leaf.shape[1:]), dtype)


def _default_data(model: Any) -> tuple[Any, Any]:
    """Returns specs of x and y of one row, for a functional model with built-in losses."""
    functional = model._graph_
    if functional is None:
        raise ValueError(
            f"plan: model {model.name!r} has no graph, so that the shapes of its data are unknown."
            "\nPass data=(x, y), with arrays or jax.ShapeDtypeStructs of any number of rows."
        )
    x = functional.arrange([_spec(t, name) for t, name in _named(functional)])
    trainer = model._trainer_
    trainer.build(x)
    outputs = trainer.outputs
    objective = trainer.objective
    losses = [None] * len(outputs) if objective is None else objective.losses
    targets = [
        None if loss is None else _target(tensor, name, loss)
        for tensor, name, loss in zip(outputs.tensors, outputs.names, losses, strict=True)
    ]
    return x, targets[0] if outputs.single else targets


def _named(functional: Any) -> list[tuple[Tensor, str]]:
    return list(zip(functional.input_tensors, functional.input_names, strict=True))


def _spec(tensor: Tensor, name: str) -> jax.ShapeDtypeStruct:
    sizes = tensor.shape[1:]
    if None in sizes:
        raise ValueError(
            f"plan: {name!r} has the shape {tuple(tensor.shape)}, with an axis of unknown size.\n"
            "Pass data=(x, y), with arrays or jax.ShapeDtypeStructs of any number of rows."
        )
    return jax.ShapeDtypeStruct((1, *sizes), jnp.dtype(tensor.dtype))


def _target(output: Tensor, name: str, loss: Loss) -> jax.ShapeDtypeStruct:
    """Returns the spec of the targets of an output: class indices, or values of its shape."""
    spec = _spec(output, name)
    kind = f"{type(loss).__name__} {loss.name}".lower()
    by_index = "sparse" in kind or "crossentropybyshape" in kind
    if by_index:
        return jax.ShapeDtypeStruct(spec.shape[:-1], jnp.dtype("int32"))
    return jax.ShapeDtypeStruct(spec.shape, jnp.dtype("float32"))
