"""Checks of how a model is divided among devices."""

from __future__ import annotations

import math
from collections.abc import Iterator

import jax.numpy as jnp

from cornu.inspect.checks.context import CheckContext
from cornu.inspect.checks.report import Finding
from cornu.inspect.tables.formatting import format_bytes

__all__ = ["check_devices"]


def check_devices(context: CheckContext) -> Iterator[Finding]:
    """Finds large weights and batches that every device has a copy of."""
    model = context.model
    placement = model._trainer_.placement
    if placement is None or not model.built:
        return
    for variable, parts in placement._undivided_(model):
        size = math.prod(variable.shape) * jnp.dtype(variable.dtype).itemsize
        text = (
            f"Its shape is {variable.shape}, and {parts} devices share a weight: each has all of "
            f"its {format_bytes(size)}."
        )
        yield Finding("C070", text, variable.path)
    rows, parts = context.batch_size, placement._row_multiple_
    if rows and rows % parts and not model._trainer_.pads("train"):
        yield Finding("C071", f"The batch size is {rows}, and there are {parts} parts.")
