"""Assigns the weights that were matched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu.export.weights.matching import Assignment, Source
from cornu.export.weights.report import WeightReport

__all__ = ["assign_matches", "check_built", "check_complete"]


def check_built(model: Any) -> None:
    """Raises unless a model has weights."""
    if not model.built:
        raise ValueError(
            f"Model {model.name!r} is not built: it has no weights yet.\n"
            "Call it on a batch first, or declare its input shape with an Input."
        )


def check_complete(label: str, report: WeightReport, source: Source, strict: bool) -> None:
    """Raises if something was left out, unless `strict` is False.

    Args:
        label: the model or optimizer, as the message shows it.
        report: what was matched.
        source: where the weights come from.
        strict: whether nothing may be left out.
    """
    if strict and not report.complete:
        raise ValueError(
            f"The {source.noun} does not fit {label}; no weight was changed. Pass names={{...}} to "
            f"name modules, or strict=False to assign what fits.\n{report}"
        )


def assign_matches(
    model: Any, found: Sequence[Assignment], report: WeightReport, source: Source, strict: bool
) -> None:
    """Assigns the parameters of modules to layers.

    Raises:
        ValueError: something was left out, and `strict`; no weight is changed.
    """
    check_complete(f"model {model.name!r}", report, source, strict)
    # All conversions before the first assignment.
    values = [assignment.read() for assignment in found]
    for assignment, arrays in zip(found, values, strict=True):
        for variable, array in zip(assignment.layer.weights, arrays, strict=True):
            variable.assign(array)
