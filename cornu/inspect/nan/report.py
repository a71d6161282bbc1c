"""The report on where NaN or infinity begins."""

from __future__ import annotations

import pathlib
from dataclasses import dataclass
from typing import Any, Literal

from cornu.names import printable

__all__ = ["NanReport", "Phase"]

Phase = Literal["data", "weights", "forward", "loss", "backward", "update", "step"]


@dataclass
class NanReport:
    """Where NaN or infinity begins.

    Attributes:
        phase: "data", "weights", "forward", "loss", "backward" or "update".
        path: the path of the layer or op, the part of the data, or the output.
        place: the source location `file:line` in the user's code, '' if unknown.
        text: what was found there.
        hint: the likely cause and what to do, '' if unknown.
        epoch, step: when it happened in `fit`, counted from 1; None outside of `fit`.
        batch: the batch `(x, y, sample_weight)`.
        file: the file with the batch, None if it was not saved; read by `cornu.debug.load_batch`.

    Example:

    >>> import cornu
    >>> report = cornu.debug.NanReport("forward", "head", "train.py:7", "log(0)")
    >>> report.phase, report.path
    ('forward', 'head')
    """

    phase: Phase
    path: str
    place: str
    text: str
    hint: str = ""
    epoch: int | None = None
    step: int | None = None
    batch: Any = None
    file: pathlib.Path | None = None

    def __str__(self) -> str:
        when = "" if self.step is None else f" at step {self.step} of epoch {self.epoch}"
        place = f" ({self.place})" if self.place else ""
        lines = [f"NaN or infinity{when}, first in {_PHASES[self.phase]}: {self.path}{place}."]
        lines.append(self.text)
        if self.hint:
            lines.append(self.hint)
        if self.file is not None:
            lines.append(f"The batch is saved in {self.file}; read it with cornu.debug.load_batch.")
        return printable("\n".join(lines), keep="\n")

    __repr__ = __str__


_PHASES: dict[Phase, str] = {
    "data": "the data",
    "weights": "the weights, before this batch",
    "forward": "the forward pass",
    "loss": "the loss",
    "backward": "the backward pass",
    "update": "the weight update",
    "step": "the compiled step",
}
