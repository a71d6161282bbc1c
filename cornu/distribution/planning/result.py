"""Plan and LayoutPlan: the results of `cornu.distribution.plan`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cornu.distribution.planning.chips import Chip
from cornu.distribution.planning.collectives import Collective, bytes_by_kind
from cornu.distribution.planning.compiling import Memory
from cornu.distribution.planning.roofline import StepTime
from cornu.errors import quantity
from cornu.inspect.tables.formatting import format_bytes, format_count, format_seconds
from cornu.inspect.tables.html import to_html
from cornu.inspect.tables.table import DisplayTable, TableColumn, TableRow
from cornu.inspect.tables.text import to_text

__all__ = ["LayoutPlan", "Plan"]


@dataclass(frozen=True)
class LayoutPlan:
    """What training with one layout needs, and how fast it is predicted to be.

    Attributes:
        name: the layout, such as "fsdp".
        mesh: the sizes of the axes of the mesh by name.
        code: the argument of `compile` that chooses the layout.
        memory: the memory of one device.
        fits: whether it is at most the memory of the chip.
        collectives: the communication of one device in a step.
        flops: the floating-point operations of one device in a step.
        step: the predicted time.
        samples_per_second: the rows of the batch divided by the time.
        efficiency: the speed of all devices, divided by their number and by the speed of one device
            that has enough memory for the same batch.
        depths: the numbers of equal blocks of the models that were compiled; empty if it was the
            whole model.
    """

    name: str
    mesh: Mapping[str, int] = field(hash=False)
    code: str
    memory: Memory
    fits: bool
    collectives: tuple[Collective, ...]
    flops: int
    step: StepTime
    samples_per_second: float
    efficiency: float
    depths: tuple[int, ...] = ()

    @property
    def bytes_by_kind(self) -> dict[str, int]:
        """The bytes that each device sends in a step, by kind of collective."""
        return bytes_by_kind(self.collectives)

    @property
    def sent_bytes(self) -> int:
        """The bytes that each device sends in a step."""
        return sum(self.bytes_by_kind.values())

    def describe_sent(self) -> str:
        """Returns the bytes that each device sends in a step, by kind, as text."""
        kinds = [(kind, sent) for kind, sent in self.bytes_by_kind.items() if sent >= 1000]
        return ", ".join(f"{kind} {format_bytes(sent)}" for kind, sent in kinds) or "nothing"

    def cells(self) -> list[str]:
        """Returns the cells of the row of the table."""
        return [
            self.name,
            " x ".join(str(size) for size in self.mesh.values()),
            format_bytes(self.memory.total),
            "yes" if self.fits else "no",
            format_bytes(self.sent_bytes),
            format_seconds(self.step.total),
            format_count(round(self.samples_per_second)),
            f"{self.efficiency:.0%}",
        ]


@dataclass(frozen=True)
class Plan:
    """A comparison of layouts; `print(plan)` shows it as a table, and so do notebooks.

    Attributes:
        model: the name of the model.
        parameters: the number of its weights.
        devices, batch: the numbers of devices and of rows of a batch.
        chip: the chip.
        layouts: the layouts, the fastest first; those that do not fit are last.
        skipped: the layouts that cannot divide the batch.
    """

    model: str
    parameters: int
    devices: int
    batch: int
    chip: Chip
    layouts: tuple[LayoutPlan, ...]
    skipped: tuple[str, ...] = ()

    @property
    def best(self) -> LayoutPlan | None:
        """The fastest layout that fits; None if none does."""
        return next((layout for layout in self.layouts if layout.fits), None)

    def __getitem__(self, name: str) -> LayoutPlan:
        """Returns the plan of a layout by name."""
        for layout in self.layouts:
            if layout.name == name:
                return layout
        known = ", ".join(layout.name for layout in self.layouts)
        raise KeyError(f"There is no layout {name!r} in the plan. Known: {known}.")

    @property
    def reason(self) -> str:
        """Why the best layout is the best, in one or two sentences."""
        best = self.best
        if best is None:
            least = min(self.layouts, key=lambda layout: layout.memory.total)
            return (
                f"No layout fits: {least.name} needs {format_bytes(least.memory.total)} on each "
                f"device, which has {format_bytes(int(self.chip.memory))}.\nUse more devices, a "
                "smaller batch or model.remat()."
            )
        others = [layout for layout in self.layouts if layout.fits and layout is not best]
        parts = [
            f"{best.name} is the fastest layout that fits: its steps take "
            f"{format_seconds(best.step.total)}, bound by {best.step.bound}."
        ]
        if others:
            second = others[0]
            slower = second.step.total / best.step.total
            parts.append(
                f"{second.name} takes {slower:.2f} times as long, " + _compare(second, best)
            )
        too_large = [layout.name for layout in self.layouts if not layout.fits]
        if too_large:
            parts.append(f"More than the memory of a device: {', '.join(too_large)}.")
        return " ".join(parts)

    def table(self) -> DisplayTable:
        """Returns the table of the layouts."""
        titles = ("Layout", "Mesh", "Memory", "Fits", "Sent", "Step", "Samples/s", "Scaling", "")
        columns = [TableColumn(title, right=title not in ("Layout", "")) for title in titles]
        best = self.best
        lines = [
            TableRow([*layout.cells(), "best" if layout is best else ""]) for layout in self.layouts
        ]
        notes = [self.reason]
        if best is not None:
            notes.append(f"Each device sends in a step: {best.describe_sent()}.")
            notes.append(f"model.compile(..., {best.code})")
        if self.skipped:
            notes.append(f"Cannot divide {self.batch} rows: {', '.join(self.skipped)}.")
        notes.append(
            "Times are lower bounds: peak rates, and weights are gathered and gradients added "
            "beside arithmetic."
        )
        return DisplayTable(self.title, columns, lines, notes)

    @property
    def title(self) -> str:
        """What is planned, in one line."""
        return (
            f"{self.model} ({_count(self.parameters)} weights) on {self.devices} x "
            f"{self.chip.title}, {format_count(self.batch)} rows per step"
        )

    def to_markdown(self) -> str:
        """Returns the table in Markdown, with the bytes sent by kind."""
        rows = [["layout", "mesh", "memory", "fits", "sent by each device", "step"]]
        rows[0] += ["samples/s", "scaling"]
        rows.append(["---", *["---:"] * (len(rows[0]) - 1)])
        for layout in self.layouts:
            cells = layout.cells()
            rows.append([*cells[:4], layout.describe_sent(), *cells[5:]])
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)

    def __str__(self) -> str:
        return to_text(self.table())

    def _repr_html_(self) -> str:
        return to_html(self.table())

    def __repr__(self) -> str:
        best = self.best
        return f"<Plan: {quantity(len(self.layouts), 'layout')}, best {best and best.name}>"


def _compare(second: LayoutPlan, best: LayoutPlan) -> str:
    """Returns why one layout is slower than another."""
    more_work = second.step.compute - best.step.compute
    more_waiting = second.step.exposed - best.step.exposed
    more_beside = second.step.overlapped - best.step.overlapped
    if more_work > max(more_waiting, more_beside):
        return "since its devices compute more, or read and write more memory."
    if second.sent_bytes > 1.1 * best.sent_bytes:
        return (
            f"since each device sends {format_bytes(second.sent_bytes)} in a step instead of "
            f"{format_bytes(best.sent_bytes)}."
        )
    counts = [sum(one.count for one in layout.collectives) for layout in (second, best)]
    if counts[0] > 1.1 * counts[1]:
        return f"since it needs {counts[0]} collectives in a step instead of {counts[1]}."
    return "since its communication is between nodes, or delays arithmetic."


def _count(number: int) -> str:
    for unit, size in (("billion", 1e9), ("million", 1e6)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:,}"
