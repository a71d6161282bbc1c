"""TensorParallel: the devices share the work of each layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import jax
import numpy as np

from cornu.core.layer.layer import Layer
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.distribution.data_parallel import grid_of
from cornu.distribution.layouts import AxisLike
from cornu.distribution.mesh import DeviceMesh
from cornu.distribution.planned import PlannedDistribution, largest_axis
from cornu.distribution.tensor_plan import plan_tensor_parallel

__all__ = ["TensorParallel"]


class TensorParallel(PlannedDistribution):
    """Divides the kernels of layers, and so their computation, among devices.

    Of two consecutive linear layers, the first is divided along its output axis and the second
    along its input axis. Attention is divided by heads, an Embedding by rows, and batch
    normalization by channels. Pairs are found in the graph of the model; in the `call` of a user's
    layer, which has no graph, by the order and the sizes of the layers that it owns. Weights of
    other layers are divided along their last axis, or the largest one that can be.

    Args:
        device_mesh: a mesh with two axes: the first divides batches, the second weights.
        devices: the devices, if there is no mesh; by default all devices.
        model_parallel: the number of devices that share a weight; by default those of a process.
            Batches are divided among the groups of so many devices.
        layouts: axes of weights that are not laid out as above, by path or pattern; see
            `FullySharded`. The axes of the mesh are `"batch"` and `"model"`.
        min_size: the number of elements from which a weight of a layer without a rule is divided.
        auto_shard_dataset: whether each process of several takes its part of the data; False if
            each is given its part.

    Raises:
        ValueError: `model_parallel` does not divide the number of devices, or the mesh does not
            have two axes.

    References: Mohammad Shoeybi et al. (2019), "Megatron-LM: training multi-billion parameter
    language models using model parallelism", arXiv:1909.08053.

    Example:

    >>> import cornu
    >>> distribution = cornu.distribution.TensorParallel(devices=["cpu:0"], model_parallel=1)
    >>> distribution.device_mesh
    <DeviceMesh shape=(1, 1), axis_names=('batch', 'model')>
    """

    @api_boundary
    def __init__(
        self,
        device_mesh: DeviceMesh | None = None,
        devices: Sequence[str | jax.Device] | np.ndarray | None = None,
        model_parallel: int | None = None,
        layouts: Mapping[str, Sequence[AxisLike]] | None = None,
        min_size: int = 1024,
        auto_shard_dataset: bool = True,
    ) -> None:
        mesh = grid_of(
            *("TensorParallel", "model_parallel", "model"), *(device_mesh, devices, model_parallel)
        )
        batch, self._axis = mesh.axis_names
        super().__init__(mesh, batch, layouts, min_size, auto_shard_dataset)

    @property
    def _parts(self) -> int:
        return self.device_mesh.size_of(self._axis)

    def _choose_axes(self, variable: Variable) -> Sequence[AxisLike] | None:
        shape = variable.shape
        if len(shape) < 2:
            return None
        if shape[-1] % self._parts == 0:
            return (*[None] * (len(shape) - 1), self._axis)
        return largest_axis(shape, self._parts, self._axis)

    def _plan_model(self, model: Layer) -> dict[Variable, Sequence[AxisLike] | None]:
        found = plan_tensor_parallel(model, self._parts)
        return {
            variable: None if axis is None else (*[None] * axis, self._axis)
            for variable, axis in found.items()
        }
