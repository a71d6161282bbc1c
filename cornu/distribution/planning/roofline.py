"""Predicts the time of a step from the work of a device, its communication, and a chip's rates."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cornu.distribution.planning.chips import Chip
from cornu.distribution.planning.collectives import Collective
from cornu.distribution.planning.work import Work

__all__ = ["StepTime", "collective_seconds", "predict_step", "work_seconds"]


@dataclass(frozen=True)
class StepTime:
    """The predicted time of a training step, in seconds.

    Attributes:
        compute: arithmetic and memory traffic.
        exposed: communication that the next operation waits for.
        overlapped: communication that can run beside arithmetic.
    """

    compute: float
    exposed: float
    overlapped: float

    @property
    def total(self) -> float:
        """The step time: `max(compute, overlapped) + exposed`."""
        return max(self.compute, self.overlapped) + self.exposed

    @property
    def without_overlap(self) -> float:
        """The step time if nothing overlaps."""
        return self.compute + self.overlapped + self.exposed

    @property
    def bound(self) -> str:
        """What takes the most time: "compute" or "communication"."""
        return "compute" if self.compute >= self.overlapped + self.exposed else "communication"


def predict_step(
    work: Iterable[Work],
    state_bytes: float,
    collectives: Sequence[Collective],
    chip: Chip,
    waiting_axes: Iterable[str] = (),
) -> StepTime:
    """Predicts the time of a step: a roofline model.

    Each operation takes the longer of its arithmetic at the peak rate of its dtype and its memory
    traffic. The state of training is read and written once by the optimizer. Communication along
    `waiting_axes` delays the operation that uses its result; any other is assumed to overlap with
    arithmetic, since weights can be gathered and gradients reduced beside it.

    Args:
        work: the operations of one device.
        state_bytes: the bytes of weights and optimizer state that the optimizer reads and writes.
        collectives: the communication of one device.
        chip: the chip.
        waiting_axes: the axes of the mesh along which activations are exchanged.

    Returns:
        The times at peak rates, which real programs do not reach: a lower bound.
    """
    waiting = set(waiting_axes)
    compute = work_seconds(work, chip) + state_bytes / chip.memory_rate
    exposed = overlapped = 0.0
    for one in collectives:
        seconds = collective_seconds(one, chip)
        if one.axes is None or waiting.intersection(one.axes):
            exposed += seconds
        else:
            overlapped += seconds
    return StepTime(compute, exposed, overlapped)


def work_seconds(work: Iterable[Work], chip: Chip) -> float:
    """Returns the time of operations, each bound by arithmetic or by memory."""
    return sum(
        one.count * max(one.flops / chip.peak(one.dtype), one.nbytes / chip.memory_rate)
        for one in work
    )


def collective_seconds(collective: Collective, chip: Chip) -> float:
    """Returns the time of a collective in a step, with ring algorithms on two levels.

    Of the `n` devices of a group, `k` lie in each node. All `k` send their part of the payload `S`
    to the other `n / k` nodes at the same time, each through its own network interface:
    `S (k - 1) / k` bytes travel within a node, `S / k (m - 1) / m` between `m = n / k` nodes. An
    all-reduce is a reduce-scatter and an all-gather, and takes twice as long. In addition, a
    collective over `n` devices takes `ceil(log2 n)` latencies.

    Args:
        collective: the collective; `spread` is `k`.
        chip: the chip. If it `reduce_scatters`, an all-reduce of which each device uses only a
            part is a reduce-scatter.
    """
    one = collective.scattered() if chip.reduce_scatters else collective
    if one.devices < 2:
        return 0.0
    inner = min(one.spread, one.devices)
    nodes = one.devices / inner
    rounds = 2 if one.kind == "all-reduce" else 1
    if one.kind in ("collective-permute", "collective-broadcast"):
        rate = chip.link_rate if nodes == 1 else chip.network_rate
        seconds = one.payload / rate
    else:
        within = one.payload * (inner - 1) / inner / chip.link_rate
        between = one.payload / inner * (nodes - 1) / nodes / chip.network_rate
        seconds = rounds * (within + between)
    latency = math.ceil(math.log2(inner)) * chip.link_latency
    latency += math.ceil(math.log2(nodes)) * chip.network_latency
    return one.count * (seconds + rounds * latency)
