"""SequenceParallel: the devices share the steps of each sequence."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from cornu.core.state import placement
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.distribution.base import Distribution
from cornu.distribution.data_parallel import grid_of
from cornu.distribution.layouts import TensorLayout
from cornu.distribution.mesh import DeviceMesh

__all__ = ["SequenceParallel"]


class SequenceParallel(Distribution):
    """Divides sequences among devices: each computes some of the steps, and has all weights.

    Arrays of shape (batch, steps) and (batch, steps, features) are divided along their first two
    axes: those of batches, and the outputs of layers. In attention, each device has its own
    queries, and gathers the keys and values of all steps. The activations of a device, and its
    attention scores, have 1/n of the size. Layers that compute steps one after the other, such as
    LSTM, have the same results, and exchange their inputs.

    Args:
        device_mesh: a mesh with two axes: the first divides batches, the second sequences.
        devices: the devices, if there is no mesh; by default all devices.
        sequence_parallel: the number of devices that share a sequence; by default those of a
            process. Batches are divided among the groups of so many devices.
        auto_shard_dataset: whether each process of several takes its part of the data; False if
            each is given its part, whose sequences are then divided after the first layer.

    Warns:
        UserWarning: sequences of a layer cannot be divided, because their length is not a multiple
            of the number of parts; every device then computes all steps.

    Raises:
        ValueError: `sequence_parallel` does not divide the number of devices, or the mesh does not
            have two axes.

    References: Vijay Korthikanti et al. (2022), "Reducing activation recomputation in large
    Transformer models", arXiv:2205.05198; Abhimanyu Dubey et al. (2024), "The Llama 3 herd of
    models", section 3.3.2, arXiv:2407.21783.

    Example:

    >>> import cornu
    >>> distribution = cornu.distribution.SequenceParallel(devices=["cpu:0"], sequence_parallel=1)
    >>> distribution.get_data_layout((32, 128)).axes
    ('batch', 'sequence')
    """

    @api_boundary
    def __init__(
        self,
        device_mesh: DeviceMesh | None = None,
        devices: Sequence[str | jax.Device] | np.ndarray | None = None,
        sequence_parallel: int | None = None,
        auto_shard_dataset: bool = True,
    ) -> None:
        mesh = grid_of(
            *("SequenceParallel", "sequence_parallel", "sequence"),
            *(device_mesh, devices, sequence_parallel),
        )
        batch, self._axis = mesh.axis_names
        super().__init__(mesh, batch, auto_shard_dataset)
        self._reported: set[int] = set()

    @property
    def _parts(self) -> int:
        return self.device_mesh.size_of(self._axis)

    def get_data_layout(self, data_shape: Sequence[int | None]) -> TensorLayout:
        """Returns the layout of an array of a batch: rows and steps are divided.

        Args:
            data_shape: the shape of the array.
        """
        if not self._has_steps(data_shape):
            return super().get_data_layout(data_shape)
        rest = [None] * (len(data_shape) - 2)
        return TensorLayout([self.batch_dim_name, self._axis, *rest], self.device_mesh)

    def _has_steps(self, shape: Sequence[int | None]) -> bool:
        steps = shape[1] if 2 <= len(shape) <= 3 else None
        return steps is not None and steps > 0 and steps % self._parts == 0

    @property
    def _divides_steps_(self) -> bool:
        return True

    def _divide_steps_(self, x: Any) -> Any:
        # An output of shape (batch, features) has no steps.
        if not isinstance(x, jax.core.Tracer) or x.ndim != 3:
            return x
        if not self._has_steps(x.shape):
            self._report(x.shape[1])
            return x
        return placement.put(x, self._sharding(self._rows(x), self._axis))

    def _report(self, steps: Any) -> None:
        """Warns of sequences that are not divided, once for each length."""
        # A sequence of one step, such as a query for the whole sequence, has no parts. The length
        # may be symbolic while shapes are inferred.
        if not isinstance(steps, int) or steps <= 1 or steps in self._reported:
            return
        self._reported.add(steps)
        parts = self._parts
        warnings.warn(
            f"SequenceParallel: a sequence of {steps} steps cannot be divided among {parts} "
            f"devices, and each of them computes all steps.\nPad sequences to a multiple of {parts}"
            f", such as {-(-steps // parts) * parts}, or pass a divisor of {steps} as "
            "`sequence_parallel`.",
            stacklevel=user_stacklevel(),
        )

    def _whole_steps_(self, x: Any) -> Any:
        if not isinstance(x, jax.core.Tracer):
            return x
        return placement.put(x, self._sharding(self._rows(x)))

    def _rows(self, x: Any) -> str | None:
        return self.batch_dim_name if x.shape[0] % self.num_model_replicas == 0 else None

    def _sharding(self, *axes: str | None) -> NamedSharding:
        return NamedSharding(self.device_mesh.backend_mesh, PartitionSpec(*axes))

    def _place_array(self, x: Any) -> jax.Array:
        if self._auto_shard_dataset or not self._has_steps(x.shape):
            return super()._place_array(x)
        # The part of a process consists of whole rows.
        rows = [self.batch_dim_name, *[None] * (x.ndim - 1)]
        whole: jax.Array = jax.make_array_from_process_local_data(
            self._sharding(*rows), np.asarray(x)
        )
        return whole
