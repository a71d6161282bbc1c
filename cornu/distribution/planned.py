"""PlannedDistribution: layouts that the library chooses, except where the user does."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from typing import Any

from cornu.core.layer.layer import Layer
from cornu.core.state.variable import Variable
from cornu.distribution.base import Distribution
from cornu.distribution.layouts import AxisLike, TensorLayout
from cornu.distribution.mesh import DeviceMesh
from cornu.inspect.learning_rates import variables_of

__all__ = ["PlannedDistribution", "largest_axis"]


class PlannedDistribution(Distribution):
    """Base class of distributions that lay out the weights of any model.

    Args:
        device_mesh: the mesh of devices.
        batch_dim_name: the axis of the mesh along which batches are divided.
        layouts: axes by path or pattern; see `FullySharded`.
        min_size: the number of elements from which a weight is divided.
        auto_shard_dataset: whether each process of several takes its part of the data.
    """

    def __init__(
        self,
        device_mesh: DeviceMesh,
        batch_dim_name: str,
        layouts: Mapping[str, Sequence[AxisLike]] | None,
        min_size: int,
        auto_shard_dataset: bool,
    ) -> None:
        super().__init__(device_mesh, batch_dim_name, auto_shard_dataset)
        self.min_size = min_size
        self.layouts = {
            pattern: TensorLayout(axes, device_mesh) for pattern, axes in (layouts or {}).items()
        }
        # By the id of the Variable. A dict by Variable would keep the weights of every model.
        self._planned: dict[int, tuple[weakref.ref[Variable], Any]] = {}

    def get_variable_layout(self, variable: Variable) -> Any:
        """Returns the layout of a Variable: its own, the planned one, or a choice by its shape.

        Args:
            variable: the Variable.
        """
        if variable.layout is not None:
            return super().get_variable_layout(variable)
        known, layout = self._planned.get(id(variable), (None, None))
        if known is not None and known() is variable:
            return layout
        axes = self._choose_axes(variable) if variable.size >= self.min_size else None
        if axes is None:
            return super().get_variable_layout(variable)
        return TensorLayout(axes, self.device_mesh)

    def _choose_axes(self, variable: Variable) -> Sequence[AxisLike] | None:
        """Returns axes for a Variable of which only path and shape are known; None to copy it."""
        raise NotImplementedError

    def _plan_model(self, model: Layer) -> dict[Variable, Sequence[AxisLike] | None]:
        """Returns axes for weights of a model, by its structure."""
        return {}

    def _plan_(self, model: Layer) -> None:
        for variable, axes in self._plan_model(model).items():
            self._set(variable, TensorLayout(axes or (), self.device_mesh))
        for pattern, layout in self.layouts.items():
            for variable in variables_of(model, pattern):
                self._set(variable, layout)

    def _undivided_(self, model: Layer) -> list[tuple[Variable, int]]:
        self._plan_(model)
        chosen = {id(v) for pattern in self.layouts for v in variables_of(model, pattern)}
        return [
            (variable, self._parts)
            for variable in model.weights
            if variable.size >= self.min_size
            and variable.layout is None
            and id(variable) not in chosen
            and self._variable_sharding_(variable).is_fully_replicated
        ]

    @property
    def _parts(self) -> int:
        """The number of devices that share a weight."""
        raise NotImplementedError

    def _set(self, variable: Variable, layout: TensorLayout) -> None:
        self._planned[id(variable)] = weakref.ref(variable), layout


def largest_axis(shape: Sequence[int], parts: int, name: AxisLike) -> tuple[AxisLike, ...] | None:
    """Returns axes for a layout that divides the largest axis of an array; None if none can be.

    Of equal axes, the last one is divided.

    Example:

    >>> largest_axis((3, 3, 64, 64), 8, "batch")
    (None, None, None, 'batch')
    >>> largest_axis((30, 7), 8, "batch") is None
    True
    """
    sizes = [(size, axis) for axis, size in enumerate(shape) if size and size % parts == 0]
    if not sizes:
        return None
    chosen = max(sizes)[1]
    return tuple(name if axis == chosen else None for axis in range(chosen + 1))
