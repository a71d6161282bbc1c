"""Equal blocks as a pipeline: each device computes some of them, for one microbatch after another.

The schedule is that of GPipe (Yanping Huang et al., 2019, arXiv:1811.06965). In tick t, stage s
computes microbatch t - s, and passes its outputs to the next stage. Autodiff runs it backward.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.sharding import NamedSharding, PartitionSpec

from cornu.core.graph.shared_function import SharedFunction, count_draws, have_seed_indices
from cornu.core.layer.walk import holds_tracers
from cornu.core.state import scope
from cornu.core.state.placement import use
from cornu.distribution.base import Distribution
from cornu.distribution.equal_blocks import BlockRun, Part

__all__ = ["BlockPipeline", "largest_divisor"]

RunParts = Callable[[Sequence[Part], dict[int, Any]], None]


@dataclass(frozen=True)
class BlockPipeline:
    """The pipeline of a run of equal blocks.

    Attributes:
        run_of_blocks: the blocks; their number is a multiple of the number of stages.
        distribution: the distribution, whose mesh has the axes.
        batch_axis, stage_axis: the axes of the mesh.
        microbatches: the number of parts into which the rows of a group of devices are divided, if
            they can be.
    """

    run_of_blocks: BlockRun
    distribution: Distribution
    batch_axis: str
    stage_axis: str
    microbatches: int

    @cached_property
    def parts(self) -> Sequence[Part]:
        """The parts of the graph."""
        return [part for block in self.run_of_blocks.blocks for part in block.parts]

    def run(self, run_parts: RunParts, known: dict[int, Any]) -> None:
        """Computes the outputs of the last block; see `Pipeline` in `core.state.placement`."""
        around = scope.current()
        blocks = self.run_of_blocks.blocks
        sources = [block.subgraph.sources for block in blocks]
        draws = {count_draws(own) for own in sources}
        if len(draws) > 1 or not all(map(have_seed_indices, sources)):
            run_parts(self.parts, known)  # outside of a step, random numbers depend on names
            return
        first, last = blocks[0], blocks[-1]
        function = self._function(run_parts, draws.pop())
        inputs = [known[id(tensor)] for tensor in first.subgraph.inputs]
        call = _Call(self, function, last.used, self._rows_of(inputs))
        values = [
            [around.read(block.subgraph.variables[i]) for block in blocks] for i in call.range
        ]
        indices = [
            jnp.stack([jnp.asarray(around.seed_indices[id(own[i])], "uint32") for own in sources])
            for i in range(len(sources[0]))
        ]
        try:
            outputs = call(values, around.key, indices, inputs, around.row_mask)
        except scope.CaptureError as error:
            raise ValueError(
                f"PipelineParallel: block {first.parts[0].name!r} uses something that belongs to "
                f"another part of the model: {error}.\nPass it to the block as an input, or use "
                'distribution="fsdp".'
            ) from error
        for own in sources:
            for source, count in zip(own, function.final_draws, strict=True):
                around.draw_counts[id(source)] = count
        for position, output in zip(last.used, outputs, strict=True):
            known[id(last.subgraph.outputs[position])] = output

    def _function(self, run_parts: RunParts, draws: Sequence[int]) -> SharedFunction:
        """Returns the function of a block, of which Variables, sources and inputs are arguments."""
        block = self.run_of_blocks.blocks[0]
        subgraph = block.subgraph

        def fn(*arrays: Any) -> list[Any]:
            known = {id(t): x for t, x in zip(subgraph.inputs, arrays, strict=True)}
            run_parts(block.parts, known)
            # It would be set by each block, and the function is traced once.
            if any(map(holds_tracers, subgraph.layers)):
                raise scope.CaptureError("a layer stores a traced value as an attribute")
            return [known[id(t)] for t in subgraph.outputs]

        name = block.parts[0].name
        return SharedFunction(
            fn, subgraph.variables, subgraph.sources, draws, lambda body: body, name
        )

    def _rows_of(self, inputs: Sequence[Any]) -> int:
        """Returns the number of rows of the inputs that are carried from block to block."""
        carried = zip(self.run_of_blocks.carried, inputs, strict=True)
        sizes = {x.shape[:1] for position, x in carried if position is not None}
        if len(sizes) != 1 or () in sizes:
            raise ValueError(
                "PipelineParallel: what the blocks pass on must have the rows of the batch as its "
                f"first axis. Received: shapes that begin with {sorted(sizes)}"
            )
        return int(sizes.pop()[0])


class _Call:
    """A call of a pipeline, with arrays.

    Args:
        pipeline: the pipeline.
        function: the function of a block.
        used: the positions of the outputs of the last block that are returned.
        total: the number of rows of the batch.
    """

    def __init__(
        self, pipeline: BlockPipeline, function: SharedFunction, used: Sequence[int], total: int
    ) -> None:
        mesh = pipeline.distribution.device_mesh
        self.pipeline = pipeline
        self.function = function
        self.used = used
        self.total = total
        self.blocks = pipeline.run_of_blocks.blocks
        self.carried = pipeline.run_of_blocks.carried
        self.range = range(len(self.blocks[0].subgraph.variables))
        self.stages = mesh.size_of(pipeline.stage_axis)
        groups = mesh.size_of(pipeline.batch_axis)
        # A batch that cannot be divided among the groups of devices is computed by each of them.
        self.batch_axis = pipeline.batch_axis if total % groups == 0 else None
        self.rows = total // groups if self.batch_axis else total
        self.microbatches = largest_divisor(self.rows, pipeline.microbatches)
        self.scatters = self.rows % self.stages == 0

    def __call__(self, values: Any, key: Any, indices: Any, inputs: Any, row_mask: Any) -> Any:
        axis, whole, rows = (
            self.pipeline.stage_axis,
            PartitionSpec(),
            PartitionSpec(self.batch_axis),
        )
        divided = [self._has_rows(i, x) for i, x in enumerate(inputs)]
        specs = (
            [[self._spec(i)] * len(self.blocks) for i in self.range],
            whole,
            [PartitionSpec(axis)] * len(indices),
            [rows if has_rows else whole for has_rows in divided],
            rows,
        )
        names = (self.batch_axis, axis) if self.batch_axis else axis
        outputs = [PartitionSpec(names) if self.scatters else rows] * len(self.used)

        def device(values: Any, key: Any, indices: Any, inputs: Any, row_mask: Any) -> Any:
            weights = [self._collect(i, parts) for i, parts in enumerate(values)]
            return self._run_stages(weights, key, indices, inputs, divided, row_mask)

        mesh = self.pipeline.distribution.device_mesh.backend_mesh
        mapped: Any = jax.shard_map(
            device, mesh=mesh, in_specs=specs, out_specs=outputs, check_vma=False
        )
        return mapped(values, key, indices, inputs, row_mask)

    def _has_rows(self, i: int, x: Any) -> bool:
        """Whether an input has the rows of the batch, so that microbatches have parts of it."""
        if self.carried[i] is not None:
            return True
        inputs = self.blocks[0].subgraph.inputs
        symbolic = inputs[self.carried.index(0)].shape[0]
        return bool(x.ndim) and x.shape[0] == self.total and inputs[i].shape[0] == symbolic

    # --------------------------------------------------------------------------------- weights

    @property
    def stage_axis(self) -> str:
        return self.pipeline.stage_axis

    def _spec(self, i: int) -> PartitionSpec:
        axis = self._divided_axis(i)
        return PartitionSpec(*[None] * (axis or 0), None if axis is None else self.stage_axis)

    def _divided_axis(self, i: int) -> int | None:
        """Returns the axis along which the stages have parts of a weight; None for copies.

        Weights that are laid out otherwise, as the user may wish, are collected by every device.
        """
        specs = set()
        for block in self.blocks:
            sharding = block.subgraph.variables[i].sharding
            specs.add(tuple(sharding.spec) if isinstance(sharding, NamedSharding) else ())
        spec = specs.pop()
        if specs or [axis for axis in spec if axis is not None] != [self.stage_axis]:
            return None
        return spec.index(self.stage_axis)

    def _collect(self, i: int, parts: Sequence[Any]) -> Any:
        """Returns the weight of each block of this stage, given parts of those of all blocks."""
        stacked, axis = jnp.stack(parts), self._divided_axis(i)
        if axis is None:
            count = len(parts) // self.stages
            return lax.dynamic_slice_in_dim(stacked, lax.axis_index(self.stage_axis) * count, count)
        return lax.all_to_all(stacked, self.stage_axis, 0, axis + 1, tiled=True)

    # -------------------------------------------------------------------------------- schedule

    def _run_stages(
        self, weights: Any, key: Any, indices: Any, inputs: Any, divided: Any, row_mask: Any
    ) -> list[Any]:
        """Returns the outputs of the last stage, of which each stage has some rows."""
        stage, size = lax.axis_index(self.stage_axis), self.rows // self.microbatches
        group = lax.axis_index(self.batch_axis) if self.batch_axis else 0

        def split(x: Any) -> Any:
            return x.reshape(self.microbatches, size, *x.shape[1:])

        split_inputs = [split(x) if rows else x for x, rows in zip(inputs, divided, strict=True)]
        split_mask = None if row_mask is None else split(row_mask)

        def of_microbatch(i: int, number: Any) -> Any:
            return split_inputs[i][number] if divided[i] else split_inputs[i]

        def run_stage(state: list[Any], number: Any) -> list[Any]:
            start = group * self.rows + number * size
            window = None if size == self.total else scope.RowWindow(start, size, self.total)
            mask = None if split_mask is None else split_mask[number]

            def run_block(state: list[Any], own: Any) -> Any:
                args = [
                    of_microbatch(i, number) if position is None else state[position]
                    for i, position in enumerate(self.carried)
                ]
                values, indices = own
                return self._run_block(values, indices, key, mask, window, args), None

            return lax.scan(run_block, state, (weights, indices), unroll=True)[0]

        order = [
            self.carried.index(position) for position in range(len(set(self.carried) - {None}))
        ]
        begin = [of_microbatch(i, 0) for i in order]

        def tick(state: list[Any], t: Any) -> Any:
            # Before its first microbatch and after its last one, a stage computes something that
            # is not used. It is computed from data and not from zeros, of which a block may have
            # no finite gradient.
            number = jnp.clip(t - stage, 0, self.microbatches - 1)
            first = [of_microbatch(i, jnp.clip(t, 0, self.microbatches - 1)) for i in order]
            state = [jnp.where(stage == 0, x, y) for x, y in zip(first, state, strict=True)]
            state = run_stage(state, number)
            ahead = [(i, i + 1) for i in range(self.stages - 1)]
            moved = [lax.ppermute(x, self.stage_axis, ahead) for x in state]
            return moved, [state[position] for position in self.used]

        ticks = jnp.arange(self.microbatches + self.stages - 1)
        outputs = lax.scan(tick, begin, ticks)[1]
        return [self._deliver(x[self.stages - 1 :], stage) for x in outputs]

    def _run_block(
        self, values: Any, indices: Any, key: Any, mask: Any, window: Any, args: list[Any]
    ) -> list[Any]:
        inner = scope.Scope(scope.current())
        inner.row_window = window
        # Functions that are shared with other parts of the model have other placements.
        inner.shared_functions = {}
        # On one device: the weights of the blocks are whole.
        with scope.use_scope(inner), use(_OneDevice(self.pipeline.distribution.device_mesh)):
            out, masks, news, losses = self.function.pure(values, key, indices, mask, args)
        self._check_effects(masks, news, losses)
        before = [args[self.carried.index(position)] for position in range(len(out))]
        for x, y in zip(before, out, strict=True):
            if (x.shape, x.dtype) != (y.shape, y.dtype):
                raise ValueError(
                    f"PipelineParallel: block {self._name} must return arrays of the shapes that "
                    f"it receives. Received: {x.dtype} {x.shape}, returned: {y.dtype} {y.shape}"
                )
        return list(out)

    def _check_effects(self, masks: Any, news: Any, losses: Any) -> None:
        """Raises an error if a block does more than compute its outputs."""
        if news:
            paths = [self.blocks[0].subgraph.variables[i].path for i in news]
            raise ValueError(
                f"PipelineParallel: block {self._name} assigns {', '.join(map(repr, paths))}. A "
                "stage sees a microbatch at a time, whose statistics are not those of the "
                "batch.\nUse a normalization without statistics, such as LayerNormalization, or "
                'distribution="fsdp".'
            )
        if losses or any(mask is not None for mask in masks):
            what = "adds losses" if losses else "attaches masks to its outputs"
            raise ValueError(
                f"PipelineParallel: block {self._name} {what}, which stages do not pass on.\n"
                'Use distribution="fsdp".'
            )

    @property
    def _name(self) -> str:
        return repr(self.blocks[0].parts[0].name)

    def _deliver(self, x: Any, stage: Any) -> Any:
        """Returns an output of the last stage: on each stage some of its rows, or all of them."""
        x = x.reshape(self.rows, *x.shape[2:])
        numbers = x.astype("uint8") if x.dtype == jnp.bool_ else x
        own = jnp.where(stage == self.stages - 1, numbers, jnp.zeros_like(numbers))
        if self.scatters:
            out = lax.psum_scatter(own, self.stage_axis, scatter_dimension=0, tiled=True)
        else:
            out = lax.psum(own, self.stage_axis)
        return out.astype(x.dtype)


class _OneDevice(Distribution):
    """The placement within a stage: nothing is divided."""


def largest_divisor(number: int, limit: int) -> int:
    """Returns the largest divisor of a number that is at most `limit`.

    Example:

    >>> largest_divisor(30, 8), largest_divisor(31, 8)
    (6, 1)
    """
    return next(d for d in range(max(1, min(limit, number)), 0, -1) if number % d == 0)
