"""Checks of data: scale, constant values, dtypes, weights, validation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cornu.core.layer.layer import Layer
from cornu.core.layer.walk import nested_layers
from cornu.inspect.checks.context import CheckContext, DataSample, GraphCall
from cornu.inspect.checks.outputs import crossentropy_kind
from cornu.inspect.checks.report import Finding
from cornu.layers import (
    LSTM,
    Conv1D,
    Conv2D,
    Conv3D,
    Dense,
    Dropout,
    EinsumDense,
    Flatten,
    Identity,
    Permute,
    Reshape,
    ZeroPadding1D,
    ZeroPadding2D,
    ZeroPadding3D,
)

__all__ = ["check_inputs", "check_targets", "check_validation", "check_weights"]

# Layers whose start assumes inputs near 1, and those that hand values on as they are.
_SENSITIVE = (Dense, EinsumDense, Conv1D, Conv2D, Conv3D, LSTM)
_THROUGH = (
    *(Flatten, Reshape, Permute, Dropout, Identity),
    *(ZeroPadding1D, ZeroPadding2D, ZeroPadding3D),
)
_LARGE = 100.0
_FLOAT16 = 65504.0


def check_inputs(view: CheckContext) -> Iterator[Finding]:
    """Inputs: scale, constants, fractions, overflow."""
    for feed in view.inputs:
        values = feed.values
        if values.size == 0 or values.dtype.kind not in "biuf":
            continue
        low, high = float(values.min()), float(values.max())
        place = feed.tensor.node.location if feed.tensor is not None and feed.tensor.node else ""
        name = f"input {feed.name!r}"
        if low == high:
            text = (
                f"All values are {low:g}."
                if feed.rows == len(values)
                else (f"All values of {len(values)} rows are {low:g}.")
            )
            mild = not feed.many or len(view.inputs) > 1
            yield Finding("C041", text, name, place, "info" if mild else "")
            continue
        yield from _columns(feed, name, place)
        if feed.tensor is None:
            continue
        if feed.tensor.dtype.startswith(("int", "uint")) and values.dtype.kind == "f":
            if not np.array_equal(values, np.trunc(values)):
                text = f"It takes {feed.tensor.dtype}; x lies between {low:.4g} and {high:.4g}."
                yield Finding("C044", text, name, place)
        largest = max(abs(low), abs(high))
        for step in _first_users(view, feed):
            if step.op.compute_dtype == "float16" and largest > _FLOAT16:
                text = f"It feeds {step.path}, and x reaches {largest:.4g}."
                yield Finding("C045", text, name, place)
            elif isinstance(step.op, _SENSITIVE):
                yield from _scale(feed, step, name, place, low, high)


def _columns(feed: DataSample, name: str, place: str) -> Iterator[Finding]:
    values = feed.values
    if values.ndim != 2 or len(values) < 8:
        return
    constant = np.flatnonzero((values == values[:1]).all(0))
    if constant.size:
        listed = ", ".join(map(str, constant[:8])) + (", ..." if constant.size > 8 else "")
        text = f"{constant.size} of {values.shape[1]} columns are constant: {listed}."
        yield Finding("C042", text, name, place)


def _first_users(view: CheckContext, feed: DataSample) -> list[GraphCall]:
    """Returns the first layers that do more with an input than to reshape it."""
    found: list[GraphCall] = []
    reached = {id(feed.tensor)}
    inner: dict[int, int] = {}
    for step in view.calls():
        op = step.op
        if not any(id(t) in reached or inner.get(id(t)) in reached for t in step.node.inputs):
            continue
        if not isinstance(op, Layer):
            continue
        if op.functional_graph is not None:
            pairs = zip(op.functional_graph.input_tensors, step.node.inputs, strict=False)
            inner.update((id(own), id(given)) for own, given in pairs)
        elif type(op) in _THROUGH:
            reached.update(id(t) for t in step.node.output_tensors)
        else:
            found.append(step)
    return found


def _scale(
    feed: DataSample, step: GraphCall, name: str, place: str, low: float, high: float
) -> Iterator[Finding]:
    values = feed.values
    user = f"It feeds {step.path} ({type(step.op).__name__}) as it is"
    bytes_like = low >= 0 and high <= 255 and high > _LARGE
    if bytes_like and values.ndim > 2 and np.array_equal(values, np.trunc(values)):
        text = f"{user}, and x holds whole numbers from {low:g} to {high:g}, as pixels do."
        yield Finding("C040", text, name, place, "" if feed.many else "info")
        return
    spread = float(np.sqrt(np.mean(np.square(values, dtype="float64"))))
    if spread > 1e3:
        text = f"{user}, and x is typically {spread:.3g} (from {low:.3g} to {high:.3g})."
        yield Finding("C040", text, name, place, "" if feed.many else "info")
    elif spread > _LARGE:
        text = f"{user}, and x is typically {spread:.3g} (from {low:.3g} to {high:.3g})."
        yield Finding("C040", text, name, place, "info")


def check_targets(view: CheckContext) -> Iterator[Finding]:
    """Targets that are all the same."""
    # A generator learns to make a frozen judge say the same of all rows.
    frozen = any(not layer.trainable for layer in nested_layers(view.model) if layer.weights)
    for head in view.heads:
        feed = head.target
        if head.loss is None or feed is None or len(feed.values) < 2:
            continue
        if (feed.values == feed.values[:1]).all():
            classes = bool(crossentropy_kind(head.loss)) and feed.many and not frozen
            shown = feed.values[0].tolist() if feed.values[0].size < 9 else "the same"
            text = f"Every row of y for output {head.name!r} is {shown}."
            severity = "" if classes else "info"
            yield Finding("C043", text, f"output {head.name!r}", severity=severity)


def check_weights(view: CheckContext) -> Iterator[Finding]:
    """Sample weights that leave nothing."""
    for feed in view.weights:
        if feed.values.size and not feed.values.any() and feed.rows == len(feed.values):
            yield Finding("C046", f"{feed.rows} rows.", feed.name)


def check_validation(view: CheckContext) -> Iterator[Finding]:
    """Validation data that is the training data; only ends are compared."""
    pairs = list(zip(view.training, view.validation, strict=False))
    if not pairs or len(view.training) != len(view.validation):
        return
    for train, held in pairs:
        if train.shape[1:] != held.shape[1:] or not len(train) or not len(held):
            return
        if not (_equal(train[:8], held[:8]) and _equal(train[-8:], held[-8:])):
            return
    rows = len(pairs[0][1])
    severity = "" if rows >= 256 else "info"
    yield Finding("C047", f"{rows} rows.", "validation_data", severity=severity)


def _equal(a: np.ndarray, b: np.ndarray) -> bool:
    return a is b or np.array_equal(a, b)
