"""Memory that a step returns is kept for the next one: settings of glibc's allocator.

XLA's CPU programs ask for their temporaries in each run. By default glibc maps large ones anew
each time, and the system fills every page with zeros, which takes some percent of a large step.
Kept memory shortens those steps, but a process then holds up to one and a half times as much, and
small programs become no faster, so that it is done where it is asked for.
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

# From malloc.h, and what each is by default.
_MMAP_MAX, _TRIM_THRESHOLD, _ARENA_MAX = -4, -1, -8
_DEFAULTS = {_MMAP_MAX: 65536, _TRIM_THRESHOLD: 128 * 1024}

_LARGEST = 2**31 - 1  # mallopt takes C ints
_SHARE = 8  # at most this part of the memory is kept

# Packages that bring devices to JAX; without one, its backend will be the CPU.
_DEVICES = ("jax_plugins", "libtpu")

# Where returning memory took long, it is not done again for so many times as long.
_LONG, _SPARING = 0.02, 20

_state = {"on": False, "dropped": False, "again": 0.0}


def prepare() -> None:
    """Sets the allocator up if `CORNU_ALLOCATOR=keep` asks for it, on the CPU."""
    library = _glibc()
    if library is None or os.environ.get("CORNU_ALLOCATOR") != "keep" or not _is_ours():
        return
    if _cpu_expected():
        # Threads with arenas of their own would map what is larger than 64 MB each time all the
        # same. A thread keeps the arena that it has, so that this comes before JAX starts some.
        library.mallopt(_ARENA_MAX, 1)
    if jax.default_backend() == "cpu":
        enable()


def enable() -> None:
    """Keeps memory for the next step, up to an eighth of what there is."""
    library = _glibc()
    if library is not None:
        library.mallopt(_MMAP_MAX, 0)
        library.mallopt(_TRIM_THRESHOLD, min(_LARGEST, _memory() // _SHARE))
        _state["on"] = True


def disable() -> None:
    """Returns to glibc's own ways, and to the system what was kept."""
    library = _glibc()
    if library is not None and _state["on"]:
        for name, value in _DEFAULTS.items():
            library.mallopt(name, value)
        library.malloc_trim(0)
        _state["on"] = False


def give_back() -> None:
    """Returns to the system what was freed, unless memory is kept: after XLA compiled, it is much.

    glibc by itself returns only what lies at the end of a heap, and compiling leaves holes. It
    takes milliseconds, but a tenth of a second for each gigabyte of holes.
    """
    library, begin = _glibc(), perf_counter()
    if library is None or _state["on"] or begin < _state["again"]:
        return
    if not is_deviation_enabled("memory_release"):
        return
    library.malloc_trim(0)
    end = perf_counter()
    if end - begin > _LONG:
        _state["again"] = end + _SPARING * (end - begin)


def dropped() -> None:
    """Notes that something large is freed: when garbage was collected, the system gets it back."""
    _state["dropped"] = True


def _after_collection(when: str, _: Any) -> None:
    if when == "stop" and _state["dropped"] and is_deviation_enabled("collection_callbacks"):
        _state["dropped"] = False
        give_back()


def is_enabled() -> bool:
    """Tells whether memory is kept."""
    return _state["on"]


def is_available() -> bool:
    """Returns whether the allocator is that of glibc, which the functions here can set."""
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


def _is_ours() -> bool:
    """Tells whether nobody else has chosen an allocator, or how it works."""
    environment = os.environ
    return not (
        environment.get("LD_PRELOAD")
        or "glibc.malloc" in environment.get("GLIBC_TUNABLES", "")
        or any(name.startswith("MALLOC_") for name in environment)
    )


def _cpu_expected() -> bool:
    """Tells whether JAX will compute on the CPU; asking JAX itself would start its threads."""
    platforms = jax.config.jax_platforms
    if platforms:
        return platforms.split(",")[0] == "cpu"
    return not any(importlib.util.find_spec(name) for name in _DEVICES)


def _memory() -> int:
    """Returns the bytes of memory that this process may use."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(whole, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):  # there is no limit: "max"
        return whole


gc.callbacks.append(_after_collection)
