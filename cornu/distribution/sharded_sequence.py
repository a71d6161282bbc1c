"""ShardedSequenceParallel: devices share sequences, and each has a part of the weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from cornu.core.layer.layer import Layer
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.distribution.layouts import TensorLayout
from cornu.distribution.mesh import DeviceMesh
from cornu.distribution.planned import largest_axis
from cornu.distribution.sequence_parallel import SequenceParallel

__all__ = ["ShardedSequenceParallel"]


class ShardedSequenceParallel(SequenceParallel):
    """Divides sequences as `SequenceParallel`, and large weights among all devices of the mesh.

    Weights, gradients and the Variables of the optimizer are divided as in `FullySharded`, along
    the largest axis that the number of devices divides. A layer collects its weights where it is
    computed.

    Args:
        device_mesh, devices, sequence_parallel, auto_shard_dataset: as for `SequenceParallel`.
        min_size: the number of elements from which a weight is divided.

    Example:

    >>> import cornu
    >>> distribution = cornu.distribution.ShardedSequenceParallel(devices=["cpu:0"])
    >>> with distribution.scope():
    ...     layer = cornu.layers.Dense(512)
    ...     layer.build((None, 16))
    >>> tuple(layer.kernel.value.sharding.spec)
    (None, ('batch', 'sequence'))
    """

    _gathers_weights = True

    @api_boundary
    def __init__(
        self,
        device_mesh: DeviceMesh | None = None,
        devices: Sequence[str | jax.Device] | np.ndarray | None = None,
        sequence_parallel: int | None = None,
        auto_shard_dataset: bool = True,
        min_size: int = 1024,
    ) -> None:
        super().__init__(device_mesh, devices, sequence_parallel, auto_shard_dataset)
        self.min_size = min_size

    def get_variable_layout(self, variable: Variable) -> Any:
        """Returns the layout of a Variable: its own, a part of a large one, or a copy.

        Args:
            variable: the Variable.
        """
        layout = super().get_variable_layout(variable)
        if variable.layout is not None or variable.size < self.min_size:
            return layout
        names = tuple(self.device_mesh.axis_names)
        axes = largest_axis(variable.shape, self.device_mesh.devices.size, names)
        return layout if axes is None else TensorLayout(axes, self.device_mesh)

    def _undivided_(self, model: Layer) -> list[tuple[Variable, int]]:
        large = [v for v in model.weights if v.size >= self.min_size and v.layout is None]
        parts = int(self.device_mesh.devices.size)
        return [(v, parts) for v in large if self._variable_sharding_(v).is_fully_replicated]
