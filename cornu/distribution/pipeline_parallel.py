"""PipelineParallel: each device computes some of the blocks of a model."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from cornu.core.graph.graph import Graph
from cornu.core.graph.rowwise import is_rowwise, keeps_rows
from cornu.core.layer.layer import Layer
from cornu.core.state import placement
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.distribution.data_parallel import grid_of
from cornu.distribution.devices import list_devices
from cornu.distribution.equal_blocks import BlockRun, find_runs
from cornu.distribution.layouts import AxisLike, TensorLayout
from cornu.distribution.mesh import DeviceMesh
from cornu.distribution.pipeline import BlockPipeline
from cornu.distribution.planned import PlannedDistribution, largest_axis
from cornu.errors import is_positive_integer

__all__ = ["PipelineParallel"]


class PipelineParallel(PlannedDistribution):
    """Divides the equal blocks of a model among devices, the stages of a pipeline.

    The rows of a batch are divided into microbatches. While a stage computes its blocks for one
    microbatch, the stage before it computes the next one (the schedule of GPipe). What precedes and
    follows the blocks is computed by all devices, each of which has some of the rows.

    The blocks are found in the graph of the model: equal calls of a function, equal layers, or
    equal groups of them, each of which continues where the one before it ends. Their number must be
    a multiple of the number of stages, and each row of their outputs must depend on the same row of
    their inputs only.

    Between steps, each device has a part of every weight of at least `min_size` elements, of its
    gradient and of the Variables of the optimizer, as with `FullySharded`. At the beginning of a
    step, the devices exchange these parts, so that each has the weights of its own blocks. Random
    numbers are those of one device: `Dropout`, `GaussianNoise` and the functions `normal`,
    `uniform`, `truncated_normal`, `randint` and `dropout` of `cornu.random` see the row in the
    batch. Other random functions raise an error in a block.

    Args:
        device_mesh: a mesh with two axes: the first divides batches, the second has the stages.
        devices: the devices, if there is no mesh; by default all devices.
        pipeline_parallel: the number of stages; by default the number of all devices. Batches are
            divided among the groups of so many devices.
        microbatches: the number of microbatches of the rows of a group; by default twice the number
            of stages. With M of them and S stages, (S - 1) / (M + S - 1) of the computation of a
            stage is not used. Batches are padded with rows that count nowhere; a model that may mix
            rows is not padded, and its batches are divided into fewer microbatches if necessary.
        layouts: axes of weights, by path or pattern; see `FullySharded`. The axes of the mesh are
            `"batch"` and `"stage"`.
        min_size: the number of elements from which a weight is divided.
        auto_shard_dataset: whether each process of several takes its part of the data; False if
            each is given its part.

    Raises:
        ValueError: `pipeline_parallel` does not divide the number of devices, `microbatches` is not
            a positive integer, or the mesh does not have two axes. When a model is trained or
            evaluated: it has no graph, no equal blocks, or blocks that cannot be stages.

    References: Yanping Huang et al. (2019), "GPipe: efficient training of giant neural networks
    using pipeline parallelism", arXiv:1811.06965.

    Example:

    >>> import cornu
    >>> distribution = cornu.distribution.PipelineParallel(devices=["cpu:0"])
    >>> distribution.device_mesh, distribution.microbatches
    (<DeviceMesh shape=(1, 1), axis_names=('batch', 'stage')>, 2)
    """

    _gathers_weights = True

    @api_boundary
    def __init__(
        self,
        device_mesh: DeviceMesh | None = None,
        devices: Sequence[str | jax.Device] | np.ndarray | None = None,
        pipeline_parallel: int | None = None,
        microbatches: int | None = None,
        layouts: Mapping[str, Sequence[AxisLike]] | None = None,
        min_size: int = 1024,
        auto_shard_dataset: bool = True,
    ) -> None:
        if device_mesh is None and pipeline_parallel is None:
            pipeline_parallel = np.size(list_devices() if devices is None else devices)
        mesh = grid_of(
            *("PipelineParallel", "pipeline_parallel", "stage"),
            *(device_mesh, devices, pipeline_parallel),
        )
        batch, self._axis = mesh.axis_names
        if microbatches is not None and not is_positive_integer(microbatches):
            raise ValueError(
                "PipelineParallel: microbatches must be a positive integer. Received: "
                f"{microbatches!r}"
            )
        super().__init__(mesh, batch, layouts, min_size, auto_shard_dataset)
        self.microbatches = microbatches or 2 * self._parts

    @property
    def _parts(self) -> int:
        return self.device_mesh.size_of(self._axis)

    @property
    def num_model_replicas(self) -> int:
        """The number of parts into which batches are divided, outside of the pipeline."""
        return int(self.device_mesh.devices.size)

    def get_data_layout(self, data_shape: Sequence[int | None]) -> TensorLayout:
        """Returns the layout of an array of a batch: its rows are divided among all devices.

        Args:
            data_shape: the shape of the array.
        """
        assert self.batch_dim_name is not None
        rows = [(self.batch_dim_name, self._axis)][: len(data_shape)]
        return TensorLayout([*rows, *[None] * (len(data_shape) - 1)], self.device_mesh)

    def _choose_axes(self, variable: Variable) -> Sequence[AxisLike] | None:
        return largest_axis(variable.shape, self._parts, self._axis)

    # ------------------------------------------------------------------- the protocol `Placement`

    @property
    def _row_multiple_(self) -> int:
        groups = self.device_mesh.size_of(self.device_mesh.axis_names[0])
        multiple = groups * math.lcm(self.microbatches, self._parts)
        return multiple if self._auto_shard_dataset else max(1, multiple // self._num_processes)

    def _plan_(self, model: Layer) -> None:
        super()._plan_(model)
        if self._parts == 1:
            return
        if model._graph_ is None:
            raise ValueError(
                f"PipelineParallel: model {model.name!r} has no graph, in which equal blocks could "
                "be found: its `call` is a function.\nBuild it with cornu.Sequential or "
                'cornu.Model(inputs, outputs), or use distribution="fsdp".'
            )
        runs = [run for graph in _graphs_of(model) for run in find_runs(graph)]
        if not any(self._select(runs)):
            longest = max((len(run.blocks) for run in runs), default=0)
            found = f"the longest run has {longest}" if longest else "there is none"
            raise ValueError(
                f"PipelineParallel: model {model.name!r} needs a run of {self._parts} equal "
                f"blocks, or a multiple, for {self._parts} stages; {found}. Blocks of a run are "
                "equal calls of a function or equal layers, in a row, with inputs and outputs of "
                "equal shapes, and weights of their own.\nPass a smaller `pipeline_parallel`, or "
                'use distribution="fsdp".'
            )

    def _find_pipelines_(self, graph: Graph) -> Sequence[placement.Pipeline]:
        if self._parts == 1:
            return ()
        batch, stage = self.device_mesh.axis_names
        return [
            BlockPipeline(run, self, batch, stage, self.microbatches)
            for run in self._select(find_runs(graph))
        ]

    def _select(self, runs: Sequence[BlockRun]) -> list[BlockRun]:
        """Returns the runs with at least as many blocks as there are stages.

        Raises:
            ValueError: the blocks of one of them cannot be the stages of a pipeline.
        """
        chosen = [run for run in runs if len(run.blocks) >= self._parts]
        for run in chosen:
            name = run.blocks[0].parts[0].name
            if len(run.blocks) % self._parts:
                raise ValueError(
                    f"PipelineParallel: the {len(run.blocks)} equal blocks that begin with "
                    f"{name!r} cannot be divided among {self._parts} stages.\nUse a multiple of "
                    f"{self._parts} blocks, or pass one of their divisors as `pipeline_parallel`."
                )
            mixing = self._find_mixing_node(run)
            if mixing is not None:
                raise ValueError(
                    f"PipelineParallel: {mixing!r} in block {name!r} may combine rows of a batch, "
                    "and a stage sees one microbatch at a time.\nIf each row of its output depends "
                    "on the same row of its input only, set `rowwise = True` in the class of the "
                    "layer, or move the operation into such a layer. Otherwise, use "
                    'distribution="fsdp".'
                )
        return chosen

    def _find_mixing_node(self, run: BlockRun) -> str | None:
        """Returns the name of a node of the first block that may combine rows; None for none."""
        if self.num_model_replicas == self._parts and self.microbatches == 1:
            return None
        nodes = run.blocks[0].nodes
        return next((n.name for n in nodes if not (is_rowwise(n.op) and keeps_rows(n))), None)


def _graphs_of(model: Any) -> Iterator[Graph]:
    """Yields the graph of a model, and those of the models in it."""
    graph: Graph = model._graph_.graph
    yield graph
    for node in graph.nodes:
        if isinstance(node.op, Layer) and node.op._graph_ is not None:
            yield from _graphs_of(node.op)
