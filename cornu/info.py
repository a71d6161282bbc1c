"""What runs here: versions, devices, settings, and what deviates from JAX's defaults."""

from __future__ import annotations

import os
import platform
import textwrap
from collections.abc import Callable, Iterator
from importlib import metadata
from typing import Literal

import jax

from cornu import settings
from cornu._version import __version__
from cornu.core.run import shares_blocks
from cornu.deviations import DEVIATIONS, KINDS, Deviation, is_enabled
from cornu.errors import suggest
from cornu.process import allocator, prepare, programs
from cornu.process.determinism import is_op_determinism_enabled
from cornu.training import compiler

__all__ = ["State", "describe", "find_state"]

State = Literal["on", "off", "on request", "not here"]

_PACKAGES = ("jax", "jaxlib", "numpy", "h5py", "rich", "safetensors")
# Environment variables that decide on what programs do, how they are compiled and where.
_PREFIXES = ("CORNU_", "JAX_", "XLA_", "CUDA_VISIBLE_", "MALLOC_", "GLIBC_TUNABLES", "LD_PRELOAD")

_WIDTH, _STATE, _NAME = 100, 11, 27  # characters

# How to tell whether a row is on, where `CORNU_DISABLE` is not all that decides on it.
_CONDITIONS: dict[str, Callable[[], bool]] = {
    "memory_keeping": allocator.is_enabled,
    "memory_release": lambda: allocator.is_available() and not allocator.is_enabled(),
    "compilation_cache": lambda: programs.folder() is not None,
    "block_sharing": shares_blocks,
    "float64": lambda: bool(jax.config.read("jax_enable_x64")),
    "full_tracebacks": lambda: not settings.get("traceback_filtering"),
    "deterministic_gpu_ops": is_op_determinism_enabled,
    "flash_attention": lambda: settings.get("flash_attention"),
}


def find_state(row: Deviation) -> State:
    """Returns whether a deviation is on in this process.

    "on request" means that it is off until the program asks for it, "not here" that it does not
    apply to this device or system.
    """
    if row.devices and jax.default_backend() not in row.devices:
        return "not here"
    if row.name in _CONDITIONS:
        on = _CONDITIONS[row.name]()
    elif row.kind == "compiler option":
        on = compiler.is_applied(row.name)
    else:
        on = not row.on_request
    if row.on_request:
        return "on" if on else "on request"
    return "on" if on and is_enabled(row.name) else "off"


def describe(*names: str) -> str:
    """Returns versions, devices, settings and the deviations with their states.

    Args:
        names: deviations of which everything is said; by default all, in a line or two each.

    Raises:
        ValueError: there is no such deviation.
    """
    if names:
        return "\n\n".join("\n".join(_explain(_find(name))) for name in names)
    return "\n".join((*_facts(), *_overview()))


def _find(name: str) -> Deviation:
    if name not in DEVIATIONS:
        raise ValueError(f"There is no deviation {name!r}. {suggest(name, DEVIATIONS)}")
    return DEVIATIONS[name]


def _facts() -> Iterator[str]:
    prepare()
    yield f"cornu {__version__}"
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in _PACKAGES)
    yield f"Versions: Python {platform.python_version()}, {versions}"
    yield f"System: {platform.system()} {platform.machine()}, {os.cpu_count()} CPU cores"
    kinds = [device.device_kind for device in jax.devices()]
    counts = ", ".join(f"{kinds.count(kind)} x {kind}" for kind in dict.fromkeys(kinds))
    yield f"Devices: {counts} (backend {jax.default_backend()!r})"
    yield f"Compiled programs: {programs.folder() or 'not written to disk'}"
    given = [f"{k}={v}" for k, v in sorted(os.environ.items()) if k.startswith(_PREFIXES)]
    yield f"Environment: {' '.join(given) or 'no variable of cornu, JAX, XLA or malloc is set'}"
    requested = [f"{name}={value}" for name, value in compiler.find_requested().items()]
    if requested:
        yield f"Requested options of XLA, not covered by any test: {' '.join(requested)}"


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
    yield "CORNU_DISABLE=name,name or CORNU_DISABLE=all switches off what is on by default."
    yield "`python -m cornu info NAME` says what a row means and what proves that it is safe."


def _explain(row: Deviation) -> Iterator[str]:
    yield f"{row.name} ({find_state(row)})"
    parts = {
        "what": row.summary,
        "where": row.scope,
        "gain": row.gain,
        "proof": ", ".join(row.proof) or "none",
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
        _WIDTH,
        initial_indent=begin,
        subsequent_indent=" " * len(begin),
        break_long_words=False,
        break_on_hyphens=False,
    )
