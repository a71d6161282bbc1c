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

__all__ = ["DataParallel", "grid_of", "mesh_of"]

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
        mesh = mesh_of("DataParallel", device_mesh, devices)
        super().__init__(mesh, mesh.axis_names[0], auto_shard_dataset)
        if mesh.devices.ndim != 1:
            warnings.warn(
                f"DataParallel: the mesh has the axes {tuple(mesh.axis_names)}. Batches are "
                "divided along the first one only, and the others compute the same.\n"
                "Use ModelParallel to divide weights along the others.",
                stacklevel=user_stacklevel(),
            )

    @property
    def num_model_replicas(self) -> int:
        """The number of parts into which batches are divided."""
        return super().num_model_replicas


def mesh_of(
    label: str,
    device_mesh: DeviceMesh | None,
    devices: Sequence[str | jax.Device] | np.ndarray | None,
) -> DeviceMesh:
    """Returns a mesh, or one of devices along one axis.

    Args:
        label: the name of the distribution, for error messages.
        device_mesh: the mesh, or None.
        devices: the devices, if there is no mesh; by default all devices.
    """
    if device_mesh is None:
        listed = np.array(list_devices() if devices is None else devices)
        return DeviceMesh(listed.shape, [_BATCH], listed)
    if not isinstance(device_mesh, DeviceMesh):
        raise ValueError(
            f"{label}: device_mesh must be a DeviceMesh. Received: {device_mesh!r} (of type "
            f"{type(device_mesh).__name__})"
        )
    return device_mesh


def grid_of(
    label: str,
    argument: str,
    axis: str,
    device_mesh: DeviceMesh | None,
    devices: Sequence[str | jax.Device] | np.ndarray | None,
    parts: int | None,
) -> DeviceMesh:
    """Returns a mesh with two axes: one divides batches, and groups of devices share the rest.

    Args:
        label: the name of the distribution, for error messages.
        argument: that of its arguments that is `parts`.
        axis: the name of the second axis.
        device_mesh: the mesh, or None.
        devices: the devices, if there is no mesh; by default all devices.
        parts: the size of the second axis; by default the number of devices of a process.
    """
    if device_mesh is None:
        listed = np.array(list_devices() if devices is None else devices)
        if parts is None:
            parts = max(1, listed.size // jax.process_count())
        if parts < 1 or listed.size % parts:
            raise ValueError(
                f"{label}: {argument}={parts} does not divide the number of devices, "
                f"{listed.size}.\nPass one of its divisors, or other `devices`."
            )
        device_mesh = DeviceMesh((listed.size // parts, parts), (_BATCH, axis), listed)
    if device_mesh.devices.ndim != 2:
        raise ValueError(
            f"{label}: the mesh must have two axes, for batches and for {axis} parallelism. "
            f"Received: {tuple(device_mesh.axis_names)}"
        )
    return device_mesh
