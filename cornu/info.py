"""Versions, devices, settings, and deviations from the defaults of JAX."""

from __future__ import annotations

import mmap
import os
import platform
import shutil
import textwrap
from collections.abc import Callable, Iterator
from importlib import metadata
from typing import Literal

import jax

from cornu import settings
from cornu._version import __version__
from cornu.core import compiler_options
from cornu.deviations import DEVIATIONS, KINDS, Deviation, is_enabled
from cornu.errors import suggest
from cornu.process import allocator, prepare, programs
from cornu.process.cores import count_cores
from cornu.process.determinism import is_op_determinism_enabled

__all__ = ["State", "describe", "find_state"]

State = Literal["on", "off", "overridden", "on request", "not here"]

_PACKAGES = ("jax", "jaxlib", "numpy", "h5py", "rich", "safetensors")
# Environment variables that influence programs, their compilation and their devices.
_PREFIXES = ("CORNU_", "JAX_", "XLA_", "CUDA_VISIBLE_", "MALLOC_", "GLIBC_TUNABLES", "LD_PRELOAD")

_WIDTH, _STATE, _NAME = 100, 12, 27  # characters

# Requirements of rows, other than devices.
_REQUIREMENTS: dict[str, Callable[[], bool]] = {
    "memory_reuse": allocator.is_available,
    "memory_keeping": allocator.is_available,
    "memory_release": allocator.is_available,
    "file_advice": lambda: "MADV_RANDOM" in vars(mmap),
    "compilation_cache": programs.is_available,
}
# The state of rows that does not depend on `CORNU_DISABLE` alone.
_CONDITIONS: dict[str, Callable[[], bool]] = {
    "memory_reuse": allocator.is_reused,
    "memory_keeping": allocator.is_enabled,
    "memory_release": lambda: is_enabled("memory_release") and not allocator.is_enabled(),
    "compilation_cache": lambda: programs.folder() is not None,
    "block_sharing": lambda: settings.get("share_blocks"),
    "float64": lambda: bool(jax.config.read("jax_enable_x64")),
    "traceback_filtering": lambda: settings.get("traceback_filtering"),
    "deterministic_gpu_ops": is_op_determinism_enabled,
    "flash_attention": lambda: settings.get("flash_attention"),
}


def find_state(row: Deviation) -> State:
    """Returns the state of a deviation in this process.

    "overridden" means that the user sets the same option, "on request" that it is off by default,
    and "not here" that it does not apply to this device or system.
    """
    if row.devices and jax.default_backend() not in row.devices:
        return "not here"
    if row.name in _REQUIREMENTS and not _REQUIREMENTS[row.name]():
        return "not here"
    if row.kind == "compiler option":
        if compiler_options.is_overridden(row.name):
            return "overridden"
        return "on" if compiler_options.is_applied(row.name) else "off"
    if row.name in _CONDITIONS:
        on = _CONDITIONS[row.name]()
    else:
        on = not row.on_request and is_enabled(row.name)
    return "on" if on else "on request" if row.on_request else "off"


def describe(*names: str) -> str:
    """Returns versions, devices, settings and the deviations with their states.

    Args:
        names: deviations to describe in full; by default all are listed briefly.

    Raises:
        ValueError: a name is unknown.
    """
    if names:
        return "\n\n".join("\n".join(_explain(_find(name))) for name in names)
    return "\n".join((*_facts(), *_overview()))


def _find(name: str) -> Deviation:
    if not isinstance(name, str) or name not in DEVIATIONS:
        raise ValueError(f"Unknown deviation {name!r}. {suggest(name, DEVIATIONS)}")
    return DEVIATIONS[name]


def _facts() -> Iterator[str]:
    prepare()
    yield f"cornu {__version__}"
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in _PACKAGES)
    yield f"Versions: Python {platform.python_version()}, {versions}"
    yield f"System: {platform.system()} {platform.machine()}, {count_cores()} CPU cores"
    kinds = [device.device_kind for device in jax.devices()]
    counts = ", ".join(f"{kinds.count(kind)} x {kind}" for kind in dict.fromkeys(kinds))
    yield f"Devices: {counts} (backend {jax.default_backend()!r})"
    yield f"Compiled programs: {_describe_cache()}"
    given = [f"{k}={v}" for k, v in sorted(os.environ.items()) if k.startswith(_PREFIXES)]
    yield f"Environment: {' '.join(given) or 'no variable of cornu, JAX, XLA or malloc is set'}"
    requested = [f"{name}={value}" for name, value in compiler_options.find_requested().items()]
    if requested:
        yield f"Requested options of XLA, not covered by any test: {' '.join(requested)}"


def _describe_cache() -> str:
    if programs.folder() is not None:
        return f"written to {programs.folder()}"
    # JAX adds its options to the configuration at run time, so a type checker does not see them.
    jax_directory = jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]
    if jax_directory and jax.config.jax_enable_compilation_cache:  # type: ignore[attr-defined]
        return f"written to {jax_directory}, by JAX's own cache"
    return "not written to disk"


def _overview() -> Iterator[str]:
    yield ""
    yield "Deviations from JAX's defaults. Ratios are to the default: below 1 is faster or smaller."
    for kind, title in KINDS.items():
        yield f"\n{title}"
        for row in DEVIATIONS.values():
            if row.kind == kind:
                begin = f"  {find_state(row):{_STATE}}{row.name:{_NAME}}"
                yield _wrap(row.gain, begin)
                switch = f"on: {row.on_request}" if row.on_request else f"off: {row.off}"
                if row.on_request or row.off:
                    yield _wrap(switch, " " * len(begin))
    yield ""
    yield "CORNU_DISABLE=name,name or CORNU_DISABLE=all turns off what is on by default."
    yield "`python -m cornu info NAME` describes a row and the tests of its safety."


def _explain(row: Deviation) -> Iterator[str]:
    yield f"{row.name} ({find_state(row)})"
    parts = {
        "what": row.summary,
        "where": row.scope,
        "gain": row.gain,
        "proof": "; ".join(row.proof) or "none",
        "on": row.on_request,
        "off": row.off if row.on_request else row.switch_off,
        "options": " ".join(f"{name}={value}" for name, value in row.options.items()),
        "code": ", ".join(f"cornu/{module}" for module in row.modules),
    }
    for title, text in parts.items():
        if text:
            yield _wrap(text, f"  {title:9}")


def _wrap(text: str, begin: str) -> str:
    return textwrap.fill(
        text,
        min(_WIDTH, shutil.get_terminal_size((_WIDTH, 24)).columns),
        initial_indent=begin,
        subsequent_indent=" " * len(begin),
        break_long_words=False,
        break_on_hyphens=False,
    )
