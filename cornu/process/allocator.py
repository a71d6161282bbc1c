"""Settings of glibc's allocator: memory that a step frees serves the next step.

XLA's CPU programs allocate their temporary buffers in each run. By default, glibc maps large
buffers each time, and the kernel zeroes every page, which takes up to a fifth of a large step.

By default, blocks below 32 MiB come from glibc's heaps (`memory_reuse`). On request, blocks of any
size do, from one heap (`memory_keeping`): large steps become shorter, too, but a process takes more
memory.
"""

from __future__ import annotations

import ctypes
import gc
import importlib.util
import os
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Any

import jax

from cornu.deviations import is_enabled as is_deviation_enabled

__all__ = [
    "disable",
    "dropped",
    "enable",
    "give_back",
    "is_available",
    "is_enabled",
    "is_reused",
    "prepare",
]

# Parameters of mallopt, from malloc.h, and their defaults.
_MMAP_MAX, _MMAP_THRESHOLD, _TRIM_THRESHOLD, _ARENA_MAX = -4, -3, -1, -8
_DEFAULTS = {_MMAP_MAX: 65536, _MMAP_THRESHOLD: 128 * 1024, _TRIM_THRESHOLD: 128 * 1024}
# Blocks below the first threshold, whose highest value this is, come from a heap, which keeps so
# much free memory at its end. glibc reaches such a threshold only after it has mapped and freed a
# block of that size, and then keeps twice that size.
_REUSE = {_MMAP_THRESHOLD: 2**25, _TRIM_THRESHOLD: 2**29}

_LARGEST = 2**31 - 1  # mallopt takes C ints
_FRACTION = 8  # at most an eighth of the memory of the machine is kept

# Packages that add devices to JAX; without one, its backend is the CPU.
_DEVICES = ("jax_plugins", "libtpu")

# After a release that took longer than _SLOW seconds, none follows for _PAUSE times that duration,
# so releases take at most 5 % of the time.
_SLOW, _PAUSE = 0.02, 20

_state = {"on": False, "reuses": False, "release_requested": False}
_release = {"not_before": 0.0}  # seconds of perf_counter


def prepare() -> None:
    """Configures the allocator if JAX uses the CPU, unless the user has configured it."""
    library, keeps = _glibc(), os.environ.get("CORNU_ALLOCATOR") == "keep"
    if library is None or not _is_unconfigured():
        return
    if _is_cpu_expected():
        if is_deviation_enabled("memory_reuse"):
            _configure(_REUSE)
            _state["reuses"] = True
        if keeps:
            # Heaps of threads cannot hold blocks of more than 64 MB, which would still be mapped
            # each time. A thread never changes its heap, so the limit must precede the threads of
            # JAX. Programs are compiled in several threads, which then wait for each other.
            library.mallopt(_ARENA_MAX, 1)
    if keeps and jax.default_backend() == "cpu":
        enable()


def enable() -> None:
    """Keeps freed memory for the next step, at most an eighth of the memory of the machine."""
    if _glibc() is not None:
        # Mapped blocks always return to the system when they are freed.
        most = min(_LARGEST, _available_memory() // _FRACTION)
        _configure({_MMAP_MAX: 0, _TRIM_THRESHOLD: most})
        _state["on"] = True


def disable() -> None:
    """Restores the settings before `enable`, and returns the kept memory to the system."""
    library = _glibc()
    if library is not None and _state["on"]:
        _configure(_DEFAULTS | _REUSE if _state["reuses"] else _DEFAULTS)
        library.malloc_trim(0)
        _state["on"] = False


def _configure(settings: Mapping[int, int]) -> None:
    for name, value in settings.items():
        _glibc().mallopt(name, value)


def give_back(*, compiled: bool = False) -> None:
    """Returns freed memory to the system, unless freed memory is kept.

    glibc itself returns only memory at the end of a heap, and compilation by XLA leaves large
    gaps, which are returned in any case. The call takes milliseconds, plus 0.1 s for each gigabyte
    of gaps. Soon after a slow release, it only requests another, for the next garbage collection.

    Args:
        compiled: whether the memory was used to compile a program.
    """
    library, start = _glibc(), perf_counter()
    keeps = _state["on"] and not compiled
    if library is None or keeps or not is_deviation_enabled("memory_release"):
        return
    if start < _release["not_before"]:
        _state["release_requested"] = True
        return
    library.malloc_trim(0)
    end = perf_counter()
    if end - start > _SLOW:
        _release["not_before"] = end + _PAUSE * (end - start)


def dropped() -> None:
    """Requests that freed memory is returned to the system after the next garbage collection.

    Called when a model or its programs are no longer used. Their memory is free only after they
    are collected.
    """
    _state["release_requested"] = True


def _after_collection(phase: str, _: Any) -> None:
    if (
        phase == "stop"
        and _state["release_requested"]
        and is_deviation_enabled("collection_callbacks")
    ):
        _state["release_requested"] = False
        give_back()


def is_enabled() -> bool:
    """Tells whether freed memory of any size is kept."""
    return _state["on"]


def is_reused() -> bool:
    """Tells whether blocks below 32 MiB come from heaps."""
    return _state["reuses"]


def is_available() -> bool:
    """Tells whether the system uses the allocator of glibc."""
    return _glibc() is not None


@cache
def _glibc() -> Any:
    """Returns the C library of this process if it is glibc, or None."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    try:
        library.gnu_get_libc_version  # noqa: B018 - other C libraries have none
    except AttributeError:
        return None
    library.mallopt.argtypes = [ctypes.c_int, ctypes.c_int]
    library.malloc_trim.argtypes = [ctypes.c_size_t]
    return library


def _is_unconfigured() -> bool:
    """Tells whether the user has not configured an allocator in the environment."""
    environment = os.environ
    return not (
        environment.get("LD_PRELOAD")
        or "glibc.malloc" in environment.get("GLIBC_TUNABLES", "")
        or any(name.startswith("MALLOC_") for name in environment)
    )


def _is_cpu_expected() -> bool:
    """Tells whether JAX will use the CPU. Does not ask JAX, which would start its threads."""
    platforms: str | None = getattr(jax.config, "jax_platforms", None)
    if platforms:
        return platforms.split(",")[0] == "cpu"
    return not any(importlib.util.find_spec(name) for name in _DEVICES)


def _available_memory() -> int:
    """Returns the memory that this process may use, in bytes."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(whole, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):  # no limit ("max"), or no cgroup
        return whole


gc.callbacks.append(_after_collection)
