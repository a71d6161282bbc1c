"""Process-wide settings: float type, epsilon, data format, logging.

`cornu.config` and `cornu.backend` are the public functions for them.
"""

from __future__ import annotations

from typing import Any, Literal, overload

from cornu.deviations import is_enabled
from cornu.types import DataFormat

__all__ = ["get", "put", "reset"]

_FLOATS = ("bfloat16", "float16", "float32", "float64")

_values: dict[str, Any] = {
    "floatx": "float32",
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
    "dtype_policy": None,  # a DTypePolicy; None follows floatx
    "interactive_logging": True,
    "traceback_filtering": is_enabled("traceback_filtering"),
    "flash_attention": False,
    "share_blocks": is_enabled("block_sharing"),
    "max_epochs": None,  # limits of `fit`; None for none
    "max_steps_per_epoch": None,
    "silenced": frozenset(),  # codes of checks that do not warn
}


_DEFAULTS = dict(_values)


@overload
def get(name: Literal["floatx", "image_data_format"]) -> str: ...
@overload
def get(name: Literal["epsilon"]) -> float: ...
@overload
def get(
    name: Literal["interactive_logging", "traceback_filtering", "flash_attention", "share_blocks"],
) -> bool: ...
@overload
def get(name: Literal["max_epochs", "max_steps_per_epoch"]) -> int | None: ...
@overload
def get(name: str) -> Any: ...
def get(name: str) -> Any:
    """Returns a setting."""
    return _values[name]


def put(name: str, value: Any) -> None:
    """Sets a setting.

    Raises:
        ValueError: the value is invalid.
        KeyError: there is no setting of this name.
    """
    if name == "floatx" and value not in _FLOATS:
        raise ValueError(f"floatx must be one of {', '.join(_FLOATS)}. Received: {value!r}")
    if name == "image_data_format" and value not in ("channels_last", "channels_first"):
        raise ValueError(
            f"image_data_format must be 'channels_last' or 'channels_first'. Received: {value!r}"
        )
    if name == "epsilon" and not isinstance(value, (int, float)):
        raise ValueError(f"epsilon must be a number. Received: {value!r}")
    if name not in _values:
        raise KeyError(name)
    _values[name] = value


def reset(*names: str) -> None:
    """Restores the initial values of settings."""
    for name in names:
        _values[name] = _DEFAULTS[name]


def data_format(value: str | None) -> DataFormat:
    """Validates a data format; None is replaced by the process-wide one."""
    if value is None:
        value = _values["image_data_format"]
    if value == "channels_last":
        return "channels_last"
    if value == "channels_first":
        return "channels_first"
    raise ValueError(
        f"data_format must be 'channels_last', 'channels_first' or None. Received: {value!r}"
    )
