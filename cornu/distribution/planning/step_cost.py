"""What a step costs each device, found by compiling the step of a model for many devices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from cornu.distribution.planning.batch_specs import prepare_batch
from cornu.distribution.planning.collectives import Collective, find_collectives
from cornu.distribution.planning.compiling import Compiled, Memory, VirtualDevices
from cornu.distribution.planning.depth import DEPTHS, extrapolate, find_chain, shorten
from cornu.distribution.planning.layouts import Layout
from cornu.distribution.planning.training_step import StepTracer, without_weights
from cornu.distribution.planning.work import Work, find_work
from cornu.types import DataLike

__all__ = ["StepCost", "StepCosts"]

# The relative difference of temporary memory from a linear function of the depth that is accepted:
# XLA places buffers by a heuristic.
_MEMORY_TOLERANCE = 0.02

CountedT = TypeVar("CountedT", Work, Collective)


@dataclass(frozen=True)
class StepCost:
    """What a step costs each device.

    Attributes:
        work: its operations.
        collectives: its communication, as the program for CPU has it.
        memory: its memory.
        depths: the numbers of blocks of the models that were compiled; empty if it was the whole
            model.
    """

    work: tuple[Work, ...]
    collectives: tuple[Collective, ...]
    memory: Memory
    depths: tuple[int, ...] = ()

    @property
    def flops(self) -> int:
        """The floating-point operations of products and convolutions."""
        return sum(one.flops * one.count for one in self.work)

    @property
    def state_traffic(self) -> int:
        """The bytes that the optimizer reads and writes."""
        return 2 * self.memory.arguments


class StepCosts:
    """Measures what a step of a model costs.

    Args:
        model: a compiled model. Its weights are neither read nor created.
        data: as for `plan`.
        shortens: whether models with fewer equal blocks are compiled instead of a deep one.
    """

    def __init__(self, model: Any, data: DataLike | None = None, shortens: bool = True) -> None:
        self._model = model
        self._data = data
        with without_weights():
            chain = find_chain(model) if shortens else None
            self.blocks = 0 if chain is None else len(chain)
            self._shallow = [] if chain is None else [shorten(model, chain, n) for n in DEPTHS]

    def measure(
        self, layouts: Sequence[Layout], batch: int, node_size: int = 1
    ) -> Iterator[tuple[Layout, StepCost]]:
        """Yields the cost for each layout.

        Args:
            layouts: the layouts.
            batch: the number of rows of a batch, on all devices together.
            node_size: the number of devices in a node.

        Raises:
            RuntimeError: a program could not be compiled.
        """
        shallow = [self._tracer(model, batch) for model in self._shallow]
        whole = None if shallow else self._tracer(self._model, batch)
        with VirtualDevices(max(layout.devices for layout in layouts)) as devices:
            for layout in layouts:

                def cost(tracer: StepTracer, layout: Layout = layout) -> StepCost:
                    compiled = devices.compile(tracer.trace(layout.distribution()))
                    return _read(compiled, layout, node_size)

                # The stages of a pipeline have equally many blocks, which run as a loop: the
                # program for all blocks is as small as that for a few.
                extrapolates = shallow and not layout.is_pipeline
                found = _at_depth([cost(t) for t in shallow], self.blocks) if extrapolates else None
                if found is None:
                    # What a block adds depends on the depth: only the whole model tells.
                    whole = whole or self._tracer(self._model, batch)
                    found = cost(whole)
                yield layout, found

    def _tracer(self, model: Any, batch: int) -> StepTracer:
        with without_weights():
            return StepTracer(model._trainer_, prepare_batch(model, batch, self._data))


def _read(compiled: Compiled, layout: Layout, node_size: int) -> StepCost:
    collectives = find_collectives(compiled.program, layout.mesh, node_size)
    return StepCost(tuple(find_work(compiled.program)), tuple(collectives), compiled.memory)


def _at_depth(costs: Sequence[StepCost], depth: int) -> StepCost | None:
    """Returns the cost of a model with more blocks; None if it does not grow linearly."""
    work = _extrapolate_counts([cost.work for cost in costs], depth)
    collectives = _extrapolate_counts([cost.collectives for cost in costs], depth)
    if work is None or collectives is None:
        return None
    parts = []
    for name in ("arguments", "outputs", "temporary"):
        first, second, third = (getattr(cost.memory, name) for cost in costs)
        # From the ends: the heuristic of one of them matters least.
        per_block = (third - first) / (DEPTHS[2] - DEPTHS[0])
        if abs(first + per_block - second) > _MEMORY_TOLERANCE * max(second, 1):
            return None
        parts.append(round(third + (depth - DEPTHS[2]) * per_block))
    return StepCost(tuple(work), tuple(collectives), Memory(*parts), DEPTHS)


def _extrapolate_counts(rows: Sequence[Sequence[CountedT]], depth: int) -> list[CountedT] | None:
    """Returns operations with the counts of a deeper model."""
    counts = [{replace(one, count=1): one.count for one in part} for part in rows]
    found = extrapolate(counts, depth)
    if found is None:
        return None
    return [replace(one, count=count) for one, count in found.items()]
