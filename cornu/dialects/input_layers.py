"""`InputLayer` of Keras 1 and 2, as a class that a program calls and asks `isinstance` about."""

from __future__ import annotations

from collections.abc import Callable

from cornu.layers import InputLayer
from cornu.legacy.keras1.class_mapping import Arguments, ClassMapping, Era, OldClass

__all__ = ["make_input_layer"]

_NAMES = {"input_shape": "shape", "batch_input_shape": "batch_shape", "input_dtype": "dtype"}
_IGNORED = ("optional", "type_spec")


def _convert(mapping: ClassMapping, arguments: Arguments) -> Arguments:
    return {_NAMES.get(k, k): v for k, v in arguments.items() if k not in _IGNORED}


def make_input_layer(
    version: str, signature: str, automatic_name: Callable[[str], str], keywords: str = ""
) -> OldClass:
    """Returns the class of a version.

    Args:
        version: the name of the version.
        signature: its parameters.
        automatic_name: returns a unique name for an object of a class.
        keywords: keyword-only parameters.
    """
    era = Era(version, _convert, lambda name: automatic_name("Input"))
    types = (InputLayer,)
    return OldClass(
        ClassMapping(
            "InputLayer", signature, InputLayer, keywords=keywords, instance_types=types, era=era
        )
    )
