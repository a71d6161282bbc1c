"""The values that hold for the whole process, as functions to read and to set them."""

from __future__ import annotations

import numbers
import os
from typing import Any

import jax

from cornu import settings
from cornu.core.state.dtypes import dtype_policy, set_dtype_policy, set_floatx
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.errors import suggest
from cornu.info import describe
from cornu.inspect.checks import KINDS
from cornu.process import allocator, programs

__all__ = [
    "backend",
    "clear_compilation_cache",
    "compilation_cache",
    "disable_block_sharing",
    "disable_compilation_cache",
    "disable_flash_attention",
    "disable_interactive_logging",
    "disable_memory_keeping",
    "disable_traceback_filtering",
    "dtype_policy",
    "enable_block_sharing",
    "enable_compilation_cache",
    "enable_flash_attention",
    "enable_interactive_logging",
    "enable_memory_keeping",
    "enable_traceback_filtering",
    "epsilon",
    "floatx",
    "image_data_format",
    "info",
    "is_block_sharing_enabled",
    "is_compilation_cache_enabled",
    "is_flash_attention_enabled",
    "is_interactive_logging_enabled",
    "is_memory_keeping_enabled",
    "is_traceback_filtering_enabled",
    "max_epochs",
    "max_steps_per_epoch",
    "set_dtype_policy",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_max_epochs",
    "set_max_steps_per_epoch",
    "silence",
    "silenced",
    "unsilence",
]


def backend() -> str:
    """Returns `"jax"`, the one thing that cornu computes with."""
    return "jax"


@api_boundary
def info(*names: str) -> None:
    """Prints versions, devices, settings, and what deviates from JAX's defaults in this process.

    For each deviation it says whether it is on, what it gains and how it is switched on or off.
    The command `python -m cornu info` prints the same.

    Args:
        names: deviations to describe in full, with the proofs of their safety; by default all are
            listed briefly.

    Raises:
        ValueError: there is no such deviation.

    Example:

    >>> info("memory_keeping")  # doctest: +ELLIPSIS
    memory_keeping (on request)
      what     mallopt keeps freed memory in the process for the next step: ...

    Differences: Keras has no such function.
    """
    print(describe(*names))


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


@api_boundary
def set_epsilon(value: float) -> None:
    """Sets the small number that keeps divisions and logarithms finite."""
    settings.put("epsilon", value)


def image_data_format() -> str:
    """Returns `"channels_last"` or `"channels_first"`: where layers expect channels by default."""
    return settings.get("image_data_format")


@api_boundary
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


def silence(*codes: str) -> None:
    """Turns off checks of `fit` by their codes, for the whole process; see `docs/checks.md`.

    Example:

    >>> silence("C012")
    >>> silenced()
    ['C012']
    >>> unsilence()
    """
    settings.put("silenced", settings.get("silenced") | _known(codes))


def unsilence(*codes: str) -> None:
    """Turns checks on again; all of them if no code is given."""
    kept = settings.get("silenced") - _known(codes) if codes else frozenset()
    settings.put("silenced", kept)


def silenced() -> list[str]:
    """Returns the codes of the checks that are turned off."""
    return sorted(settings.get("silenced"))


def _known(codes: tuple[str, ...]) -> frozenset[str]:
    for code in codes:
        if code not in KINDS:
            raise ValueError(f"There is no check {code!r}. {suggest(code, KINDS)}")
    return frozenset(codes)


# ------------------------------------------------------------------------------ blocks, programs


def enable_block_sharing() -> None:
    """Lets blocks that compute the same be traced once and called several times, as by default.

    The time to trace a model and the size of its program then grow with the number of distinct
    blocks, not with depth. What XLA makes of it, and the results, are the same.
    """
    settings.put("share_blocks", True)


def disable_block_sharing() -> None:
    """Traces each block anew, wherever it stands."""
    settings.put("share_blocks", False)


def is_block_sharing_enabled() -> bool:
    """Tells whether equal blocks are traced once."""
    return settings.get("share_blocks")


# ----------------------------------------------------------------------------------- the process


def compilation_cache() -> str | None:
    """Returns the folder in which compiled programs are kept, or None; see `docs/process.md`."""
    found = programs.folder()
    return None if found is None else os.fspath(found)


@api_boundary
def enable_compilation_cache(path: Any = None) -> None:
    """Keeps compiled programs on disk, so that the next process need not compile them again.

    By default that begins with the first program, unless JAX's own settings or
    `CORNU_COMPILATION_CACHE` say otherwise; this begins now, and goes before both.

    Args:
        path: a folder to which only you have access, and which is made if it is not there. By
            default `cornu/programs` in the user's cache.

    Raises:
        OSError: the folder cannot be made, or other users have access to it
            (`PermissionError`): compiled programs are code that will run.

    Example:

    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> enable_compilation_cache(folder)
    >>> compilation_cache() == folder
    True
    >>> disable_compilation_cache()
    >>> is_compilation_cache_enabled()
    False
    """
    programs.enable(path)


def disable_compilation_cache() -> None:
    """Neither reads nor keeps compiled programs any more in this process."""
    programs.disable()


def is_compilation_cache_enabled() -> bool:
    """Tells whether cornu keeps compiled programs."""
    return programs.folder() is not None


def clear_compilation_cache() -> None:
    """Removes the compiled programs that are kept on disk."""
    programs.clear()


def enable_memory_keeping() -> None:
    """Keeps memory that a step returns for the next one, on Linux with glibc.

    It makes large steps on the CPU some percent shorter, and the process larger. It does most if
    asked for before JAX starts its threads: by `CORNU_ALLOCATOR=keep`; see `docs/process.md`.
    """
    allocator.enable()


def disable_memory_keeping() -> None:
    """Returns memory to the system as glibc does by itself, and what was kept at once."""
    allocator.disable()


def is_memory_keeping_enabled() -> bool:
    """Tells whether memory is kept for the next step."""
    return allocator.is_enabled()


# ---------------------------------------------------------------------------- attention, limits


def enable_flash_attention() -> None:
    """Lets attention layers use cuDNN's fused kernel where the device has one.

    Differences: in Keras this is the default. Here it is done on request, because its safety was
    not tested: see `docs/deviations.md`.
    """
    settings.put("flash_attention", True)


def disable_flash_attention() -> None:
    """Makes attention layers use plain matrix products, as by default."""
    settings.put("flash_attention", False)


def is_flash_attention_enabled() -> bool:
    """Tells whether attention layers may use a fused kernel."""
    return settings.get("flash_attention")


def max_epochs() -> int | None:
    """Returns the number of epochs that no `fit` exceeds, or None."""
    return settings.get("max_epochs")


@api_boundary
def set_max_epochs(max_epochs: int | None) -> None:
    """Limits the epochs of every `fit`, for trying a program out; `None` lifts the limit."""
    settings.put("max_epochs", _limit("max_epochs", max_epochs))


def max_steps_per_epoch() -> int | None:
    """Returns the number of steps that no epoch exceeds, or None."""
    return settings.get("max_steps_per_epoch")


@api_boundary
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
