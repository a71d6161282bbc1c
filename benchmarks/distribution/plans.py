"""Plans of three models, and curves of two Transformers from 8 to 4096 devices.

`python -m benchmarks.distribution.plans` compiles all of them, which takes about an hour, and
writes `docs/planning.md` between its markers and `docs/pictures/plan_*.svg`. Sections may be named:
`plan_gpt2_small`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.distribution.planned_models import MODELS, transformer_24, transformer_96
from cornu.distribution import DataParallel, plan
from cornu.distribution.planning.chips import CHIPS, Chip
from cornu.distribution.planning.layouts import Layout, candidates
from cornu.distribution.planning.many_devices import extrapolate_devices
from cornu.distribution.planning.roofline import predict_step, work_seconds
from cornu.distribution.planning.step_cost import StepCost, StepCosts
from cornu.distribution.planning.training_step import without_weights
from cornu.graphics.line_chart import Panel, line_chart

_ROOT = Path(__file__).parents[2]
_PAGE = _ROOT / "docs" / "planning.md"
_PICTURES = _ROOT / "docs" / "pictures"

# The numbers of devices for which programs are compiled, and those to which they are extrapolated.
_DEVICES = (8, 16, 32, 64, 128)
_MORE = (256, 512, 1024, 2048, 4096)
_DEVICES_AT_MOST = _MORE[-1]
_LAYOUTS = ("data", "fsdp", "tensor 8", "fsdp x tensor 8")
_CURVES = {"transformer_24": transformer_24, "transformer_96": transformer_96}
_NODE = 8
# The rows of a batch on 64 devices.
_BATCHES = {"mlp": 1 << 16, "gpt2_small": 512, "transformer_96": 64}


def chips() -> str:
    """Returns the table of chips."""
    rows = [["chip", "product", "bf16, TFLOP/s", "f32", "memory", "memory, GB/s", "link, GB/s"]]
    rows[0] += ["network, GB/s", "chips in a node", "source"]
    rows.append(["---", "---", *["---:"] * 7, "---"])
    for chip in CHIPS.values():
        cells = [f"`{chip.name}`", chip.title]
        cells += [f"{chip.flops[dtype] / 1e12:g}" for dtype in ("bf16", "f32")]
        cells += [f"{chip.memory / 1e9:.0f} GB"]
        rates = (chip.memory_rate, chip.link_rate, chip.network_rate)
        cells += [f"{rate / 1e9:g}" for rate in rates]
        sources = ", ".join(f"[{i}]({url})" for i, url in enumerate(chip.sources, 1))
        rows.append([*cells, f"{chip.node_size}", sources])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def table(name: str) -> str:
    """Returns the plan of a model for 64 devices."""
    with without_weights():
        model = MODELS[name]()
    began = time.perf_counter()
    found = plan(model, devices=64, chip="h100", batch=_BATCHES[name])
    seconds = time.perf_counter() - began
    print(found, f"{seconds:.0f} s", flush=True)
    return (
        f"### {name}\n\n{found.title}.\n\n{found.to_markdown()}\n\n{found.reason} "
        f"The plan took {seconds:.0f} s."
    )


def curve(name: str) -> str:
    """Draws the curves of a model; returns their numbers as a table."""
    with without_weights():
        model = _CURVES[name]()
    costs = StepCosts(model)
    ((_, one),) = costs.measure([Layout("one", {"batch": 1}, DataParallel, "")], 1)
    found: dict[str, dict[int, StepCost]] = {layout: {} for layout in _LAYOUTS}
    for devices in _DEVICES:
        layouts = [layout for layout in candidates(devices, _NODE) if layout.name in _LAYOUTS]
        for layout, cost in costs.measure(layouts, devices, _NODE):
            found[layout.name][devices] = cost
            print(name, devices, layout.name, cost.memory, cost.depths, flush=True)
    for layout, by_devices in found.items():
        _extrapolate(by_devices, layout)
    chips = [CHIPS["h100"], CHIPS["tpu-v5p"]]
    _draw(name, found, one, chips)
    return _numbers(found, one, chips)


def _extrapolate(by_devices: dict[int, StepCost], layout: str) -> None:
    """Adds the costs for more devices, if programs for 16, 32 and 64 determine that for 128."""
    try:
        predicted = extrapolate_devices([by_devices[n] for n in _DEVICES[1:4]], layout)
    except ValueError:
        print(f"{layout}: XLA divides it differently among more devices", flush=True)
        return
    compiled = by_devices[_DEVICES[4]]
    assert predicted.collectives == compiled.collectives, layout
    assert predicted.work == compiled.work, layout
    assert predicted.memory.arguments == compiled.memory.arguments, layout
    for devices in _MORE:
        last = [by_devices[devices // factor] for factor in (8, 4, 2)]
        by_devices[devices] = extrapolate_devices(last, layout)


def _seconds(cost: StepCost, layout: str, chip: Chip) -> float:
    collectives = [one.scattered() for one in cost.collectives]
    if chip.node_size > _DEVICES_AT_MOST:  # all devices are in one slice
        collectives = [replace(one, spread=one.devices) for one in collectives]
    waiting = ("model",) if "tensor" in layout else ()
    return predict_step(cost.work, cost.state_traffic, collectives, chip, waiting).total


def _efficiency(cost: StepCost, one: StepCost, layout: str, chip: Chip) -> float:
    alone = work_seconds(one.work, chip) + one.state_traffic / chip.memory_rate
    return alone / _seconds(cost, layout, chip)


def _draw(
    name: str, found: dict[str, dict[int, StepCost]], one: StepCost, chips: Sequence[Chip]
) -> None:
    def lines(value: Any) -> dict[str, list[tuple[float, float]]]:
        return {
            layout: [(n, value(cost, layout)) for n, cost in by_devices.items()]
            for layout, by_devices in found.items()
        }

    panels = [
        Panel(
            "memory of a device, GB",
            lines(lambda cost, layout: cost.memory.total / 1e9),
            *("devices", True, True, 80.0, "H100: 80 GB"),
        )
    ]
    panels += [
        Panel(
            f"predicted scaling, %: {chip.name}",
            lines(lambda cost, layout, chip=chip: 100 * _efficiency(cost, one, layout, chip)),
            *("devices", True),
        )
        for chip in chips
    ]
    line_chart(panels, f"Plans of {name}").save(_PICTURES / f"plan_{name}.svg")


def _numbers(found: dict[str, dict[int, StepCost]], one: StepCost, chips: Sequence[Chip]) -> str:
    rows = [["layout", "devices", "memory, GB", "sent by each device, GB"]]
    rows[0] += [f"scaling, {chip.name}" for chip in chips]
    rows.append(["---", *["---:"] * (len(rows[0]) - 1)])
    for layout, by_devices in found.items():
        for devices, cost in by_devices.items():
            sent = sum(c.scattered().sent_bytes for c in cost.collectives)
            cells = [layout, f"{devices}", f"{cost.memory.total / 1e9:.1f}", f"{sent / 1e9:.2f}"]
            cells += [f"{_efficiency(cost, one, layout, chip):.0%}" for chip in chips]
            rows.append(cells)
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def write(section: str, text: str) -> None:
    """Replaces a section of the page."""
    begin, end = f"<!-- {section}: begin -->", f"<!-- {section}: end -->"
    whole = _PAGE.read_text(encoding="utf-8")
    before, _, rest = whole.partition(begin)
    after = rest.partition(end)[2]
    _PAGE.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def main(arguments: Sequence[str]) -> None:
    """Writes all sections, or those that are named."""
    sections: dict[str, Callable[[], str]] = {"chips": chips}
    sections |= {f"plan_{name}": partial(table, name) for name in MODELS}
    sections |= {name: partial(curve, name) for name in _CURVES}
    for section in arguments or sections:
        write(section, sections[section]())


if __name__ == "__main__":
    main(sys.argv[1:])
