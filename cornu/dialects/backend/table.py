"""All functions of the backend of one version of Keras."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cornu import settings
from cornu.dialects.backend import arithmetic, neural, sequences, signatures, state
from cornu.dialects.backend.bound import bind
from cornu.dialects.backend.keras1 import FUNCTIONS as FUNCTIONS_OF_KERAS_1
from cornu.legacy.keras1.argument_values import convert_dim_ordering

__all__ = ["make_functions"]

_COMMON: dict[str, Callable[..., Any]] = {
    **arithmetic.FUNCTIONS,
    **neural.FUNCTIONS,
    **sequences.FUNCTIONS,
    **state.FUNCTIONS,
}


def _data_format(value: str | None) -> str:
    return str(settings.get("image_data_format")) if value is None else value


def make_functions(version: str, is_lazy: bool = True) -> dict[str, Callable[..., Any]]:
    """Returns the functions of `keras.backend` by name.

    Args:
        version: "keras1" or "keras2".
        is_lazy: whether expressions of Variables alone are symbolic.

    Example:

    >>> K = make_functions("keras1")
    >>> x = K["placeholder"]((None, 2))
    >>> double = K["function"]([x], [2 * x])
    >>> double([[[1.0, 2.0]]])[0].tolist()
    [[2.0, 4.0]]
    """
    if version == "keras1":
        table = signatures.KERAS_1
        functions = {
            **_COMMON,
            **FUNCTIONS_OF_KERAS_1,
            "ctc_batch_cost": sequences.make_ctc_batch_cost(1e-8),
        }
        renames: Mapping[str, str] = signatures.RENAMES
        converters: Mapping[str, Callable[[Any], Any]] = {"data_format": convert_dim_ordering}
    else:
        table = signatures.KERAS_2
        functions = {**_COMMON, "ctc_batch_cost": sequences.make_ctc_batch_cost(1e-7)}
        renames, converters = {}, {"data_format": _data_format}
    made = {
        name: bind(
            name,
            signature,
            functions[name],
            version[-1],
            renames,
            {} if name in _FORMATS_AS_GIVEN else converters,
            is_lazy,
        )
        for name, signature in table.items()
    }
    # Programs choose layouts and formulas by backend; cornu has those of TensorFlow.
    return {**made, "backend": lambda: "tensorflow"}


# Functions whose argument `data_format` is the setting itself, or ignores it.
_FORMATS_AS_GIVEN = ("set_image_data_format", "conv1d", "separable_conv1d", "bias_add")
