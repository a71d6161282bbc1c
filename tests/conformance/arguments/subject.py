"""What is compared with Keras over combinations of arguments, and what a comparison found."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

import cornu
from tests.conformance.arguments.known import KNOWN, Known
from tests.conformance.arguments.pairwise import pairwise
from tests.conformance.arguments.tolerances import tolerances

Arguments = Mapping[str, Any]
Values = Sequence[Any]
Outcome = Literal["same", "refused", "known"]

# Options that are not arguments stand in parentheses.
DTYPE, ARRAYS, MODE = "dtype", "(dtype of arrays)", "(mode)"
TRAINING, WEIGHTED = "(training)", "(weighted)"
FLOATS = ("float32", "bfloat16", "float16")


# Results in half precision of float32 arrays are as coarse as those of arrays in half precision.
_UNITS = {"bfloat16": 1e-2, "float16": 1e-3}


class Differs(AssertionError):
    """A difference from Keras.

    Args:
        kind: "values", "shape", "dtype", "refused by Keras" or "refused by cornu".
        text: what differs.
    """

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind = kind


@dataclass(frozen=True)
class Subject:
    """A public name with the values of its arguments.

    Attributes:
        path: the name, such as "layers.Dense".
        options: the values of each argument; the first is the default.
        compute: returns the results of one library for the values of the options.
        numbers: whether numbers are compared, not only shapes and dtypes.
    """

    path: str
    options: Mapping[str, Values]
    compute: Callable[[Any, dict[str, Any]], Any]
    numbers: bool = True

    def combinations(self) -> list[dict[str, Any]]:
        """Returns combinations in which every pair of values of two options occurs."""
        return pairwise(self.options)

    def compare(self, combination: Arguments) -> Outcome:
        """Compares both libraries for one combination; raises what is not known to differ."""
        try:
            return self._compare(combination)
        except Differs as difference:
            if find_known(self.path, combination, difference.kind):
                return "known"
            raise

    def _compare(self, combination: Arguments) -> Outcome:
        import keras

        theirs, their_error = _attempt(self.compute, keras, combination)
        ours, our_error = _attempt(self.compute, cornu, combination)
        if their_error is not None:
            if our_error is None:
                raise Differs("refused by Keras", _describe(their_error))
            return "refused"
        if our_error is not None:
            raise Differs("refused by cornu", _describe(our_error)) from our_error
        dtype = str(combination.get(ARRAYS) or combination.get(DTYPE) or "float32")
        tolerance = tolerances(self.path)[dtype.removeprefix("mixed_")]
        if combination.get(MODE) == "gradient":
            tolerance *= 10  # gradients are sums of many products
        compare_results(ours, theirs, tolerance, self.numbers)
        return "same"


def compare_results(ours: Any, theirs: Any, tolerance: float, numbers: bool = True) -> None:
    """Compares arrays in any structure."""
    found, expected = jax.tree.leaves(ours), jax.tree.leaves(theirs)
    if len(found) != len(expected):
        raise Differs("shape", f"{len(found)} results, Keras: {len(expected)}")
    for a, b in zip(found, expected, strict=True):
        if np.shape(a) != np.shape(b):
            raise Differs("shape", f"{np.shape(a)}, Keras: {np.shape(b)}")
        if (a_type := _dtype(a)) != (b_type := _dtype(b)):
            raise Differs("dtype", f"{a_type}, Keras: {b_type}")
        if numbers:
            _compare_numbers(np.asarray(a), np.asarray(b), max(tolerance, _UNITS.get(a_type, 0)))


def _compare_numbers(a: np.ndarray, b: np.ndarray, tolerance: float) -> None:
    if a.dtype.kind in "USO":
        if a.tolist() != b.tolist():
            raise Differs("values", f"{a.tolist()}, Keras: {b.tolist()}")
        return
    wide = "complex128" if a.dtype.kind == "c" else "float64"
    a, b = a.astype(wide), b.astype(wide)
    scale = max(1.0, np.abs(b[np.isfinite(b)]).max(initial=0))
    try:
        np.testing.assert_allclose(a, b, tolerance, tolerance * scale)
    except AssertionError as error:
        raise Differs("values", str(error)) from None


def find_known(path: str, combination: Arguments, kind: str) -> Known | None:
    """Returns the row of an intended difference, or None."""
    for row in KNOWN:
        if row.kind == kind and any(fnmatch.fnmatchcase(path, p) for p in row.paths.split()):
            if all(_is_one_of(combination.get(k), values) for k, values in row.when.items()):
                return row
    return None


def format_options(combination: Arguments) -> str:
    """Returns the options as text."""
    return ", ".join(f"{name}={_format_value(value)}" for name, value in combination.items())


def _format_value(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return f"array{value.shape}"
    return getattr(value, "__name__", value)


def _is_one_of(value: Any, values: Values) -> bool:
    return any(type(value) is type(other) and value == other for other in values)


def _attempt(
    compute: Callable[[Any, dict[str, Any]], Any], library: Any, combination: Arguments
) -> tuple[Any, Exception | None]:
    try:
        return compute(library, dict(combination)), None
    except (NameError, Differs):  # a mistake here, not a refusal
        raise
    except Exception as error:
        return None, error


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:600]}"


def _dtype(value: Any) -> str:
    return value.dtype.name if isinstance(value, np.ndarray) else str(jnp.asarray(value).dtype)
