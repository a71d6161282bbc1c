"""The page of results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

from benchmarks.gpu.cases import CASES

__all__ = ["Row", "find_peak", "page", "table"]

# Operations per second of dense products in bfloat16, from the data sheets; in TF32 half of it.
_PEAKS = {
    "B200": 2250e12,
    "H200": 989e12,
    "H100 PCIe": 756e12,
    "H100": 989e12,
    "A100": 312e12,
    "L40S": 362e12,
    "L4": 121e12,
    "4090": 165e12,
    "3090": 71e12,
}


@dataclass(frozen=True)
class Row:
    """What one peer did with one case.

    Attributes:
        losses: the mean loss of the first two epochs.
        first: seconds from building the model to the end of the first epoch.
        steps: seconds of a step, in each epoch that was measured.
        predict: seconds of a prediction.
        problem: why there is nothing else.
    """

    losses: tuple[float, ...] = ()
    first: float = 0.0
    steps: tuple[float, ...] = ()
    predict: float | None = None
    problem: str = ""

    @property
    def step(self) -> float:
        """The median seconds of a step."""
        return median(self.steps)


Rows = Mapping[str, Row]


def find_peak(device: str) -> float | None:
    """Returns the operations per second of a device in bfloat16, or None if they are unknown."""
    return next((peak for name, peak in _PEAKS.items() if name in device), None)


def find_differences(case: str, rows: Rows) -> dict[str, float]:
    """Returns how far the losses of each peer are from those of hand-written JAX.

    Without that peer, they are compared with the first.
    """
    done = {peer: row for peer, row in rows.items() if row.losses}
    if not done:
        return {}
    base = done.get("jax", next(iter(done.values()))).losses
    return {
        peer: max(abs(a - b) / abs(b) for a, b in zip(row.losses, base, strict=True))
        for peer, row in done.items()
    }


def table(case: str, rows: Rows, device: str, tiny: bool) -> str:
    """Returns the results of a case as a Markdown table."""
    description = CASES[case]
    apart = find_differences(case, rows)
    peak = find_peak(device)
    head = ["peer", "losses of two epochs", "apart", "first step, s", "ms/step"]
    head += [f"{description.unit}/s", "model FLOPs utilization"]
    head += ["predict of one sample, ms"] if description.predicts else []
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    for peer, row in rows.items():
        if not row.steps:
            lines.append([peer, row.problem, *[""] * (len(head) - 2)])
            continue
        mark = "" if apart[peer] <= description.close else " (not equal)"
        rate = description.flops(tiny) / row.step
        share = rate / (peak if description.bfloat16 else peak / 2) if peak else None
        first = row.first - (description.at(tiny)[2] - 1) * row.step
        cells = [peer, ", ".join(f"{loss:.4f}" for loss in row.losses)]
        cells += [f"{apart[peer]:.0e}{mark}", f"{first:.2f}", f"{1e3 * row.step:.3g}"]
        cells += [f"{description.units(tiny) / row.step:,.0f}"]
        cells += [f"{share:.1%}" if share is not None else f"({rate / 1e12:.3g} TFLOP/s)"]
        if description.predicts:
            cells.append(f"{1e3 * row.predict:.3f}" if row.predict is not None else "")
        lines.append(cells)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


@dataclass(frozen=True)
class Run:
    """All results, and how they were made."""

    date: str
    machine: str
    device: str
    versions: Mapping[str, str]
    seconds: float
    tiny: bool
    results: Mapping[str, Rows] = field(default_factory=dict)


def page(run: Run) -> str:
    """Returns the page."""
    parts = [
        "# Training on a GPU",
        "Written by `python -m benchmarks.gpu`, which compares cornu with hand-written JAX (optax, "
        "donated state, cuDNN attention), torch.compile (channels last, autocast, fused optimizers)"
        " and Keras on JAX. All peers start from the same weights and train on the same batches. "
        'Losses must be equal first; "apart" is their greatest relative difference from those of '
        "hand-written JAX, with its limit below each title. cornu runs with "
        "`cornu.config.enable_flash_attention()`. Models are compiled in all processes at once and "
        "measured in one at a time; the first step includes building and compiling. JAX and torch "
        "hold the data on the device; cornu copies it there in the first epoch, and Keras in every "
        "step. Model FLOPs are those of products, three times the forward pass, relative to the "
        "peak of dense products in bfloat16 (TF32 for models in float32).",
        f"{run.date}; {run.machine}; device: {run.device}; "
        + ", ".join(f"{name} {version}" for name, version in run.versions.items())
        + f". The run took {run.seconds:.0f} s{' with tiny sizes' if run.tiny else ''}.",
    ]
    for case, rows in run.results.items():
        limit = f"Losses are equal if they are at most {CASES[case].close:g} apart."
        parts += [f"## {CASES[case].title}", limit, table(case, rows, run.device, run.tiny)]
    return "\n\n".join(parts) + "\n"
