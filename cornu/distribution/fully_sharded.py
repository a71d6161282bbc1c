"""FullySharded: every device has a part of each large weight, and a part of each batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import jax
import numpy as np

from cornu.core.state.variable import Variable
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.distribution.data_parallel import mesh_of
from cornu.distribution.layouts import AxisLike
from cornu.distribution.mesh import DeviceMesh
from cornu.distribution.planned import PlannedDistribution, largest_axis

__all__ = ["FullySharded"]


class FullySharded(PlannedDistribution):
    """Divides batches and all large weights among devices (FSDP, ZeRO stage 3).

    A weight is divided along its largest axis that the number of devices divides. Where a layer
    uses it, the devices exchange its parts; the whole weight exists only until the layer has been
    computed, and again in the backward pass. Gradients, the Variables of the optimizer and moving
    averages are divided in the same way. Weights with fewer than `min_size` elements, and those
    that cannot be divided evenly, are copied to every device.

    Args:
        device_mesh: a mesh with one axis.
        devices: the devices, if there is no mesh; by default all devices.
        layouts: axes of weights that are not laid out as above, by path or pattern, such as
            `{"residual_block_*/conv*/kernel": (None, None, "batch")}`. Keys are those of
            `cornu.inspect.find`: paths with the names of blocks. If several match, the last counts.
        min_size: the number of elements from which a weight is divided.
        auto_shard_dataset: whether each process of several takes its part of the data; False if
            each is given its part.

    Raises:
        ValueError: the mesh has several axes.

    References: Samyam Rajbhandari et al. (2020), "ZeRO: memory optimizations toward training
    trillion parameter models", arXiv:1910.02054.

    Example:

    >>> import cornu
    >>> distribution = cornu.distribution.FullySharded(devices=["cpu:0"])
    >>> with distribution.scope():
    ...     layer = cornu.layers.Dense(512)
    ...     layer.build((None, 16))
    >>> tuple(layer.kernel.value.sharding.spec), tuple(layer.bias.value.sharding.spec)
    ((None, 'batch'), (None,))
    """

    _gathers_weights = True

    @api_boundary
    def __init__(
        self,
        device_mesh: DeviceMesh | None = None,
        devices: Sequence[str | jax.Device] | np.ndarray | None = None,
        layouts: Mapping[str, Sequence[AxisLike]] | None = None,
        min_size: int = 1024,
        auto_shard_dataset: bool = True,
    ) -> None:
        mesh = mesh_of("FullySharded", device_mesh, devices)
        if mesh.devices.ndim != 1:
            raise ValueError(
                f"FullySharded: the mesh must have one axis. Received: {tuple(mesh.axis_names)}"
            )
        super().__init__(mesh, mesh.axis_names[0], layouts, min_size, auto_shard_dataset)

    def _choose_axes(self, variable: Variable) -> Sequence[AxisLike] | None:
        return largest_axis(variable.shape, self._parts, self.batch_dim_name)

    @property
    def _parts(self) -> int:
        return self.num_model_replicas
