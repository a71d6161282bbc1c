"""ShardedTensorParallel: tensor parallelism whose weights are also divided along the batch axis."""

from __future__ import annotations

from typing import Any

from jax.sharding import NamedSharding, PartitionSpec

from cornu.core.state.variable import Variable
from cornu.distribution.layouts import AxisLike, TensorLayout
from cornu.distribution.tensor_parallel import TensorParallel

__all__ = ["ShardedTensorParallel"]


class ShardedTensorParallel(TensorParallel):
    """Divides the work of each layer, and divides its weights once more along the batch axis.

    The devices of the second axis of the mesh compute as in `TensorParallel`. Those of the first
    axis, which see different rows, have different parts of each weight, as in `FullySharded`: a
    layer gathers the part that its own devices need. A model whose weights neither fit on the
    devices of a node, nor are gathered in whole quickly enough, needs both.

    Args:
        device_mesh, devices, model_parallel, layouts, min_size, auto_shard_dataset: as for
            `TensorParallel`.

    Example:

    >>> import cornu
    >>> distribution = cornu.distribution.ShardedTensorParallel(devices=["cpu:0"], model_parallel=1)
    >>> with distribution.scope():
    ...     layer = cornu.layers.Dense(512)
    ...     layer.build((None, 1024))
    >>> tuple(layer.kernel.value.sharding.spec)
    ('batch', 'model')
    """

    _gathers_weights = True

    def get_variable_layout(self, variable: Variable) -> Any:
        """Returns the layout of `TensorParallel`, with one more axis divided.

        Args:
            variable: the Variable.
        """
        layout = super().get_variable_layout(variable)
        if not isinstance(layout, TensorLayout) or variable.size < self.min_size:
            return layout
        rest = len(variable.shape) - len(layout.axes)
        axes: list[AxisLike] = [*layout.axes, *[None] * rest]
        parts = self.num_model_replicas
        free = [
            (size, axis)
            for axis, size in enumerate(variable.shape)
            if axes[axis] is None and size and size % parts == 0
        ]
        if not free:
            return layout
        axes[max(free)[1]] = self.batch_dim_name
        return TensorLayout(axes, self.device_mesh)

    def _gathered(self, variable: Variable) -> NamedSharding | None:
        """Returns the sharding with which a layer uses a Variable; None if it is its own."""
        sharding = variable.sharding
        if not isinstance(sharding, NamedSharding):
            return None
        kept = tuple(None if name == self.batch_dim_name else name for name in sharding.spec)
        if kept == tuple(sharding.spec):
            return None
        return NamedSharding(sharding.mesh, PartitionSpec(*kept))
