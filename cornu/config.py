"""Settings of the process: functions to read and to change them."""

from __future__ import annotations

import numbers
import os

import jax

from cornu import settings
from cornu.core.state.dtype_policy import dtype_policy, set_dtype_policy, set_floatx
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.errors import suggest, suggest_names
from cornu.info import describe
from cornu.inspect.checks import KINDS
from cornu.process import allocator, programs
from cornu.types import DataFormat

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
    "enable_unsafe_deserialization",
    "epsilon",
    "floatx",
    "image_data_format",
    "info",
    "is_block_sharing_enabled",
    "is_compilation_cache_enabled",
    "is_flash_attention_enabled",
    "is_interactive_logging_enabled",
    "is_memory_keeping_enabled",
    "is_nnx_enabled",
    "is_traceback_filtering_enabled",
    "max_epochs",
    "max_steps_per_epoch",
    "set_backend",
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
    """Returns `"jax"`, the only backend of cornu.

    Example:

    >>> import cornu
    >>> cornu.backend.backend()
    'jax'
    """
    return "jax"


@api_boundary
def set_backend(backend: str) -> None:
    """Accepts `"jax"`, the only backend of cornu.

    Args:
        backend: the name of the backend.

    Raises:
        ValueError: another backend is requested.

    Example:

    >>> import cornu
    >>> cornu.config.set_backend("jax")

    Differences: Keras loads itself again with another backend.
    """
    if backend != "jax":
        raise ValueError(f"The only backend of cornu is 'jax'. Received: {backend!r}")


def is_nnx_enabled() -> bool:
    """Returns False: layers of cornu are not modules of `flax.nnx`.

    Example:

    >>> import cornu
    >>> cornu.config.is_nnx_enabled()
    False
    """
    return False


@api_boundary
def info(*names: str) -> None:
    """Prints versions, devices, settings, and all deviations from the defaults of JAX.

    For each deviation it prints whether it is on, its gain, and how to turn it on or off. The
    command `python -m cornu info` prints the same.

    Args:
        names: deviations to describe in full, with the tests that show that they are safe; by
            default all deviations are listed briefly.

    Raises:
        ValueError: there is no such deviation.

    Example:

    >>> info("memory_keeping")  # doctest: +ELLIPSIS
    memory_keeping (on request)
      what     mallopt keeps freed memory of any size in the process for the next...

    Differences: Keras has no such function.
    """
    print(describe(*names))


def floatx() -> str:
    """Returns the default float dtype of layers and arrays.

    Example:

    >>> floatx()
    'float32'
    """
    return settings.get("floatx")


def epsilon() -> float:
    """Returns the fuzz factor, a small number that avoids division by zero and `log(0)`.

    Example:

    >>> import cornu
    >>> cornu.backend.epsilon()
    1e-07
    """
    return settings.get("epsilon")


@api_boundary
def set_epsilon(value: float) -> None:
    """Sets the fuzz factor, a small number that avoids division by zero and `log(0)`.

    Args:
        value: the number; 1e-7 by default.

    Example:

    >>> import cornu
    >>> cornu.backend.set_epsilon(1e-5)
    >>> cornu.backend.epsilon()
    1e-05
    >>> cornu.backend.set_epsilon(1e-7)
    """
    settings.put("epsilon", value)


def image_data_format() -> str:
    """Returns the default position of the channel axis, `"channels_last"` or `"channels_first"`.

    Example:

    >>> import cornu
    >>> cornu.backend.image_data_format()
    'channels_last'
    """
    return settings.get("image_data_format")


@api_boundary
def set_image_data_format(data_format: DataFormat) -> None:
    """Sets the default position of the channel axis for layers that are created afterwards.

    Args:
        data_format: `"channels_last"` or `"channels_first"`.

    Example:

    >>> import cornu
    >>> cornu.backend.set_image_data_format("channels_first")
    >>> cornu.layers.Conv2D(1, 3).data_format
    'channels_first'
    >>> cornu.backend.set_image_data_format("channels_last")
    """
    settings.put("image_data_format", data_format)


# ------------------------------------------------------------------------------------- messages


def enable_interactive_logging() -> None:
    """Makes `verbose="auto"` print a progress bar in `fit`, `evaluate` and `predict`.

    Example:

    >>> import cornu
    >>> cornu.config.enable_interactive_logging()
    >>> cornu.config.is_interactive_logging_enabled()
    True
    """
    settings.put("interactive_logging", True)


def disable_interactive_logging() -> None:
    """Makes `verbose="auto"` print one line per epoch, for log files.

    Example:

    >>> import cornu
    >>> cornu.config.disable_interactive_logging()
    >>> cornu.config.is_interactive_logging_enabled()
    False
    >>> cornu.config.enable_interactive_logging()
    """
    settings.put("interactive_logging", False)


def is_interactive_logging_enabled() -> bool:
    """Tells whether `verbose="auto"` prints a progress bar.

    Example:

    >>> import cornu
    >>> cornu.config.is_interactive_logging_enabled()
    True
    """
    return settings.get("interactive_logging")


