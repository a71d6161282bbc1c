"""plan: which layout trains a model fastest on a number of devices, and whether it fits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.distribution.data_parallel import DataParallel
from cornu.distribution.planning.chips import Chip, find_chip
from cornu.distribution.planning.compiling import MAX_DEVICES
from cornu.distribution.planning.layouts import Layout, candidates
from cornu.distribution.planning.many_devices import measure_many
from cornu.distribution.planning.result import LayoutPlan, Plan
from cornu.distribution.planning.roofline import predict_step, work_seconds
from cornu.distribution.planning.step_cost import StepCost, StepCosts
from cornu.errors import is_positive_integer, suggest
from cornu.types import DataLike

__all__ = ["plan"]

_ROWS_PER_DEVICE = 8


@api_boundary
def plan(
    model: Any,
    devices: int,
    chip: str | Chip = "h100",
    batch: int | None = None,
    *,
    layouts: Sequence[str] | None = None,
    data: DataLike | None = None,
) -> Plan:
    """Compares ways to train a model on many devices, none of which is needed.

    The training step of each layout is partitioned and compiled by XLA, for virtual devices in
    another process. The compiled program determines what each device computes and communicates,
    and its memory. A roofline model predicts the time. The weights of the model are neither read
    nor created. Of a deep model with equal blocks, models with 2, 3 and 4 of them are compiled; the
    whole model is if they do not grow by the same operations.

    Args:
        model: a built model that has been compiled with an optimizer and a loss.
        devices: the number of devices.
        chip: the name of a chip, such as `"a100"`, `"h100"`, `"h200"`, `"tpu-v5e"` or `"tpu-v5p"`;
            or a `Chip`.
        batch: the number of rows of a batch on all devices together; by default 8 per device.
        layouts: the names of the layouts to compare; by default all: "data", "fsdp", "tensor 2",
            "fsdp x tensor 2", and so on; "sequence 2" and "fsdp x sequence 2" if the first input of
            the model has a sequence; "pipeline 2" if it has equal blocks.
        data: `(x, y)` or `(x, y, sample_weight)`, arrays or `jax.ShapeDtypeStruct`s of any number
            of rows. Needed if shapes do not follow from the inputs and outputs of the model.

    Returns:
        A Plan, whose layouts are sorted by predicted speed.

    Raises:
        ValueError: an argument is out of range, the chip or a layout is unknown, the model is not
            compiled, or no layout can divide the batch.

    Example:

    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((256,)), cornu.layers.Dense(512)])
    >>> model.compile(optimizer="adam", loss="mse")
    >>> plan = cornu.distribution.plan(model, devices=4, chip="h100", layouts=["data", "fsdp"])
    >>> plan["data"].bytes_by_kind  # of 131584 gradients: 2 * 3 / 4 of their bytes, and the loss
    {'all-reduce': 789510}
    >>> plan["fsdp"].memory.arguments < plan["data"].memory.arguments
    True
    """
    found = find_chip(chip)
    if not is_positive_integer(devices):
        raise ValueError(f"plan: devices must be a positive integer. Received: {devices!r}")
    rows = _ROWS_PER_DEVICE * devices if batch is None else batch
    if not is_positive_integer(rows):
        raise ValueError(f"plan: batch must be a positive integer. Received: {batch!r}")
    if not model.compiled:
        raise ValueError(
            f"plan: model {model.name!r} is not compiled; its optimizer and loss determine what a "
            "step computes.\nCall model.compile(optimizer, loss) first."
        )
    known = candidates(devices, found.node_size)
    if layouts is None:
        steps = _sequence_length(model)
        chosen = [layout for layout in known if layout.fits(model, steps)]
    else:
        chosen = [_find(name, known) for name in layouts]
    usable = [layout for layout in chosen if rows % layout.row_multiple == 0]
    if not usable:
        raise ValueError(
            f"plan: a batch of {rows} rows cannot be divided among {devices} devices.\n"
            f"Use a multiple of {devices}, such as {-(-rows // devices) * devices}."
        )
    costs = StepCosts(model, data)
    one = Layout("one device", {"batch": 1}, DataParallel, "")
    ((_, single),) = costs.measure([one], rows)
    # The time of one device that has enough memory for the same batch.
    alone = work_seconds(single.work, found) + single.state_traffic / found.memory_rate
    measure = costs.measure if devices <= MAX_DEVICES else measure_many(costs)
    plans = [
        _predict(layout, cost, found, rows, alone / devices)
        for layout, cost in measure(usable, rows, found.node_size)
    ]
    plans.sort(key=lambda p: (not p.fits, p.step.total))
    return Plan(
        model.name,
        model.count_params(),
        devices,
        rows,
        found,
        tuple(plans),
        tuple(layout.name for layout in chosen if layout not in usable),
    )


def _find(name: str, known: Sequence[Layout]) -> Layout:
    for layout in known:
        if layout.name == name:
            return layout
    names = [layout.name for layout in known]
    raise ValueError(f"plan: unknown layout {name!r}. {suggest(name, names)}")


def _sequence_length(model: Any) -> int | None:
    """Returns the number of steps of the first input of a model; None if it has no sequences."""
    if model._graph_ is None:
        return None
    first = model._graph_.input_tensors[0]
    has_steps = len(first.shape) == 3 or (len(first.shape) == 2 and "int" in first.dtype)
    return first.shape[1] if has_steps else None


def _predict(layout: Layout, cost: StepCost, chip: Chip, rows: int, ideal: float) -> LayoutPlan:
    collectives = cost.collectives
    if chip.reduce_scatters:
        collectives = tuple(one.scattered() for one in collectives)
    step = predict_step(cost.work, cost.state_traffic, collectives, chip, layout.waiting_axes)
    return LayoutPlan(
        layout.name,
        layout.mesh,
        layout.code,
        cost.memory,
        cost.memory.total <= chip.memory,
        collectives,
        cost.flops,
        step,
        rows / step.total,
        ideal / step.total,
        cost.depths,
    )
