"""Checks of the values and shapes of arrays."""

from __future__ import annotations

import cmath
import functools
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import numpy as np

from cornu import losses
from cornu.core.layer.layer import Layer
from cornu.core.state.dtypes import is_below
from cornu.errors import quantity
from cornu.losses import FunctionLoss
from cornu.types import PyTree

__all__ = [
    "check_class_weight",
    "check_consumer",
    "check_lengths",
    "check_not_complex",
    "check_range",
    "check_target_shape",
    "check_values",
    "check_weight_shape",
    "needs_range_check",
    "target_check",
]

_SMALL = 1 << 14  # values
_MAX_SHOWN = 8  # arrays in a message


def check_lengths(named: Iterable[tuple[str, Any]], aligned: bool = True) -> None:
    """Raises a ValueError for data without rows and, if `aligned`, for different lengths."""
    lengths: dict[str, int] = {}
    for name, array in named:
        if array is None:
            continue
        if array.ndim == 0:
            raise ValueError(
                f"{name} is a scalar; expected an array with one row per sample. Pass one number "
                "for each row."
            )
        lengths[name] = array.shape[0]
    if not lengths:
        raise ValueError("The data is empty: there are no arrays.")
    if not any(lengths.values()):
        raise ValueError(f"The data is empty: {next(iter(lengths))} has 0 rows.")
    if aligned and len(set(lengths.values())) > 1:
        shown = list(lengths.items())
        listed = ", ".join(f"{name}: {count}" for name, count in shown[:_MAX_SHOWN])
        if len(shown) > _MAX_SHOWN:
            listed += f" and {len(shown) - _MAX_SHOWN} more"
        raise ValueError(
            f"The arrays have different numbers of rows ({listed}). Each sample needs one row "
            "in every array."
        )


def check_values(name: str, values: np.ndarray) -> None:
    """Raises a ValueError for NaN and infinity."""
    dtype = values.dtype
    if dtype.char in "fd" and values.flags.c_contiguous:
        # The sum of squares, which is finite if all values are and none is too large: BLAS takes
        # half the time of `isfinite` for the arrays of a batch, needs no temporary array, and sets
        # no flags of floating-point errors.
        if math.isfinite(np.vdot(values, values)):
            return
    # For few values, `errstate` takes longer than `isfinite`.
    elif dtype.kind in "fc" and values.size > _SMALL and _has_finite_reduction(values):
        return
    kind = dtype.kind
    if kind == "V":  # the dtypes of `ml_dtypes`, such as bfloat16
        check_values(name, values.astype("float32"))
        return
    if kind not in "fc":
        return
    if np.isfinite(values).all():
        return
    bad = np.argwhere(~np.isfinite(values))
    found = "NaN" if np.isnan(values).any() else "infinity"
    rows = len(np.unique(bad[:, 0])) if bad.shape[1] else 1
    hint = ""
    if found == "infinity":
        hint = " Numbers above 3.4e38 are infinite in float32."
    raise ValueError(
        f"{name} contains {found}: {quantity(len(bad), 'value')} in {quantity(rows, 'row')}, the "
        f"first at index {tuple(int(i) for i in bad[0])}.\n"
        f"Replace or drop them (np.nan_to_num, np.isfinite); for missing time steps, use the "
        f"mask_value of a Masking layer.{hint}"
    )


# As a decorator, `errstate` takes half the time of a `with` statement.
@np.errstate(over="ignore", invalid="ignore")
def _has_finite_reduction(values: np.ndarray) -> bool:
    """Whether the sum of all values is finite; if it is, so are the values."""
    dtype = values.dtype if values.itemsize > 2 else "float32"
    # `cmath`, because values may be complex, and because it is faster than NumPy for a scalar.
    return cmath.isfinite(np.add.reduce(values, axis=None, dtype=dtype))


def check_consumer(name: str, layer: Layer, values: np.ndarray) -> None:
    """Raises a ValueError for values that a layer that receives them does not accept."""
    problem = layer._find_data_problem_(values)
    if problem:
        raise ValueError(f"{name}, which feeds layer {layer.name!r}: {problem}")


def needs_range_check(dtype: Any, wanted: Any) -> bool:
    """Whether an array of a dtype may contain values beyond the range of an integer dtype."""
    if np.dtype(wanted).kind not in "iu" or dtype.kind == "b":
        return False
    if dtype.kind not in "iu":
        return True
    # Integers of 64 bits are in the range of 32 bits here; others have been converted to floats.
    given, limits = np.iinfo(jax.dtypes.canonicalize_dtype(dtype)), np.iinfo(wanted)
    return bool(given.min < limits.min or given.max > limits.max)


