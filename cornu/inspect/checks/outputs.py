"""Checks of outputs: the last activation against the loss and the targets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from cornu.core.graph.op import library_op_name
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
    Loss,
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
    "check_final_activations",
    "crossentropy_kind",
    "final_activations",
    "is_regression_loss",
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
# These change neither the range nor the meaning of the values.
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


def crossentropy_kind(loss: Loss) -> str:
    """Returns "binary", "categorical" or "sparse" for a cross-entropy, else ''."""
    return _FAMILIES.get(loss.fn, "") if isinstance(loss, FunctionLoss) else ""


def is_regression_loss(loss: Loss) -> bool:
    """Returns whether a loss measures the distance between numbers."""
    return isinstance(loss, FunctionLoss) and loss.fn in _REGRESSIONS


def expects_logits(loss: Loss) -> bool:
    """Returns whether a cross-entropy has `from_logits=True`."""
    return isinstance(loss, FunctionLoss) and bool(loss._arguments_.get("from_logits", False))


def _class_axis(loss: Loss) -> int:
    """Returns the axis of the classes, which is an argument of some cross-entropies."""
    axis = -1
    if isinstance(loss, FunctionLoss) and _FAMILIES.get(loss.fn) in ("categorical", "sparse"):
        axis = loss._arguments_.get("axis", -1)
    return axis


def final_activations(model: Layer, tensor: Tensor) -> list[tuple[str, GraphCall]]:
    """Returns the activations before a Tensor, last first, with the calls that apply them.

    The list ends with the activation of the last layer with weights (possibly "linear"), or with
    ("other", ...) at the first unknown layer or op.
    """
    found: list[tuple[str, GraphCall]] = []
    for call, _ in walk_back(model, tensor):
        name, last = _activation(call.op)
        if name:
            found.append((name, call))
        if last:
            break
    return found


def _activation(op: Any) -> tuple[str, bool]:
    """Returns the activation that a layer or op applies ('' if none), and whether to stop there."""
    if not isinstance(op, Layer):
        name = library_op_name(op)
        if name in _OPS:
            return name, False
        return ("", False) if name in _SHAPE_OPS else ("other", True)
    if type(op) is TimeDistributed:
        return _activation(op.layer)
    if type(op) in _LAYERS:
        return _LAYERS[type(op)], False
    if type(op) is Activation:
        name = _activation_name(op.activation)
        return ("", False) if name == "linear" else (name, name == "other")
    if isinstance(op, _WEIGHTED):
        return _activation_name(op.activation), True
    if isinstance(op, _SHAPES):
        return "", False
    return "other", True


def _activation_name(function: Any) -> str:
    try:
        return _KNOWN.get(function, "other")
    except TypeError:  # not hashable
        return "other"


def _finding_at(call: GraphCall, code: str, text: str, severity: str = "") -> Finding:
    return Finding(code, text, call.path, call.place, severity)


def check_activations(context: CheckContext) -> Iterator[Finding]:
    """Finds softmax over one unit, anywhere in the model."""
    for call in context.calls():
        if _activation(call.op)[0] != "softmax":
            continue
        tensor = call.node.output_tensors[0]
        # Softmax over another axis is often deliberate, as in attention.
        axis = call.op.axis if isinstance(call.op, Softmax) else -1
        if axis == -1 and tensor.shape[-1:] == (1,) and not _is_attention(call):
            yield _finding_at(call, "C012", f"Its output has the shape {tensor.shape}.")


def _is_attention(call: GraphCall) -> bool:
    """Returns whether the softmax is over time steps, whose number may be 1 by chance."""
    return not isinstance(call.op, _WEIGHTED) and len(call.node.output_tensors[0].shape) > 2


def check_final_activations(context: CheckContext) -> Iterator[Finding]:
    """Compares the last activation of each output with its loss and targets."""
    if context.functional_graph is None:
        return
    for output in context.outputs:
        if output.tensor.node is None:
            continue
        ends = final_activations(context.model, output.tensor)
        yield from _check_dropout(context, output)
        if not ends:
            continue
        probable = [item for item in ends if item[0] in ("softmax", "sigmoid")]
        if len(probable) > 1:
            (_, last), (before, first) = probable[:2]
            yield _finding_at(last, "C013", f"Its input is the {before} of {first.path}.")
        if output.loss is not None:
            yield from _check_loss(output, *ends[0])


def _check_dropout(context: CheckContext, output: CheckedOutput) -> Iterator[Finding]:
    for call, _ in walk_back(context.model, output.tensor):
        if isinstance(call.op, Dropout):
            if call.op.rate > 0 and output.loss is not None:
                yield _finding_at(call, "C019", f"Its rate is {call.op.rate}.")
        elif not isinstance(call.op, _SHAPES):
            return


def _check_loss(output: CheckedOutput, last: str, call: GraphCall) -> Iterator[Finding]:
    loss, shape = output.loss, output.tensor.shape
    axis = _class_axis(loss)
    units = shape[axis] if -len(shape) <= axis < len(shape) else None
    kind = crossentropy_kind(loss)
    named = f"Output {output.name!r} with the loss {loss.name!r}"
    if kind in ("categorical", "sparse") and units == 1:
        yield _finding_at(call, "C025", f"{named} has the shape {output.tensor.shape}.")
    elif kind and expects_logits(loss):
        if last in ("softmax", "sigmoid") and units != 1 or last == "sigmoid":
            yield _finding_at(call, "C011", f"{named} ends with {last}.")
        elif last == "relu":
            yield _finding_at(
                call, "C014", f"{named} ends with relu, whose logits are never negative."
            )
    elif kind:
        if last == "linear":
            yield _finding_at(
                call,
                "C010",
                f"{named} ends with a {type(call.op).__name__} layer without activation.",
            )
        elif last == "relu":
            yield _finding_at(call, "C014", f"{named} ends with relu, not with probabilities.")
        elif last == "sigmoid" and kind == "categorical" and (units or 0) > 1:
            yield _finding_at(call, "C015", f"{named} ends with {units} sigmoid units.")
        elif last == "softmax" and kind == "binary" and (units or 0) > 1:
            several = _multi_label_share(output)
            text = f"{named} ends with a softmax over {units} units."
            if several > 0.05:
                yield _finding_at(
                    call, "C016", f"{text} {several:.0%} of the target rows have several classes."
                )
            else:
                yield _finding_at(call, "C016", text, "info")
    if kind == "categorical" and last != "sigmoid":
        several = _multi_label_share(output)
        if several > 0.1:
            text = (
                f"{several:.0%} of the target rows of output {output.name!r} have several classes."
            )
            yield _finding_at(call, "C018", text)
    if is_regression_loss(loss) and output.target is not None:
        yield from _check_range(output, last, call)


def _multi_label_share(output: CheckedOutput) -> float:
    """Returns the fraction of target rows with several classes: they sum to more than 1."""
    if output.target is None or output.target.values.ndim < 2 or output.target.values.size == 0:
        return 0.0
    values = output.target.values
    axis = _class_axis(output.loss)
    named = np.sum(values > 0.01, axis)
    return float(np.mean((values.sum(axis, dtype="float64") > 1.01) & (named > 1)))


def _check_range(output: CheckedOutput, last: str, call: GraphCall) -> Iterator[Finding]:
    values = output.target.values if output.target is not None else np.zeros(0)
    if values.size == 0 or values.dtype.kind not in "iuf":
        return
    low, high = float(values.min()), float(values.max())
    if last == "relu" and np.mean(values < 0) > 0.05:
        text = f"Output {output.name!r} is never negative; y is between {low:.4g} and {high:.4g}."
        yield _finding_at(call, "C014", text)
    bounds = _RANGES.get(last)
    if bounds is None:
        return
    outside = float(np.mean((values < bounds[0] - 0.01) | (values > bounds[1] + 0.01)))
    if outside > 0.05:
        text = (
            f"Output {output.name!r} ends with {last}, whose range is {bounds[0]:g} to "
            f"{bounds[1]:g}; {outside:.0%} of y is outside, between {low:.4g} and {high:.4g}."
        )
        yield _finding_at(call, "C017", text)
