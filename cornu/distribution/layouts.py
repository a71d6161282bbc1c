"""TensorLayout and LayoutMap: along which axes of a mesh arrays are divided."""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping, Sequence
from functools import cached_property
from typing import Any, TypeAlias

import jax
from jax.sharding import NamedSharding, PartitionSpec

from cornu.core.graph.tensor import Tensor
from cornu.core.state.placement import put, sharding_of
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.distribution.mesh import DeviceMesh
from cornu.errors import suggest

__all__ = ["LayoutMap", "TensorLayout", "distribute_tensor"]

# The name of an axis of the mesh, several axes, or None for an axis that is not divided.
AxisLike: TypeAlias = str | tuple[str, ...] | None


class TensorLayout:
    """For each axis of an array, the axis of a mesh along which it is divided, or None.

    Args:
        axes: names of axes of the mesh, such as `(None, "model")`. Axes of the array after the
            last one are not divided.
        device_mesh: the mesh; it can be set later.

    Attributes:
        axes, device_mesh: the arguments.
        backend_layout: the `jax.sharding.NamedSharding`.

    Raises:
        ValueError: the mesh has no axis of this name, or has been set before.

    Example:

    >>> import cornu
    >>> mesh = cornu.distribution.DeviceMesh((1,), ["model"], ["cpu:0"])
    >>> tuple(cornu.distribution.TensorLayout((None, "model"), mesh).backend_layout.spec)
    (None, 'model')

    Extensions: a tuple of names divides an axis of the array along several axes of the mesh.
    """

    @api_boundary
    def __init__(self, axes: Sequence[AxisLike], device_mesh: DeviceMesh | None = None) -> None:
        self._axes = tuple(axes)
        self._device_mesh = device_mesh
        self._check_axes()

    @property
    def axes(self) -> tuple[AxisLike, ...]:
        """The axes of the mesh."""
        return self._axes

    @property
    def device_mesh(self) -> DeviceMesh | None:
        """The mesh, or None."""
        return self._device_mesh

    @device_mesh.setter
    def device_mesh(self, device_mesh: DeviceMesh) -> None:
        if self._device_mesh is not None:
            raise ValueError(
                f"TensorLayout: the mesh has been set to {self._device_mesh} and cannot be "
                "replaced.\nCreate another layout."
            )
        self._device_mesh = device_mesh
        self._check_axes()

    @cached_property
    def backend_layout(self) -> NamedSharding:
        """The sharding of JAX."""
        if self._device_mesh is None:
            raise ValueError(
                f"TensorLayout {self._axes} has no mesh.\n"
                "Pass device_mesh, or insert the layout into a LayoutMap with a mesh."
            )
        return NamedSharding(self._device_mesh.backend_mesh, PartitionSpec(*self._axes))

    def parts(self) -> tuple[int, ...]:
        """Returns the number of parts into which each axis of the array is divided."""
        assert self._device_mesh is not None
        sizes = dict(zip(self._device_mesh.axis_names, self._device_mesh.shape, strict=True))
        found = []
        for axis in self._axes:
            count = 1
            for name in _names(axis):
                count *= sizes[name]
            found.append(count)
        return tuple(found)

    def _check_axes(self) -> None:
        if self._device_mesh is None:
            return
        known = list(self._device_mesh.axis_names)
        for name in (name for axis in self._axes for name in _names(axis)):
            if name not in known:
                raise ValueError(
                    f"TensorLayout {self._axes}: the mesh has no axis {name!r}."
                    + suggest(name, known)
                )

    def __repr__(self) -> str:
        return f"<TensorLayout axes={self._axes}, device_mesh={self._device_mesh}>"


class LayoutMap(MutableMapping[str, TensorLayout]):
    """Layouts by the path of Variables, or of the outputs of layers.

    Keys are paths or regular expressions that match a whole path, such as `".*dense.*kernel"`.
    The path of the output of a layer is that of the layer, followed by `/output`.

    Args:
        device_mesh: the mesh of the layouts.

    Raises:
        ValueError: a key is inserted twice; several regular expressions match a path.

    Example:

    >>> import cornu
    >>> mesh = cornu.distribution.DeviceMesh((1, 1), ["batch", "model"], ["cpu:0"])
    >>> layouts = cornu.distribution.LayoutMap(mesh)
    >>> layouts[".*dense.*kernel"] = (None, "model")
    >>> layouts["dense_1/kernel"].axes
    (None, 'model')
    >>> print(layouts["dense_1/bias"])
    None
    """

    def __init__(self, device_mesh: DeviceMesh | None) -> None:
        self._layouts: dict[str, TensorLayout] = {}
        self._device_mesh = device_mesh

    @property
    def device_mesh(self) -> DeviceMesh | None:
        """The mesh of the layouts."""
        return self._device_mesh

    def __getitem__(self, key: str) -> Any:
        """Returns the layout for a path; None if no key matches."""
        if key in self._layouts:
            return self._layouts[key]
        matching = [pattern for pattern in self._layouts if re.fullmatch(pattern, key)]
        if len(matching) > 1:
            raise ValueError(
                f"LayoutMap: {key!r} matches several keys: {', '.join(map(repr, matching))}.\n"
                "Change them so that at most one of them matches."
            )
        return self._layouts[matching[0]] if matching else None

    @api_boundary
    def __setitem__(self, key: str, layout: Any) -> None:
        """Inserts a layout, which may be given by its axes."""
        if key in self._layouts:
            raise ValueError(
                f"LayoutMap: the key {key!r} exists already, with the layout "
                f"{self._layouts[key].axes}.\nDelete it before it is replaced."
            )
        if isinstance(layout, tuple):
            layout = TensorLayout(layout)
        if not isinstance(layout, TensorLayout):
            raise ValueError(
                f"LayoutMap: the layout of {key!r} must be a TensorLayout or a tuple of axes. "
                f"Received: {layout!r} (of type {type(layout).__name__})"
            )
        if layout.device_mesh is None and self._device_mesh is not None:
            layout.device_mesh = self._device_mesh
        self._layouts[key] = layout

    def __delitem__(self, key: str) -> None:
        del self._layouts[key]

    def __len__(self) -> int:
        return len(self._layouts)

    def __iter__(self) -> Iterator[str]:
        return iter(self._layouts)


@api_boundary
def distribute_tensor(tensor: Any, layout: TensorLayout | jax.sharding.Sharding) -> Any:
    """Returns an array with a layout; inside a compiled function, this constrains its sharding.

    Args:
        tensor: an array. A symbolic Tensor is returned unchanged.
        layout: a TensorLayout, or a sharding of JAX.

    Example:

    >>> import cornu, numpy as np
    >>> mesh = cornu.distribution.DeviceMesh((1,), ["batch"], ["cpu:0"])
    >>> layout = cornu.distribution.TensorLayout(("batch", None), mesh)
    >>> tuple(cornu.distribution.distribute_tensor(np.ones((4, 2)), layout).sharding.spec)
    ('batch', None)
    """
    if isinstance(tensor, Tensor):
        return tensor
    sharding = sharding_of(layout)
    assert sharding is not None
    return put(tensor, sharding)


def _names(axis: AxisLike) -> tuple[str, ...]:
    if axis is None:
        return ()
    return (axis,) if isinstance(axis, str) else tuple(axis)
