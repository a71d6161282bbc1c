"""Arguments of Keras 1 in calls of Keras 2, which accepted them with a warning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu.dialects.renaming import warn_about
from cornu.legacy.keras1.argument_values import convert_dim_ordering
from cornu.legacy.keras1.class_mapping import Call, ClassMapping
from cornu.renamed import find_present_names

__all__ = ["convert_call"]

_IMPLEMENTATIONS = {"cpu": 0, "mem": 1, "gpu": 2}
# The number of leading integers that are the filters and the sizes of the kernel.
_INTEGERS = {
    "Conv2D": 3,
    "Conv2DTranspose": 3,
    "Conv3D": 4,
    "ConvLSTM2D": 3,
    "LocallyConnected2D": 3,
    "SeparableConv2D": 3,
}
_SIZES = (("nb_row", "nb_col"), ("kernel_dim1", "kernel_dim2", "kernel_dim3"))
_MODERN = ("padding", "strides", "data_format")
_SIDES = ("top_pad", "bottom_pad", "left_pad", "right_pad")


def convert_call(mapping: ClassMapping, call: Call) -> Call:
    """Returns a call of a layer with the arguments of Keras 2 for one with those of Keras 1.

    Args:
        mapping: the class.
        call: the arguments by position and by name.

    Raises:
        ValueError: an argument has no equal in Keras 2.
    """
    name = mapping.old_name
    args, given = call[0], dict(call[1])
    parameters = mapping.parameters
    if name == "ZeroPadding2D" and args and isinstance(args[0], dict):
        given["padding"], args = args[0], args[1:]
    args, found = _read_kernel(name, args, given)
    found |= _OTHER[name](given) if name in _OTHER else {}
    if "dim_ordering" in given and "data_format" in parameters:
        value = given.pop("dim_ordering")
        found["data_format"] = None if value == "default" else convert_dim_ordering(value)
    if "consume_less" in given:
        implementation = _IMPLEMENTATIONS.get(given.pop("consume_less"), 0)
        if "implementation" in parameters:
            found["implementation"] = implementation
    if "forget_bias_init" in given:
        found["unit_forget_bias"] = _has_unit_forget_bias(given.pop("forget_bias_init"))
    for old in [key for key in given if key not in parameters]:
        new = next((n for n in find_present_names(old) if n in parameters), None)
        if new is not None:
            found[new] = given.pop(old)
    if found:
        shown = ", ".join(f"{key}={value!r}" for key, value in found.items())
        warn_about(f"{name} was called with arguments of Keras 1. Keras 2 calls them: {shown}.")
    return args, {**given, **found}


def _read_kernel(name: str, args: Any, given: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Returns the positional arguments, and the kernel size if it was given as integers."""
    count = _INTEGERS.get(name, 0)
    found: dict[str, Any] = {}
    if count and len(args) >= count and all(type(one) is int for one in args[:count]):
        if any(key in given for key in _MODERN):
            raise ValueError(
                f"{name}{args}: several integers are a kernel size in Keras 1, but padding, "
                f"strides and data_format are names of Keras 2. Write {name}({args[0]}, "
                f"{tuple(args[1:count])}, ...) for a kernel of this size."
            )
        found["kernel_size"] = tuple(args[1:count])
        args = (args[0], *args[count:])
        if len(args) > 1:
            raise ValueError(
                f"{name}: expected keyword arguments after the kernel size. Received: {args[1:]}"
            )
    for names in _SIZES:
        if any(size in given for size in names):
            sizes = [given.pop(size, None) for size in names]
            left = list(args[1:])
            sizes = [left.pop(0) if size is None and left else size for size in sizes]
            args = (*args[:1], *left)
            found["kernel_size"] = tuple(sizes)
    return args, found


def _has_unit_forget_bias(value: Any) -> bool:
    if value in ("one", "zero"):
        return bool(value == "one")
    raise ValueError(
        f"LSTM: forget_bias_init={value!r} has no equal in Keras 2, which ignored it. Pass "
        "unit_forget_bias=False and a bias_initializer."
    )


def _convert_padding(given: dict[str, Any]) -> dict[str, Any]:
    """Converts a padding that is a dict by side."""
    value = given.get("padding")
    if not isinstance(value, dict):
        return {}
    unknown = [side for side in value if side not in _SIDES]
    if unknown:
        raise ValueError(
            f"ZeroPadding2D: the keys of padding must be in {', '.join(_SIDES)}. "
            f"Received: {unknown[0]!r}"
        )
    del given["padding"]
    top, bottom, left, right = (value.get(side, 0) for side in _SIDES)
    return {"padding": ((top, bottom), (left, right))}


def _convert_separable(given: dict[str, Any]) -> dict[str, Any]:
    if "init" not in given:
        return {}
    init = given.pop("init")
    return {"depthwise_initializer": init, "pointwise_initializer": init}


def _convert_normalization(given: dict[str, Any]) -> dict[str, Any]:
    mode = given.pop("mode", 0)
    if mode != 0:
        raise ValueError(
            f"BatchNormalization: mode={mode!r} does not exist in Keras 2. Run a program of "
            "Keras 1 with: python -m cornu run --as keras1 program.py"
        )
    return {}


def _convert_embedding(given: dict[str, Any]) -> dict[str, Any]:
    if given.get("dropout"):
        raise ValueError(
            "Embedding: dropout does not exist in Keras 2, which ignored it. Use "
            "SpatialDropout1D after the layer."
        )
    given.pop("dropout", None)
    return {}


_OTHER: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "BatchNormalization": _convert_normalization,
    "Embedding": _convert_embedding,
    "SeparableConv2D": _convert_separable,
    "ZeroPadding2D": _convert_padding,
}
