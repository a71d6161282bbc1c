"""DeviceMesh: devices in a grid with named axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh

from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.distribution.devices import find_device, list_devices

__all__ = ["DeviceMesh"]


class DeviceMesh:
    """A grid of devices with named axes, along which values are divided.

    Args:
        shape: the number of devices along each axis, such as `(4, 2)`.
        axis_names: the names of the axes, such as `("batch", "model")`.
        devices: the devices, as names (`"gpu:0"`) or devices of JAX; by default those of
            `list_devices()`.

    Attributes:
        shape, axis_names: the arguments.
        devices: an array of the devices in the shape of the mesh.
        backend_mesh: the `jax.sharding.Mesh`.

    Raises:
        ValueError: the shape has another number of axes or of devices.

    Example:

    >>> import cornu
    >>> cornu.distribution.DeviceMesh((1,), ["batch"], ["cpu:0"])
    <DeviceMesh shape=(1,), axis_names=['batch']>
    """

    @api_boundary
    def __init__(
        self,
        shape: Sequence[int],
        axis_names: Sequence[str],
        devices: Sequence[str | jax.Device] | np.ndarray | None = None,
    ) -> None:
        if not shape or not axis_names:
            raise ValueError(
                "DeviceMesh: shape and axis_names must not be empty. Received: "
                f"shape={shape}, axis_names={axis_names}"
            )
        if len(shape) != len(axis_names):
            raise ValueError(
                "DeviceMesh: shape and axis_names must have the same length. Received: "
                f"shape={shape}, axis_names={axis_names}"
            )
        grid = np.array(list_devices() if devices is None else devices)
        if math.prod(shape) != grid.size:
            raise ValueError(
                f"DeviceMesh: shape={tuple(shape)} needs {math.prod(shape)} devices. Received: "
                f"{grid.size} of them.\nPass `devices`, or a shape whose sizes have the product "
                f"{grid.size}."
            )
        self._shape = shape
        self._axis_names = axis_names
        self._devices = np.reshape(grid, tuple(shape))

    @property
    def shape(self) -> Any:
        """The number of devices along each axis."""
        return self._shape

    @property
    def axis_names(self) -> Any:
        """The names of the axes."""
        return self._axis_names

    @property
    def devices(self) -> np.ndarray:
        """The devices in the shape of the mesh."""
        return self._devices

    @cached_property
    def backend_mesh(self) -> Mesh:
        """The mesh of JAX."""
        found = [find_device(device) for device in self._devices.flat]
        # Auto: XLA chooses the sharding of whatever has no layout. With explicit axes, JAX refuses
        # a product of arrays that are divided along the contracted axis.
        types = (AxisType.Auto,) * len(self._axis_names)
        return Mesh(
            np.array(found).reshape(self._devices.shape), tuple(self._axis_names), axis_types=types
        )

    def size_of(self, axis: str) -> int:
        """Returns the number of devices along an axis.

        Args:
            axis: the name of the axis.
        """
        return int(self._shape[list(self._axis_names).index(axis)])

    def __repr__(self) -> str:
        return f"<DeviceMesh shape={self._shape}, axis_names={self._axis_names}>"
