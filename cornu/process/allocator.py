"""Settings of glibc's allocator: memory freed by a step is kept for the next one.

XLA's CPU programs allocate their temporaries in each run. By default glibc maps large ones again
each time, and the kernel zeroes every page, which takes a few percent of a large step. Keeping the
memory shortens those steps, but a process then uses up to 1.5 times as much memory, and small
programs are not faster. Therefore it is off by default.
"""

from __future__ import annotations

import ctypes
import gc
import importlib.util
import os
import sys
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Any

import jax

from cornu.deviations import is_enabled as is_deviation_enabled

__all__ = ["disable", "dropped", "enable", "give_back", "is_available", "is_enabled", "prepare"]

# Parameters of mallopt, from malloc.h, and their defaults.
_MMAP_MAX, _TRIM_THRESHOLD, _ARENA_MAX = -4, -1, -8
_DEFAULTS = {_MMAP_MAX: 65536, _TRIM_THRESHOLD: 128 * 1024}

_LARGEST = 2**31 - 1  # mallopt takes C ints
_SHARE = 8  # at most this part of the memory is kept

# Packages that add devices to JAX; without one, its backend is the CPU.
_DEVICES = ("jax_plugins", "libtpu")

# After a release that took longer than _SLOW seconds, the next one waits _PAUSE times as long.
_SLOW, _PAUSE = 0.02, 20

_state = {"on": False, "release_requested": False}
_release = {"not_before": 0.0}  # seconds of perf_counter


def prepare() -> None:
    """Sets the allocator up if `CORNU_ALLOCATOR=keep` asks for it, on the CPU."""
    library = _glibc()
    if library is None or os.environ.get("CORNU_ALLOCATOR") != "keep" or not _is_unconfigured():
        return
    if _cpu_expected():
        # An arena of a thread cannot hold blocks above 64 MB, which would still be mapped each
        # time. A thread keeps its arena, so this must happen before JAX starts threads.
        library.mallopt(_ARENA_MAX, 1)
    if jax.default_backend() == "cpu":
        enable()


def enable() -> None:
    """Keeps freed memory for the next step, up to an eighth of the memory of the machine."""
    library = _glibc()
    if library is not None:
        library.mallopt(_MMAP_MAX, 0)
        library.mallopt(_TRIM_THRESHOLD, min(_LARGEST, _memory() // _SHARE))
        _state["on"] = True


def disable() -> None:
    """Restores glibc's defaults, and returns the kept memory to the system."""
    library = _glibc()
    if library is not None and _state["on"]:
        for name, value in _DEFAULTS.items():
            library.mallopt(name, value)
        library.malloc_trim(0)
        _state["on"] = False


def give_back() -> None:
    """Returns freed memory to the system, unless memory is kept.

    glibc itself returns only memory at the end of a heap, and compilation by XLA leaves large
    holes. The call takes milliseconds, plus 0.1 s for each gigabyte of holes.
    """
    library, start = _glibc(), perf_counter()
    if library is None or _state["on"] or start < _release["not_before"]:
        return
    if not is_deviation_enabled("memory_release"):
        return
    library.malloc_trim(0)
    end = perf_counter()
    if end - start > _SLOW:
        _release["not_before"] = end + _PAUSE * (end - start)


def dropped() -> None:
    """Requests that memory is returned to the system after the next garbage collection."""
    _state["release_requested"] = True


def _after_collection(when: str, _: Any) -> None:
    if (
        when == "stop"
        and _state["release_requested"]
        and is_deviation_enabled("collection_callbacks")
    ):
        _state["release_requested"] = False
        give_back()


def is_enabled() -> bool:
    """Tells whether memory is kept."""
    return _state["on"]


def is_available() -> bool:
    """Tells whether the allocator is that of glibc."""
    return _glibc() is not None


@cache
def _glibc() -> Any:
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
    """Tells whether the environment configures no allocator."""
    environment = os.environ
    return not (
        environment.get("LD_PRELOAD")
        or "glibc.malloc" in environment.get("GLIBC_TUNABLES", "")
        or any(name.startswith("MALLOC_") for name in environment)
    )


def _cpu_expected() -> bool:
    """Tells whether JAX will use the CPU, without asking JAX, which would start its threads."""
    platforms: str | None = getattr(jax.config, "jax_platforms", None)
    if platforms:
        return platforms.split(",")[0] == "cpu"
    return not any(importlib.util.find_spec(name) for name in _DEVICES)


def _memory() -> int:
    """Returns the memory that this process may use, in bytes."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(whole, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):  # no limit ("max"), or no cgroup
        return whole


gc.callbacks.append(_after_collection)
