"""Checks of outputs: what the last activation says, and what the loss expects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from cornu.core.graph.tensor import Tensor
from cornu.core.layer.layer import Layer
from cornu.inspect.checks.context import CheckContext, CheckedOutput, GraphCall, walk_back
from cornu.inspect.checks.report import Finding
from cornu.layers import (
    ELU,
    Activation,
    Dense,
    Dropout,
    EinsumDense,
    Flatten,
    Identity,
    LeakyReLU,
    Permute,
    ReLU,
    Reshape,
    Softmax,
    TimeDistributed,
)
from cornu.layers.convolution.conv import Conv1D, Conv2D, Conv3D
from cornu.losses import (
    FunctionLoss,
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_squared_error,
    sparse_categorical_crossentropy,
)
from cornu.parts import activations

__all__ = [
    "check_activations",
    "check_heads",
    "crossentropy_kind",
    "is_regression_loss",
    "final_activations",
]

_KNOWN = {
    activations.linear: "linear",
    activations.softmax: "softmax",
    activations.log_softmax: "log_softmax",
    activations.sigmoid: "sigmoid",
    activations.hard_sigmoid: "sigmoid",
    activations.relu: "relu",
    activations.relu6: "relu",
    activations.tanh: "tanh",
}
_LAYERS = {Softmax: "softmax", ReLU: "relu", LeakyReLU: "other", ELU: "other"}
_OPS = frozenset(("softmax", "log_softmax", "sigmoid", "relu", "tanh"))
# What changes neither range nor meaning of the values.
_SHAPES = (Flatten, Reshape, Permute, Dropout, Identity)
_SHAPE_OPS = frozenset(("reshape", "squeeze", "expand_dims", "transpose", "cast", "flatten"))
_WEIGHTED = (Dense, EinsumDense, Conv1D, Conv2D, Conv3D)

_FAMILIES = {
    binary_crossentropy: "binary",
    binary_focal_crossentropy: "binary",
    categorical_crossentropy: "categorical",
    categorical_focal_crossentropy: "categorical",
    sparse_categorical_crossentropy: "sparse",
}
_REGRESSIONS = (mean_squared_error, mean_absolute_error, huber, log_cosh)
_RANGES = {"sigmoid": (0.0, 1.0), "softmax": (0.0, 1.0), "tanh": (-1.0, 1.0)}


def crossentropy_kind(loss: Any) -> str:
    """Returns "binary", "categorical" or "sparse" for a cross-entropy, else ''."""
    return _FAMILIES.get(loss.fn, "") if isinstance(loss, FunctionLoss) else ""


def is_regression_loss(loss: Any) -> bool:
    """Whether a loss is a distance between numbers."""
    return isinstance(loss, FunctionLoss) and loss.fn in _REGRESSIONS


def expects_logits(loss: Any) -> bool:
    """Whether a cross-entropy was told that it gets logits."""
    return bool(loss.arguments.get("from_logits", False))


def final_activations(model: Any, tensor: Tensor) -> list[tuple[str, GraphCall]]:
    """Returns the activations that lead to a Tensor, last first, with the nodes that apply them.

    Ends at the last layer with weights, whose activation (perhaps "linear") is included, and
    with ("other", ...) at the first node of which nothing is known.
    """
    found: list[tuple[str, GraphCall]] = []
    for step, _ in walk_back(model, tensor):
        name, last = _activation(step.op)
        if name:
            found.append((name, step))
        if last:
            break
    return found


def _activation(op: Any) -> tuple[str, bool]:
    """Returns what a layer or op applies ('' if nothing), and whether the walk ends there."""
    if not isinstance(op, Layer):
        if op.name in _OPS:
            return op.name, False
        return ("", False) if op.name in _SHAPE_OPS else ("other", True)
    if type(op) is TimeDistributed:
        return _activation(op.layer)
    if type(op) in _LAYERS:
        return _LAYERS[type(op)], False
    if type(op) is Activation:
        name = _named(op.activation)
        return ("", False) if name == "linear" else (name, name == "other")
    if isinstance(op, _WEIGHTED):
        return _named(op.activation), True
    if isinstance(op, _SHAPES):
        return "", False
    return "other", True


def _named(function: Any) -> str:
    try:
        return _KNOWN.get(function, "other")
    except TypeError:  # an object without a hash
        return "other"


def _of(step: GraphCall, code: str, text: str, severity: str = "") -> Finding:
    return Finding(code, text, step.path, step.place, severity)


def check_activations(view: CheckContext) -> Iterator[Finding]:
    """Softmax over one unit, anywhere in the model."""
    for step in view.calls():
        if _activation(step.op)[0] != "softmax":
            continue
        tensor = step.node.output_tensors[0]
        axis = step.op.axis if isinstance(step.op, Softmax) else -1
        if axis == -1 and tensor.shape[-1:] == (1,) and not _is_attention(step):
            yield _of(step, "C012", f"Its output has the shape {tensor.shape}.")


def _is_attention(step: GraphCall) -> bool:
    """Whether the axis of size 1 is one of steps, whose number may be 1 in this model only."""
    return not isinstance(step.op, _WEIGHTED) and len(step.node.output_tensors[0].shape) > 2


def check_heads(view: CheckContext) -> Iterator[Finding]:
    """What the last activations say, held against the losses and the targets."""
    if view.drawing is None:
        return
    for head in view.heads:
        if head.tensor.node is None:
            continue
        ends = final_activations(view.model, head.tensor)
        yield from _dropout(view, head)
        if not ends:
            continue
        probable = [item for item in ends if item[0] in ("softmax", "sigmoid")]
        if len(probable) > 1:
            (_, last), (before, first) = probable[:2]
            yield _of(last, "C013", f"The {before} before it is that of {first.path}.")
        if head.loss is not None:
            yield from _against_loss(head, *ends[0])


def _dropout(view: CheckContext, head: CheckedOutput) -> Iterator[Finding]:
    for step, _ in walk_back(view.model, head.tensor):
        if isinstance(step.op, Dropout):
            if step.op.rate > 0 and head.loss is not None:
                yield _of(step, "C019", f"Nothing follows the dropout of {step.op.rate}.")
        elif not isinstance(step.op, _SHAPES):
            return


def _against_loss(head: CheckedOutput, last: str, step: GraphCall) -> Iterator[Finding]:
    loss, units = head.loss, head.tensor.shape[-1] if head.tensor.shape else None
    kind = crossentropy_kind(loss)
    named = f"Output {head.name!r} with the loss {loss.name!r}"
    if kind in ("categorical", "sparse") and units == 1:
        yield _of(step, "C025", f"{named} has the shape {head.tensor.shape}.")
    elif kind and expects_logits(loss):
        if last in ("softmax", "sigmoid") and units != 1 or last == "sigmoid":
            yield _of(step, "C011", f"{named} ends with {last}.")
        elif last == "relu":
            yield _of(step, "C014", f"{named} ends with relu, whose logits are never negative.")
    elif kind:
        if last == "linear":
            yield _of(step, "C010", f"{named} ends with a {type(step.op).__name__} without one.")
        elif last == "relu":
            yield _of(step, "C014", f"{named} ends with relu, not with probabilities.")
        elif last == "sigmoid" and kind == "categorical" and (units or 0) > 1:
            yield _of(step, "C015", f"{named} ends with {units} sigmoid units.")
        elif last == "softmax" and kind == "binary" and (units or 0) > 1:
            several = _several(head)
            text = f"{named} ends with a softmax over {units} units."
            if several > 0.05:
                yield _of(step, "C016", f"{text} {several:.0%} of the rows have several classes.")
            else:
                yield _of(step, "C016", text, "info")
    if kind == "categorical" and last != "sigmoid":
        several = _several(head)
        if several > 0.1:
            text = f"{several:.0%} of the rows of y for output {head.name!r} name several classes."
            yield _of(step, "C018", text)
    if is_regression_loss(loss) and head.target is not None:
        yield from _reach(head, last, step)


def _several(head: CheckedOutput) -> float:
    """Returns the part of the target rows that name several classes: together more than 1."""
    if head.target is None or head.target.values.ndim < 2 or head.target.values.size == 0:
        return 0.0
    values = head.target.values
    named = np.sum(values > 0.01, -1)
    return float(np.mean((values.sum(-1, dtype="float64") > 1.01) & (named > 1)))


def _reach(head: CheckedOutput, last: str, step: GraphCall) -> Iterator[Finding]:
    values = head.target.values if head.target is not None else np.zeros(0)
    if values.size == 0 or values.dtype.kind not in "iuf":
        return
    low, high = float(values.min()), float(values.max())
    if last == "relu" and np.mean(values < 0) > 0.05:
        text = f"Output {head.name!r} is never negative; y lies between {low:.4g} and {high:.4g}."
        yield _of(step, "C014", text)
    bounds = _RANGES.get(last)
    if bounds is None:
        return
    outside = float(np.mean((values < bounds[0] - 0.01) | (values > bounds[1] + 0.01)))
    if outside > 0.05:
        text = (
            f"Output {head.name!r} ends with {last}, between {bounds[0]:g} and {bounds[1]:g}; "
            f"{outside:.0%} of y lies outside, between {low:.4g} and {high:.4g}."
        )
        yield _of(step, "C017", text)
