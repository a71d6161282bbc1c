"""The layouts that a plan compares: meshes, and the distributions of cornu on them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cornu.distribution.base import Distribution
from cornu.distribution.data_parallel import DataParallel
from cornu.distribution.fully_sharded import FullySharded
from cornu.distribution.mesh import DeviceMesh
from cornu.distribution.pipeline_parallel import PipelineParallel
from cornu.distribution.planning.training_step import AbstractDeviceMesh
from cornu.distribution.sequence_parallel import SequenceParallel
from cornu.distribution.sharded_sequence import ShardedSequenceParallel
from cornu.distribution.sharded_tensor import ShardedTensorParallel
from cornu.distribution.tensor_parallel import TensorParallel

__all__ = ["Layout", "candidates"]

_BATCH, _MODEL, _SEQUENCE, _STAGE = "batch", "model", "sequence", "stage"
_MAX_PARTS = 8


@dataclass(frozen=True)
class Layout:
    """A way to divide a model among devices.

    Attributes:
        name: such as "fsdp" or "fsdp x tensor 8".
        mesh: the sizes of the axes of the mesh by name.
        create: creates the distribution, given a mesh.
        code: the argument of `compile` that chooses the layout.
    """

    name: str
    mesh: Mapping[str, int] = field(hash=False)
    create: Callable[[DeviceMesh], Distribution]
    code: str

    @property
    def devices(self) -> int:
        """The number of devices."""
        return math.prod(self.mesh.values())

    @property
    def replicas(self) -> int:
        """The number of parts into which batches are divided."""
        return self.mesh[_BATCH]

    @property
    def row_multiple(self) -> int:
        """The number of rows of a batch must be a multiple of this one."""
        return self.distribution()._row_multiple_

    @property
    def is_pipeline(self) -> bool:
        """Whether it divides the blocks of a model."""
        return _STAGE in self.mesh

    def fits(self, model: Any, steps: int | None) -> bool:
        """Whether it can divide a model.

        Args:
            model: a built model.
            steps: the length of its sequences; None if it has none.
        """
        if self.is_pipeline:
            try:
                self.distribution()._plan_(model)
            except ValueError:  # it has no blocks that could be stages
                return False
        parts = self.mesh.get(_SEQUENCE)
        return parts is None or (steps is not None and steps % parts == 0)

    @property
    def waiting_axes(self) -> tuple[str, ...]:
        """The axes along which activations are exchanged."""
        return tuple(name for name in self.mesh if name != _BATCH)

    def distribution(self) -> Distribution:
        """Returns the distribution on an abstract mesh."""
        return self.create(AbstractDeviceMesh(self.mesh))


def candidates(devices: int, node_size: int) -> list[Layout]:
    """Returns the layouts for a number of devices.

    Tensor and sequence parallelism exchange activations in each layer, so that their devices are
    in one node. So are the stages of a pipeline, which exchange weights once in a step.

    Args:
        devices: the number of devices.
        node_size: the number of devices in a node.

    Example:

    >>> [layout.name for layout in candidates(2, 8)]
    ['data', 'fsdp', 'tensor 2', 'sequence 2', 'pipeline 2']
    >>> [layout.name for layout in candidates(4, 8) if "x" in layout.name]
    ['fsdp x tensor 2', 'fsdp x sequence 2']
    """
    flat = {_BATCH: devices}
    found = [
        Layout("data", flat, DataParallel, 'distribution="data"'),
        Layout("fsdp", flat, FullySharded, 'distribution="fsdp"'),
    ]
    for name, kind, axis in _GRIDS:
        for parts in _divisors(devices, min(node_size, _MAX_PARTS)):
            if parts < devices or " x " not in name:
                found.append(_grid(name, kind, devices, parts, axis))
    return found


_GRIDS = (
    ("tensor", TensorParallel, _MODEL),
    ("sequence", SequenceParallel, _SEQUENCE),
    ("pipeline", PipelineParallel, _STAGE),
    ("fsdp x tensor", ShardedTensorParallel, _MODEL),
    ("fsdp x sequence", ShardedSequenceParallel, _SEQUENCE),
)


def _divisors(devices: int, largest: int) -> Iterator[int]:
    parts = 2
    while parts <= largest and devices % parts == 0:
        yield parts
        parts *= 2


def _grid(name: str, kind: Any, devices: int, parts: int, axis: str) -> Layout:
    mesh = {_BATCH: devices // parts, axis: parts}
    argument = "pipeline" if axis == _STAGE else axis
    code = f"distribution=cornu.distribution.{kind.__name__}({argument}_parallel={parts})"
    return Layout(f"{name} {parts}", mesh, kind, code)
