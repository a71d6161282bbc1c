"""Checks of data: scale, constant values, dtypes, weights, validation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cornu.core.layer.layer import Layer
from cornu.core.layer.walk import nested_layers
from cornu.errors import quantity
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

# Layers whose initialization assumes inputs near 1, and layers that do not change values.
_SENSITIVE = (Dense, EinsumDense, Conv1D, Conv2D, Conv3D, LSTM)
_THROUGH = (
    *(Flatten, Reshape, Permute, Dropout, Identity),
    *(ZeroPadding1D, ZeroPadding2D, ZeroPadding3D),
)
_LARGE = 100.0
_FLOAT16 = 65504.0


def check_inputs(context: CheckContext) -> Iterator[Finding]:
    """Checks the inputs: scale, constant values, fractions, overflow."""
    for sample in context.inputs:
        values = sample.values
        if values.size == 0 or values.dtype.kind not in "biuf":
            continue
        low, high = float(values.min()), float(values.max())
        place = (
            sample.tensor.node.location if sample.tensor is not None and sample.tensor.node else ""
        )
        name = f"input {sample.name!r}"
        if low == high:
            text = (
                f"All values are {low:g}."
                if sample.rows == len(values)
                else f"All values of {quantity(len(values), 'row')} are {low:g}."
            )
            mild = not sample.many or len(context.inputs) > 1
            yield Finding("C041", text, name, place, "info" if mild else "")
            continue
        yield from _columns(sample, name, place)
        if sample.tensor is None:
            continue
        if sample.tensor.dtype.startswith(("int", "uint")) and values.dtype.kind == "f":
            if not np.array_equal(values, np.trunc(values)):
                text = f"Its dtype is {sample.tensor.dtype}; x is between {low:.4g} and {high:.4g}."
                yield Finding("C044", text, name, place)
        largest = max(abs(low), abs(high))
        for call in _first_users(context, sample):
            if call.op.compute_dtype == "float16" and largest > _FLOAT16:
                text = f"It is the input of {call.path}, and x reaches {largest:.4g}."
                yield Finding("C045", text, name, place)
            elif isinstance(call.op, _SENSITIVE):
                yield from _scale(sample, call, name, place, low, high)


def _columns(sample: DataSample, name: str, place: str) -> Iterator[Finding]:
    values = sample.values
    if values.ndim != 2 or len(values) < 8:
        return
    constant = np.flatnonzero((values == values[:1]).all(0))
    if constant.size:
        listed = ", ".join(map(str, constant[:8])) + (", ..." if constant.size > 8 else "")
        text = f"Constant columns, {constant.size} of {values.shape[1]}: {listed}."
        yield Finding("C042", text, name, place)


def _first_users(context: CheckContext, sample: DataSample) -> list[GraphCall]:
    """Returns the first layers that do more than reshape an input."""
    found: list[GraphCall] = []
    reached = {id(sample.tensor)}
    inner: dict[int, int] = {}
    for call in context.calls():
        op = call.op
        if not any(id(t) in reached or inner.get(id(t)) in reached for t in call.node.inputs):
            continue
        if not isinstance(op, Layer):
            continue
        if op._graph_ is not None:
            pairs = zip(op._graph_.input_tensors, call.node.inputs, strict=False)
            inner.update((id(own), id(given)) for own, given in pairs)
        elif type(op) in _THROUGH:
            reached.update(id(t) for t in call.node.output_tensors)
        else:
            found.append(call)
    return found


def _scale(
    sample: DataSample, call: GraphCall, name: str, place: str, low: float, high: float
) -> Iterator[Finding]:
    values = sample.values
    user = f"It is the input of {call.path} ({type(call.op).__name__}) without scaling"
    bytes_like = low >= 0 and high <= 255 and high > _LARGE
    if bytes_like and values.ndim > 2 and np.array_equal(values, np.trunc(values)):
        text = f"{user}, and x contains integers from {low:g} to {high:g}, like pixels."
        yield Finding("C040", text, name, place, "" if sample.many else "info")
        return
    # The root mean square, because a few outliers do not harm training.
    spread = float(np.sqrt(np.mean(np.square(values, dtype="float64"))))
    if spread > 1e3:
        text = f"{user}, and the typical size of x is {spread:.3g} (from {low:.3g} to {high:.3g})."
        yield Finding("C040", text, name, place, "" if sample.many else "info")
    elif spread > _LARGE:
        text = f"{user}, and the typical size of x is {spread:.3g} (from {low:.3g} to {high:.3g})."
        yield Finding("C040", text, name, place, "info")


def check_targets(context: CheckContext) -> Iterator[Finding]:
    """Finds targets that are all equal."""
    # A GAN trains the generator with constant targets, through a frozen discriminator.
    frozen = any(not layer.trainable for layer in nested_layers(context.model) if layer.weights)
    for output in context.outputs:
        sample = output.target
        if output.loss is None or sample is None or len(sample.values) < 2:
            continue
        if (sample.values == sample.values[:1]).all():
            classes = bool(crossentropy_kind(output.loss)) and sample.many and not frozen
            shown = sample.values[0].tolist() if sample.values[0].size < 9 else "the same"
            text = f"Every row of y for output {output.name!r} is {shown}."
            severity = "" if classes else "info"
            yield Finding("C043", text, f"output {output.name!r}", severity=severity)


def check_weights(context: CheckContext) -> Iterator[Finding]:
    """Finds sample weights that are all zero."""
    for sample in context.sample_weights:
        if sample.values.size and not sample.values.any() and sample.rows == len(sample.values):
            yield Finding("C046", "All rows have weight 0.", sample.name)


def check_validation(context: CheckContext) -> Iterator[Finding]:
    """Finds validation data that equals the training data, by the first and last rows."""
    pairs = list(zip(context.training, context.validation, strict=False))
    if not pairs or len(context.training) != len(context.validation):
        return
    for train, held in pairs:
        if train.shape[1:] != held.shape[1:] or not len(train) or not len(held):
            return
        # Only the ends, because comparing all rows of a large data set takes too long.
        if not (_equal(train[:8], held[:8]) and _equal(train[-8:], held[-8:])):
            return
    rows = len(pairs[0][1])
    severity = "" if rows >= 256 else "info"
    yield Finding("C047", f"{rows} rows are the same.", "validation_data", severity=severity)


def _equal(a: np.ndarray, b: np.ndarray) -> bool:
    return a is b or np.array_equal(a, b)