def check_range(name: str, dtype: Any, values: np.ndarray) -> None:
    """Raises a ValueError for values beyond the range of the integer dtype of an input."""
    if not values.size:
        return
    limits = np.iinfo(dtype)
    low, high = float(values.min()), float(values.max())
    if low < limits.min or high > limits.max:
        raise ValueError(
            f"{name} has the dtype {np.dtype(dtype).name}, from {limits.min} to {limits.max}; "
            f"received values from {low:.10g} to {high:.10g}, which would be others after "
            "conversion.\nGive the Input dtype='float32', or map the values to smaller integers "
            "(IntegerLookup, Hashing)."
        )


def check_not_complex(name: str, array: Any, wanted: Any = None) -> None:
    """Raises a TypeError for complex numbers, unless the dtype where they go is complex."""
    if array.dtype.kind == "c" and (wanted is None or np.dtype(wanted).kind != "c"):
        raise TypeError(
            f"{name} is complex ({array.dtype}); expected real numbers.\nPass real and imaginary "
            "parts as features (np.stack([x.real, x.imag], -1)), or give the Input "
            "dtype='complex64'."
        )


def check_target_shape(name: str, loss: FunctionLoss, target: Any, prediction: PyTree) -> None:
    """Raises a ValueError for targets whose shape does not match the output and its loss.

    Args:
        name: the output's name.
        loss: a loss of the library; other losses decide themselves what they take.
        target: the targets of this output, of a batch or of all data.
        prediction: the output's Tensor.
    """
    formula = loss.fn
    if formula in _OTHER_SHAPES:
        return
    shape, output = tuple(target.shape), tuple(prediction.shape)
    what = _target_of(name, loss)
    if formula in _CLASS_INDICES:
        _check_shape_of_indices(what, loss._arguments_, shape, output)
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


def check_weight_shape(name: str, weight: Any, prediction: PyTree) -> None:
    """Raises a ValueError for weights that are neither one per row nor one per value."""
    shape, output = tuple(weight.shape), tuple(prediction.shape)
    sizes = zip(shape[1:], output[1:], strict=False)
    if len(shape) <= len(output) and all(got == 1 or want in (None, got) for got, want in sizes):
        return
    raise ValueError(
        f"{name} has the shape {shape}, the output {output}. Expected one weight per row, "
        f"{shape[:1]}, or one for each value of the loss.\nReshape the weights."
    )


def target_check(
    name: str, loss: FunctionLoss, prediction: PyTree
) -> Callable[[np.ndarray], None] | None:
    """Returns a function that raises a ValueError for wrong values of targets, or None."""
    what = _target_of(name, loss)
    if loss.fn in _CLASS_INDICES:
        classes = prediction.shape[loss._arguments_.get("axis", -1)]
        ignored = loss._arguments_.get("ignore_class")
        return functools.partial(_check_class_indices, what, classes, ignored)
    return functools.partial(_check_unit, what) if loss.fn in _BINARY else None


def check_class_weight(
    name: str, loss: FunctionLoss, prediction: PyTree, class_weight: Mapping[int, float]
) -> None:
    """Raises a ValueError for weights of classes that the output does not have."""
    classes: int | None = None
    if loss.fn in _CLASS_INDICES:
        classes = prediction.shape[loss._arguments_.get("axis", -1)]
    elif loss.fn in (*_CATEGORICAL, *_BINARY):
        classes = prediction.shape[-1]
        classes = 2 if classes == 1 else classes
    ignored = loss._arguments_.get("ignore_class")
    unknown = [c for c in class_weight if c != ignored and classes and not 0 <= c < classes]
    if unknown:
        raise ValueError(
            f"class_weight of output {name!r}: there is no class {unknown[0]}; the output has "
            f"{quantity(classes or 0, 'class')}, 0 to {(classes or 0) - 1}.\nRemove it, or number "
            "the classes as in y."
        )


def _target_of(name: str, loss: FunctionLoss) -> str:
    return f"Target of output {name!r} with loss {loss.name!r}"


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


def _check_shape_of_indices(
    what: str,
    arguments: Mapping[str, Any],
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


def _check_class_indices(
    what: str, classes: int | None, ignored: int | None, values: np.ndarray
) -> None:
    if classes is not None and ignored is None and is_below(values, classes):
        return
    if values.dtype.kind == "f" and not np.equal(np.mod(values, 1), 0).all():
        raise ValueError(
            f"{what}: labels must be integers; y contains fractions.\nRound or truncate them; "
            "for a regression use another loss, such as 'mse'."
        )
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


def _check_unit(what: str, values: np.ndarray) -> None:
    if values.size and values.dtype.kind in "iuf":
        low, high = values.min(), values.max()
        if low < 0 or high > 1:
            raise ValueError(
                f"{what}: y ranges from {low} to {high}; probabilities must be between 0 and 1.\n"
                "Rescale y; for labels -1 and 1 use the loss 'hinge'."
            )
