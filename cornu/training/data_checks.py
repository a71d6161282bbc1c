"""Checks of the values and shapes of data before the first step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from cornu import losses
from cornu.core.layer.layer import Layer
from cornu.errors import quantity
from cornu.losses import FunctionLoss
from cornu.types import PyTree

__all__ = ["check_lengths", "check_targets", "check_values"]


def check_lengths(named: Iterable[tuple[str, Any]], aligned: bool = True) -> None:
    """Raises a ValueError for data without rows and, if `aligned`, for different lengths."""
    lengths: dict[str, int] = {}
    for name, array in named:
        if array is None:
            continue
        if array.ndim == 0:
            raise ValueError(f"{name} is a scalar; expected an array with one row per sample.")
        lengths[name] = array.shape[0]
    if not lengths:
        raise ValueError("The data is empty: there are no arrays.")
    if not any(lengths.values()):
        raise ValueError(f"The data is empty: {next(iter(lengths))} has 0 rows.")
    if aligned and len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name}: {count}" for name, count in lengths.items())
        raise ValueError(
            f"The arrays have different numbers of rows ({listed}). Each sample needs one row "
            "in every array."
        )


def check_values(name: str, array: Any, consumers: Iterable[Layer] = ()) -> None:
    """Raises a ValueError for NaN, infinity, and values that a consuming layer does not accept."""
    values = np.asarray(array)
    if values.dtype.kind == "f":
        # The sum of finite data is finite (unless it overflows), and needs no temporary array.
        with np.errstate(over="ignore", invalid="ignore"):
            # `np.sum` takes as long as the sum of a single sample to call this.
            total = np.add.reduce(
                values, axis=None, dtype=values.dtype if values.itemsize > 2 else "float32"
            )
        if not np.isfinite(total) and not np.isfinite(values).all():
            bad = np.argwhere(~np.isfinite(values))
            kind = "NaN" if np.isnan(values).any() else "infinity"
            rows = len(np.unique(bad[:, 0]))
            raise ValueError(
                f"{name} contains {kind}: {quantity(len(bad), 'value')} in "
                f"{quantity(rows, 'row')}, the first at index {tuple(int(i) for i in bad[0])}.\n"
                "Replace or drop them (np.nan_to_num, np.isfinite); for missing time steps, use "
                "the mask_value of a Masking layer."
            )
    for layer in consumers:
        problem = layer._find_data_problem_(values)
        if problem:
            raise ValueError(f"{name}, which feeds layer {layer.name!r}: {problem}")


def check_targets(name: str, loss: FunctionLoss, target: PyTree, prediction: PyTree) -> None:
    """Raises a ValueError for targets that do not match the output and its loss.

    Args:
        name: the output's name.
        loss: a loss of the library; other losses decide themselves what they take.
        target: all targets of this output.
        prediction: the output's Tensor.
    """
    formula = loss.fn
    if formula in _OTHER_SHAPES:
        return
    shape, output = tuple(target.shape), tuple(prediction.shape)
    what = f"Target of output {name!r} with loss {loss.name!r}"
    if formula in _CLASS_INDICES:
        _check_class_indices(what, loss._arguments_, target, shape, output)
    elif not _same_rank(shape, output):
        remedy = "Reshape y to the output's shape, or change the last layer."
        one_label = len(shape) < len(output) or (shape[-1] == 1 and output[-1] not in (1, None))
        if formula in _CATEGORICAL and one_label:
            remedy = (
                "For integer labels use the loss 'sparse_categorical_crossentropy', or convert "
                "them to one-hot rows with cornu.utils.to_categorical."
            )
        raise ValueError(
            f"{what}: y has the shape {shape}, the output {output}. The shapes must be equal, up "
            f"to a last axis of size 1; they are not broadcast.\n{remedy}"
        )
    if formula in _BINARY:
        _check_unit(what, target)


_CLASS_INDICES = (
    losses.sparse_categorical_crossentropy,
    losses.categorical_generalized_cross_entropy,
)
# Losses whose targets have another shape than the output, which they check themselves.
_OTHER_SHAPES = (losses.circle, losses.ctc)
_BINARY = (losses.binary_crossentropy, losses.binary_focal_crossentropy)
_CATEGORICAL = (
    losses.categorical_crossentropy,
    losses.categorical_focal_crossentropy,
    losses.kl_divergence,
    losses.categorical_hinge,
)


def _same_rank(shape: tuple[int, ...], output: tuple[int | None, ...]) -> bool:
    if len(shape) == len(output) - 1 and output[-1] == 1:
        output = output[:-1]
    elif len(shape) == len(output) + 1 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) != len(output):
        return False
    return all(want is None or got == want for got, want in zip(shape[1:], output[1:], strict=True))


def _check_class_indices(
    what: str,
    arguments: Mapping[str, Any],
    target: PyTree,
    shape: tuple[int, ...],
    output: tuple[int | None, ...],
) -> None:
    axis = arguments.get("axis", -1)
    classes = output[axis]
    positions = [size for i, size in enumerate(output) if i != axis % len(output)]
    labels = list(shape)
    if len(shape) == len(output) and shape[axis] == 1:
        del labels[axis]
    if len(labels) != len(positions) or any(
        want is not None and got != want
        for got, want in zip(labels[1:], positions[1:], strict=True)
    ):
        hint = ""
        if len(shape) == len(output) and shape[axis] == classes:
            hint = "\nFor one-hot rows use the loss 'categorical_crossentropy'."
        raise ValueError(
            f"{what}: y has the shape {shape}, the output {output}. Expected one integer label "
            f"for each position: shape {('batch', *positions[1:])}.{hint}"
        )
    values = np.asarray(target)
    if values.dtype.kind == "f" and not np.equal(np.mod(values, 1), 0).all():
        raise ValueError(f"{what}: labels must be integers; y contains fractions.")
    ignored = arguments.get("ignore_class")
    if ignored is not None:
        values = values[values != ignored]
    if classes is not None and values.size:
        low, high = values.min(), values.max()
        if low < 0 or high >= classes:
            hint = " If the labels start at 1, subtract 1." if low == 1 else ""
            raise ValueError(
                f"{what}: labels range from {int(low)} to {int(high)}, but the output has "
                f"{quantity(classes, 'class')}, 0 to {classes - 1}.{hint}\n"
                "Give the last layer one unit per class, renumber the labels, or pass the label "
                "of missing values to the loss (ignore_class)."
            )


def _check_unit(what: str, target: PyTree) -> None:
    values = np.asarray(target)
    if values.size and values.dtype.kind in "iuf":
        low, high = values.min(), values.max()
        if low < 0 or high > 1:
            raise ValueError(
                f"{what}: y ranges from {low} to {high}; probabilities must be between 0 and 1.\n"
                "Rescale y; for labels -1 and 1 use the loss 'hinge'."
            )