def enable_traceback_filtering() -> None:
    """Hides the frames of cornu and JAX in tracebacks.

    Example:

    >>> import cornu
    >>> cornu.config.enable_traceback_filtering()
    >>> cornu.config.is_traceback_filtering_enabled()
    True
    """
    settings.put("traceback_filtering", True)
    jax.config.update("jax_traceback_filtering", "auto")


def disable_traceback_filtering() -> None:
    """Shows all frames in tracebacks, including those of cornu and JAX.

    Example:

    >>> import cornu
    >>> cornu.config.disable_traceback_filtering()
    >>> cornu.config.is_traceback_filtering_enabled()
    False
    >>> cornu.config.enable_traceback_filtering()
    """
    settings.put("traceback_filtering", False)
    jax.config.update("jax_traceback_filtering", "off")


def is_traceback_filtering_enabled() -> bool:
    """Tells whether the frames of cornu and JAX are hidden in tracebacks.

    Example:

    >>> import cornu
    >>> cornu.config.is_traceback_filtering_enabled()
    True
    """
    return settings.get("traceback_filtering")


def enable_unsafe_deserialization() -> None:
    """Does nothing: cornu never executes code that a file contains.

    Accepted for programs of Keras, where it allows Lambda layers of a file to be executed. In
    cornu a function that a file refers to must be part of the program, and be found by its name:
    pass it in `custom_objects`, or decorate it with
    `cornu.saving.register_keras_serializable()`.

    Example:

    >>> import cornu
    >>> cornu.config.enable_unsafe_deserialization()
    """


def silence(*codes: str) -> None:
    """Turns off checks of `fit` by code, for the whole process; see `docs/checks.md`.

    Args:
        *codes: the codes of the checks, such as "C012".

    Raises:
        ValueError: a code is unknown.

    Example:

    >>> silence("C012")
    >>> silenced()
    ['C012']
    >>> unsilence()
    """
    settings.put("silenced", settings.get("silenced") | _validate_codes(codes))


def unsilence(*codes: str) -> None:
    """Turns checks on again.

    Args:
        *codes: the codes of the checks; all if none is given.

    Raises:
        ValueError: a code is unknown.

    Example:

    >>> import cornu
    >>> cornu.config.silence("C001")
    >>> cornu.config.unsilence("C001")
    >>> cornu.config.silenced()
    []
    """
    kept = settings.get("silenced") - _validate_codes(codes) if codes else frozenset()
    settings.put("silenced", kept)


def silenced() -> list[str]:
    """Returns the codes of the checks that are turned off.

    Example:

    >>> import cornu
    >>> cornu.config.silence("C001")
    >>> cornu.config.silenced()
    ['C001']
    >>> cornu.config.unsilence("C001")
    """
    return sorted(settings.get("silenced"))


def _validate_codes(codes: tuple[str, ...]) -> frozenset[str]:
    for code in codes:
        if code not in KINDS:
            raise ValueError(f"Unknown check {code!r}. {suggest(code, KINDS)}")
    return frozenset(codes)


# ------------------------------------------------------------------------------ blocks, programs


def enable_block_sharing() -> None:
    """Traces blocks that compute the same once, which is the default.

    The tracing time and the program size of a model then grow with the number of distinct blocks,
    not with depth. XLA inlines the calls, so that the results are the same.

    Example:

    >>> import cornu
    >>> cornu.config.enable_block_sharing()
    >>> cornu.config.is_block_sharing_enabled()
    True
    """
    settings.put("share_blocks", True)


def disable_block_sharing() -> None:
    """Traces every block separately.

    Example:

    >>> import cornu
    >>> cornu.config.disable_block_sharing()
    >>> cornu.config.is_block_sharing_enabled()
    False
    >>> cornu.config.enable_block_sharing()
    """
    settings.put("share_blocks", False)


def is_block_sharing_enabled() -> bool:
    """Tells whether equal blocks are traced once.

    Example:

    >>> import cornu
    >>> cornu.config.is_block_sharing_enabled()
    True
    """
    return settings.get("share_blocks")


# ----------------------------------------------------------------------------------- the process


def compilation_cache() -> str | None:
    """Returns the directory of the compilation cache, or None; see `docs/process.md`.

    Example:

    >>> import cornu
    >>> cornu.config.disable_compilation_cache()
    >>> cornu.config.compilation_cache() is None
    True
    """
    found = programs.folder()
    return None if found is None else os.fspath(found)


