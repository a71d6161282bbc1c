"""The values that hold for the whole process, as functions to read and to set them."""

from __future__ import annotations

import numbers

import jax

from cornu import settings
from cornu.core.border import border
from cornu.core.dtypes import dtype_policy, set_dtype_policy, set_floatx

__all__ = [
    "backend",
    "disable_flash_attention",
    "disable_interactive_logging",
    "disable_traceback_filtering",
    "dtype_policy",
    "enable_flash_attention",
    "enable_interactive_logging",
    "enable_traceback_filtering",
    "epsilon",
    "floatx",
    "image_data_format",
    "is_flash_attention_enabled",
    "is_interactive_logging_enabled",
    "is_traceback_filtering_enabled",
    "max_epochs",
    "max_steps_per_epoch",
    "set_dtype_policy",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_max_epochs",
    "set_max_steps_per_epoch",
]


def backend() -> str:
    """Returns `"jax"`, the one thing that cornu computes with."""
    return "jax"


def floatx() -> str:
    """Returns the float type of layers and arrays for which none is given.

    Example:

    >>> floatx()
    'float32'
    """
    return settings.get("floatx")


def epsilon() -> float:
    """Returns the small number that keeps divisions and logarithms finite."""
    return settings.get("epsilon")


@border
def set_epsilon(value: float) -> None:
    """Sets the small number that keeps divisions and logarithms finite."""
    settings.put("epsilon", value)


def image_data_format() -> str:
    """Returns `"channels_last"` or `"channels_first"`: where layers expect channels by default."""
    return settings.get("image_data_format")


@border
def set_image_data_format(data_format: str) -> None:
    """Sets where layers that are made from now on expect channels."""
    settings.put("image_data_format", data_format)


# ------------------------------------------------------------------------------------- messages


def enable_interactive_logging() -> None:
    """Lets `fit`, `evaluate` and `predict` draw a progress bar when `verbose="auto"`."""
    settings.put("interactive_logging", True)


def disable_interactive_logging() -> None:
    """Makes `verbose="auto"` mean one line per epoch, which suits log files."""
    settings.put("interactive_logging", False)


def is_interactive_logging_enabled() -> bool:
    """Tells whether `verbose="auto"` may draw a progress bar."""
    return settings.get("interactive_logging")


def enable_traceback_filtering() -> None:
    """Leaves the frames of cornu and JAX out of tracebacks, so that one's own are left."""
    settings.put("traceback_filtering", True)
    jax.config.update("jax_traceback_filtering", "auto")


def disable_traceback_filtering() -> None:
    """Shows all frames in tracebacks, those of cornu and JAX as well."""
    settings.put("traceback_filtering", False)
    jax.config.update("jax_traceback_filtering", "off")


def is_traceback_filtering_enabled() -> bool:
    """Tells whether the library's own frames are left out of tracebacks."""
    return settings.get("traceback_filtering")


# ---------------------------------------------------------------------------- attention, limits


def enable_flash_attention() -> None:
    """Lets attention layers use a fused kernel where the device has one."""
    settings.put("flash_attention", True)


def disable_flash_attention() -> None:
    """Makes attention layers use plain matrix products."""
    settings.put("flash_attention", False)


def is_flash_attention_enabled() -> bool:
    """Tells whether attention layers may use a fused kernel."""
    return settings.get("flash_attention")


def max_epochs() -> int | None:
    """Returns the number of epochs that no `fit` exceeds, or None."""
    return settings.get("max_epochs")


@border
def set_max_epochs(max_epochs: int | None) -> None:
    """Limits the epochs of every `fit`, for trying a program out; `None` lifts the limit."""
    settings.put("max_epochs", _limit("max_epochs", max_epochs))


def max_steps_per_epoch() -> int | None:
    """Returns the number of steps that no epoch exceeds, or None."""
    return settings.get("max_steps_per_epoch")


@border
def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Limits the steps of every epoch, for trying a program out; `None` lifts the limit."""
    limit = _limit("max_steps_per_epoch", max_steps_per_epoch)
    settings.put("max_steps_per_epoch", limit)


def _limit(name: str, value: int | None) -> int | None:
    if value is None:
        return None
    if not isinstance(value, numbers.Integral) or value < 1:
        raise ValueError(f"{name} must be an integer from 1 on, or None. Received: {value!r}")
    return int(value)
