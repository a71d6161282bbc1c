"""WeightLayouts: where the weights of a model are on the devices of a distribution."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import jax.numpy as jnp
from jax.sharding import NamedSharding, Sharding

from cornu.core.state.variable import Variable
from cornu.inspect.tables.formatting import format_bytes

__all__ = ["WeightLayouts"]


class WeightLayouts:
    """The layouts of the Variables of a model.

    Args:
        model: a model with a distribution, whose weights need not have been placed.

    Raises:
        ValueError: there is no distribution.
    """

    def __init__(self, model: Any) -> None:
        placement = model._trainer_.placement
        if placement is None:
            raise ValueError(
                f"`sharding=True` needs a distribution; model {model.name!r} has none.\n"
                'Pass distribution="fsdp" to compile, or use cornu.distribution.scope("fsdp").'
            )
        if model.built:
            placement._plan_(model)
        self._model = model
        self._placement = placement

    def describe(self, variables: Iterable[Variable]) -> str:
        """Returns the layouts of some Variables, such as `(None, batch), copies`."""
        found = dict.fromkeys(_describe(self._placement._variable_sharding_(v)) for v in variables)
        return ", ".join(found)

    def bytes_of(self, variables: Iterable[Variable]) -> str:
        """Returns the size of some Variables on one device."""
        return format_bytes(self._count(variables))

    def notes(self) -> list[str]:
        """Returns the sizes of all weights and Variables of the optimizer on one device."""
        sharding = self._placement._replicated_
        mesh = ""
        if isinstance(sharding, NamedSharding):
            axes = zip(sharding.mesh.axis_names, sharding.mesh.axis_sizes, strict=True)
            mesh = ", ".join(f"{name}={size}" for name, size in axes)
        parts = [f"weights {self.bytes_of(self._model.weights)}"]
        optimizer = self._model._trainer_.optimizer
        if optimizer is not None and optimizer.built:
            parts.append(f"optimizer {self.bytes_of(optimizer.variables)}")
        return [f"Mesh: {mesh}", f"On each device: {', '.join(parts)}"]

    def _count(self, variables: Iterable[Variable]) -> int:
        total = 0
        for variable in variables:
            shape = self._placement._variable_sharding_(variable).shard_shape(variable.shape)
            total += math.prod(shape) * jnp.dtype(variable.dtype).itemsize
        return total


def _describe(sharding: Sharding) -> str:
    if not isinstance(sharding, NamedSharding) or sharding.is_fully_replicated:
        return "copies"
    axes = [" ".join(a) if isinstance(a, tuple) else str(a) for a in sharding.spec]
    return f"({', '.join(axes)}{',' if len(axes) == 1 else ''})"