@api_boundary
def enable_compilation_cache(path: str | os.PathLike[str] | None = None) -> None:
    """Stores compiled programs on disk, so that the next process need not compile them again.

    By default the cache is enabled with the first program, unless settings of JAX or
    `CORNU_COMPILATION_CACHE` disable it. This function enables it at once and overrides both.

    Args:
        path: a directory to which only you have access, created if necessary; by default
            `cornu/programs` in the cache directory of the user.

    Raises:
        OSError: the directory cannot be created.
        PermissionError: other users have access to it; compiled programs are executable code.

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
    """Disables the compilation cache for this process.

    Example:

    >>> import cornu
    >>> cornu.config.disable_compilation_cache()
    >>> cornu.config.is_compilation_cache_enabled()
    False
    """
    programs.disable()


def is_compilation_cache_enabled() -> bool:
    """Tells whether compiled programs are stored on disk.

    Example:

    >>> import cornu
    >>> cornu.config.disable_compilation_cache()
    >>> cornu.config.is_compilation_cache_enabled()
    False
    """
    return programs.folder() is not None


def clear_compilation_cache() -> None:
    """Deletes all compiled programs on disk.

    Example:

    >>> import tempfile
    >>> import cornu
    >>> cornu.config.enable_compilation_cache(tempfile.mkdtemp())
    >>> cornu.config.clear_compilation_cache()
    >>> cornu.config.disable_compilation_cache()
    """
    programs.clear()


def enable_memory_keeping() -> None:
    """Keeps memory of any size that a step frees for the next step, on Linux with glibc.

    Large steps become up to a fifth shorter on the CPU, and the process larger; blocks below 32 MiB
    are reused by default. The environment variable `CORNU_ALLOCATOR=keep` has a larger effect,
    because it is read before JAX starts its threads; see `docs/process.md`.

    Example:

    >>> import cornu
    >>> cornu.config.enable_memory_keeping()
    >>> cornu.config.is_memory_keeping_enabled()
    True
    >>> cornu.config.disable_memory_keeping()
    """
    allocator.enable()


def disable_memory_keeping() -> None:
    """Restores the defaults of glibc, and returns kept memory to the system at once.

    Example:

    >>> import cornu
    >>> cornu.config.disable_memory_keeping()
    >>> cornu.config.is_memory_keeping_enabled()
    False
    """
    allocator.disable()


def is_memory_keeping_enabled() -> bool:
    """Tells whether freed memory is kept for the next step.

    Example:

    >>> import cornu
    >>> cornu.config.is_memory_keeping_enabled()
    False
    """
    return allocator.is_enabled()


# ---------------------------------------------------------------------------- attention, limits


def enable_flash_attention() -> None:
    """Makes attention layers use the fused kernel of cuDNN where the device supports it.

    Example:

    >>> import cornu
    >>> cornu.config.enable_flash_attention()
    >>> cornu.config.is_flash_attention_enabled()
    True
    >>> cornu.config.disable_flash_attention()

    Differences: in Keras this is the default. In cornu it is optional, because its safety has not
    been tested; see `docs/deviations.md`.
    """
    settings.put("flash_attention", True)


def disable_flash_attention() -> None:
    """Makes attention layers use matrix products, which is the default.

    Example:

    >>> import cornu
    >>> cornu.config.disable_flash_attention()
    >>> cornu.config.is_flash_attention_enabled()
    False
    """
    settings.put("flash_attention", False)


def is_flash_attention_enabled() -> bool:
    """Tells whether attention layers may use a fused kernel.

    Example:

    >>> import cornu
    >>> cornu.config.is_flash_attention_enabled()
    False
    """
    return settings.get("flash_attention")


def max_epochs() -> int | None:
    """Returns the limit of epochs for every `fit`, or None.

    Example:

    >>> import cornu
    >>> cornu.config.max_epochs() is None
    True
    """
    return settings.get("max_epochs")


@api_boundary
def set_max_epochs(max_epochs: int | None) -> None:
    """Limits the number of epochs of every `fit`, for short tests of a program.

    Args:
        max_epochs: the limit; `None` removes it.

    Raises:
        ValueError: it is not a positive integer or None.

    Example:

    >>> import cornu
    >>> cornu.config.set_max_epochs(1)
    >>> cornu.config.max_epochs()
    1
    >>> cornu.config.set_max_epochs(None)
    """
    settings.put("max_epochs", _validate_limit("max_epochs", max_epochs))


def max_steps_per_epoch() -> int | None:
    """Returns the limit of steps for every epoch, or None.

    Example:

    >>> import cornu
    >>> cornu.config.max_steps_per_epoch() is None
    True
    """
    return settings.get("max_steps_per_epoch")


@api_boundary
def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Limits the number of steps of every epoch, for short tests of a program.

    Args:
        max_steps_per_epoch: the limit; `None` removes it.

    Raises:
        ValueError: it is not a positive integer or None.

    Example:

    >>> import cornu
    >>> cornu.config.set_max_steps_per_epoch(2)
    >>> cornu.config.max_steps_per_epoch()
    2
    >>> cornu.config.set_max_steps_per_epoch(None)
    """
    limit = _validate_limit("max_steps_per_epoch", max_steps_per_epoch)
    settings.put("max_steps_per_epoch", limit)


def _validate_limit(name: str, value: int | None) -> int | None:
    if value is None:
        return None
    if not isinstance(value, numbers.Integral) or value < 1:
        raise ValueError(f"{name} must be a positive integer or None. Received: {value!r}")
    return int(value)


suggest_names(__name__, __all__)
