"""Costs for more devices than can be compiled for, extrapolated by a formula that is checked.

With a batch that grows with the number of devices, each number of a program of n devices is
`a + b / n`: arrays that every device has are constant, and those that are divided shrink. Programs
for three numbers of devices determine `a` and `b` and prove the formula. Temporary memory is the
largest of the three.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from cornu.distribution.planning.collectives import Collective
from cornu.distribution.planning.compiling import MAX_DEVICES, Memory
from cornu.distribution.planning.layouts import Layout
from cornu.distribution.planning.step_cost import StepCost, StepCosts
from cornu.distribution.planning.work import Work

__all__ = ["extrapolate_devices", "measure_many"]

Measure = Callable[[Sequence[Layout], int, int], Iterator[tuple[Layout, StepCost]]]


def measure_many(costs: StepCosts) -> Measure:
    """Returns a function like `StepCosts.measure` for more than `MAX_DEVICES` devices."""

    def measure(
        layouts: Sequence[Layout], batch: int, node_size: int = 1
    ) -> Iterator[tuple[Layout, StepCost]]:
        for layout in layouts:
            factor = 2
            while layout.devices // factor > MAX_DEVICES:
                factor *= 2
            smaller = [_divided(layout, factor * 4), _divided(layout, factor * 2)]
            smaller.append(_divided(layout, factor))
            found = [
                cost
                for at, rows in zip(smaller, (factor * 4, factor * 2, factor), strict=True)
                for _, cost in costs.measure([at], batch // rows, node_size)
            ]
            for _ in range(factor.bit_length() - 1):
                found = [*found[1:], extrapolate_devices(found, layout.name)]
            yield layout, found[-1]

    return measure


def _divided(layout: Layout, factor: int) -> Layout:
    """Returns a layout with fewer devices along the axis of the batch."""
    if layout.replicas % factor:
        raise ValueError(
            f"plan: {layout.devices} devices are more than {MAX_DEVICES}, for which programs can "
            f"be compiled, and {layout.name!r} cannot be extrapolated from fewer: its batch axis "
            f"has {layout.replicas} devices, which is not a multiple of {factor}.\nUse a power of "
            "2 as the number of devices."
        )
    return replace(layout, mesh={**layout.mesh, "batch": layout.replicas // factor})


def extrapolate_devices(costs: Sequence[StepCost], name: str = "") -> StepCost:
    """Returns the cost for twice as many devices as the last of three, each for twice the last.

    Args:
        costs: the costs for n, 2 n and 4 n devices, with as many rows per device.
        name: the layout, for the error message.

    Raises:
        ValueError: the numbers do not follow the formula, since other weights are divided.
    """
    memory = Memory(
        _next([cost.memory.arguments for cost in costs], name),
        _next([cost.memory.outputs for cost in costs], name),
        # Buffers are placed by a heuristic, whose results differ.
        max(cost.memory.temporary for cost in costs),
    )
    work = [
        replace(
            rows[0],
            flops=_next([row.flops for row in rows], name),
            nbytes=_next([row.nbytes for row in rows], name),
        )
        for rows in _aligned(costs, "work", name)
    ]
    collectives = [
        replace(
            rows[-1],
            operand_bytes=_next([row.operand_bytes for row in rows], name),
            result_bytes=_next([row.result_bytes for row in rows], name),
            # Twice as many along the axis of the batch, and as many along others.
            devices=rows[2].devices * rows[2].devices // rows[1].devices,
        )
        for rows in _aligned(costs, "collectives", name)
    ]
    return StepCost(tuple(work), tuple(collectives), memory, costs[-1].depths)


def _aligned(costs: Sequence[StepCost], part: str, name: str) -> Iterator[tuple[Any, ...]]:
    """Yields what corresponds to each other in programs of the same structure."""
    columns = [getattr(cost, part) for cost in costs]
    if len({tuple(map(_structure, column)) for column in columns}) > 1:
        raise _refuse(name)
    yield from zip(*columns, strict=True)


def _structure(row: Work | Collective) -> tuple[Any, ...]:
    if isinstance(row, Work):
        return (row.kind, row.dtype, row.count)
    return (row.kind, row.axes, row.is_scattered, row.count)


def _next(values: Sequence[int], name: str) -> int:
    """Returns the number for 8 n devices, given those for n, 2 n and 4 n.

    Example:

    >>> _next([100 + 64, 100 + 32, 100 + 16], "fsdp")
    108
    """
    first, second, third = values
    # Rounding adds at most one byte to each of the three.
    if abs((first - second) - 2 * (second - third)) > 4:
        raise _refuse(name)
    return third - (second - third) // 2


def _refuse(name: str) -> ValueError:
    return ValueError(
        f"plan: {name!r} cannot be extrapolated to more than {MAX_DEVICES} devices, since other "
        "weights are divided among more devices.\nPlan for fewer devices."
    )
