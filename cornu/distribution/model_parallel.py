"""ModelParallel: weights are divided among devices by a LayoutMap."""

from __future__ import annotations

from typing import Any

from cornu.core.state.variable import Variable
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.distribution.base import Distribution
from cornu.distribution.layouts import LayoutMap, TensorLayout

__all__ = ["ModelParallel"]


class ModelParallel(Distribution):
    """Divides weights among devices by a LayoutMap, and batches along one axis of the mesh.

    Weights that the LayoutMap does not contain are copied to every device.

    Args:
        layout_map: the layouts by path; its mesh is that of the distribution.
        batch_dim_name: the axis of the mesh along which batches are divided; by default the first.
        auto_shard_dataset: whether each process of several takes its part of the data; False if
            each is given its part.
        **kwargs: `device_mesh` has no effect; part of the signature of Keras.

    Raises:
        ValueError: `layout_map` is missing or has no mesh.

    Example:

    >>> import cornu
    >>> mesh = cornu.distribution.DeviceMesh((1, 1), ["batch", "model"], ["cpu:0"])
    >>> layouts = cornu.distribution.LayoutMap(mesh)
    >>> layouts[".*dense.*kernel"] = (None, "model")
    >>> with cornu.distribution.ModelParallel(layout_map=layouts).scope():
    ...     model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(3, name="dense")])
    >>> tuple(model.weights[0].value.sharding.spec)
    (None, 'model')
    """

    @api_boundary
    def __init__(
        self,
        *,
        layout_map: LayoutMap | None = None,
        batch_dim_name: str | None = None,
        auto_shard_dataset: bool = True,
        **kwargs: Any,
    ) -> None:
        if not isinstance(layout_map, LayoutMap):
            raise ValueError(
                "ModelParallel: layout_map must be a LayoutMap. Received: "
                f"{layout_map!r} (of type {type(layout_map).__name__})"
            )
        mesh = layout_map.device_mesh
        if mesh is None:
            raise ValueError(
                "ModelParallel: the LayoutMap has no mesh.\n"
                "Create it with one: LayoutMap(DeviceMesh(shape, axis_names))."
            )
        super().__init__(mesh, batch_dim_name or mesh.axis_names[0], auto_shard_dataset)
        self._layout_map = layout_map
        processes, replicas = self.num_processes, self.num_model_replicas
        if processes > replicas and processes % replicas:
            raise ValueError(
                f"ModelParallel: {processes} processes cannot share {replicas} parts of a batch "
                f"evenly.\nUse a mesh whose axis {self.batch_dim_name!r} has a size that divides "
                f"{processes}."
            )

    def get_variable_layout(self, variable: Variable) -> Any:
        """Returns the layout of a Variable: its own, that of the LayoutMap, or a copy per device.

        Args:
            variable: the Variable.
        """
        if variable.layout is None:
            found = self._layout_map[variable.path]
            if found is not None:
                return found
        return super().get_variable_layout(variable)

    def get_tensor_layout(self, path: str) -> TensorLayout | None:
        """Returns the layout of the output of a layer, from the LayoutMap.

        Args:
            path: the path of the layer, followed by `/output`.
        """
        found: TensorLayout | None = self._layout_map[path]
        return found

    @property
    def _lays_out_outputs_(self) -> bool:
        if type(self).get_tensor_layout is not ModelParallel.get_tensor_layout:
            return super()._lays_out_outputs_
        # A key that ends in a name, such as "kernel", matches no output.
        return any("output" in key or not key[-1:].isalnum() for key in self._layout_map)
