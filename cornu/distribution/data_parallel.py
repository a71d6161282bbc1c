"""DataParallel: every device has all weights and a part of each batch."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import jax
import numpy as np

from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.distribution.base import Distribution
from cornu.distribution.devices import list_devices
from cornu.distribution.mesh import DeviceMesh

__all__ = ["DataParallel"]

_BATCH = "batch"


class DataParallel(Distribution):
    """Divides batches among devices; each device has a copy of all weights.

    Args:
        device_mesh: a mesh with one axis. Of several axes, the first one divides batches.
        devices: the devices, if there is no mesh; by default all devices.
        auto_shard_dataset: whether each process of several takes its part of the data; False if
            each is given its part.

    Warns:
        UserWarning: the mesh has several axes.

    Example:

    >>> import cornu
    >>> distribution = cornu.distribution.DataParallel(devices=["cpu:0"])
    >>> with distribution.scope():
    ...     model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(3)])
    >>> model.weights[0].value.sharding.is_fully_replicated
    True
    """

    @api_boundary
    def __init__(
        self,
        device_mesh: DeviceMesh | None = None,
        devices: Sequence[str | jax.Device] | np.ndarray | None = None,
        auto_shard_dataset: bool = True,
    ) -> None:
        if device_mesh is None:
            listed = np.array(list_devices() if devices is None else devices)
            device_mesh = DeviceMesh(listed.shape, [_BATCH], listed)
        if not isinstance(device_mesh, DeviceMesh):
            raise ValueError(
                "DataParallel: device_mesh must be a DeviceMesh. Received: "
                f"{device_mesh!r} (of type {type(device_mesh).__name__})"
            )
        super().__init__(device_mesh, device_mesh.axis_names[0], auto_shard_dataset)
        if device_mesh.devices.ndim != 1:
            warnings.warn(
                f"DataParallel: the mesh has the axes {tuple(device_mesh.axis_names)}. Batches are "
                "divided along the first one only, and the others compute the same.\n"
                "Use ModelParallel to divide weights along the others.",
                stacklevel=user_stacklevel(),
            )

    @property
    def num_model_replicas(self) -> int:
        """The number of parts into which batches are divided."""
        return super().num_model_replicas
