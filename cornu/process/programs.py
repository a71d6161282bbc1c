"""Compiled programs are kept on disk, so that a second process need not compile them.

JAX has the hook for this (its persistent compilation cache) and decides what equal programs are.
Its own files would not do as a default: they are written in place, so that another process may
read half of one; they are bounded only with a further package; and anyone's folder is trusted.
So `cornu.process.store` keeps the files. JAX has no public way to give it another cache: the one
function that makes its cache is replaced, and if a JAX has no such function, nothing is kept.
"""

from __future__ import annotations

import inspect
import logging
import os
import platform
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import jax

from cornu.deviations import is_enabled
from cornu.process.store import SUPPORTED, Store
from cornu.process.switches import is_off

try:
    from jax._src import compilation_cache as _found
except ImportError:  # pragma: no cover - a JAX of the future
    _found = None  # type: ignore[assignment]

__all__ = ["clear", "disable", "enable", "folder", "is_available", "prepare"]

_logger = logging.getLogger("cornu")

_LIMIT = 1 << 30  # bytes, if JAX's jax_compilation_cache_max_size says nothing
_PLACE = "CORNU_COMPILATION_CACHE"

_FOLDER = "jax_compilation_cache_dir"
_ENABLED = "jax_enable_compilation_cache"
_LIMITED = "jax_compilation_cache_max_size"
# Programs that took fewer seconds are not kept. Also the smallest is read three times as fast as
# it is compiled, and written in a tenth of that time.
_SECONDS = "jax_persistent_cache_min_compile_time_secs"
_SECONDS_OF_JAX = 1.0
_SECONDS_OF_OURS = 1e-9  # zero, but for telling it from the user's

_state: dict[str, Any] = {"asked": False, "programs": None}


def prepare() -> None:
    """Keeps programs in the user's cache folder, if that can be done and nothing else is set."""
    if _state["asked"] or is_off(_PLACE) or _is_theirs() or not is_enabled("compilation_cache"):
        return
    try:
        _use(_default())
    except (OSError, RuntimeError) as error:
        # The folder was asked for, or is only a default that not every machine has.
        level = logging.WARNING if os.environ.get(_PLACE) else logging.DEBUG
        _logger.log(level, "Compiled programs are not kept: %s", error)


def enable(path: Any = None) -> None:
    """Keeps programs in a folder; by default in the user's cache.

    Raises:
        OSError: the folder cannot be made, or others have access to it.
        RuntimeError: this cannot be done here.
    """
    _use(_default() if path is None else Path(path).expanduser().absolute())
    jax.config.update(_ENABLED, True)
    _state["asked"] = True


def disable() -> None:
    """Keeps and reads no programs any more."""
    _state["asked"] = True
    if folder() is not None:
        _stop()
        jax.config.update(_FOLDER, None)


def folder() -> Path | None:
    """Returns where programs are kept; None if they are not."""
    programs = _state["programs"]
    return programs.store.folder if programs is not None and programs.is_current() else None


def is_available() -> bool:
    """Returns whether programs can be kept with this system and this JAX."""
    try:
        _supported()
    except RuntimeError:
        return False
    return True


def clear() -> None:
    """Removes the programs that are kept, or were kept in the folder that would be taken."""
    try:
        place = folder() or _default()
    except RuntimeError:  # there is no home
        return
    if SUPPORTED and place.is_dir():
        Store(place, _LIMIT).clear()


def _is_theirs() -> bool:
    """Tells whether the user told JAX itself what to do."""
    enabled = _said(_ENABLED)
    return not enabled or bool(_said(_FOLDER)) or _FOLDER.upper() in os.environ


def _default() -> Path:
    chosen = os.environ.get(_PLACE)
    if chosen and not is_off(_PLACE):
        return Path(chosen).expanduser().absolute()
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not base.is_absolute():  # also by the standard: then it does not count
        base = Path.home() / ".cache"
    return base / "cornu" / "programs"


# ------------------------------------------------------------------------------------ JAX's side


def _said(setting: str) -> Any:
    return getattr(jax.config, setting)


class _Programs:
    """A store of programs, with the methods that JAX calls."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._path = str(store.folder)  # JAX's name for it
        self._machine = _machine()

    def is_current(self) -> bool:
        return bool(_said(_ENABLED)) and _said(_FOLDER) == self._path

    def get(self, key: str) -> bytes | None:
        if self.is_current():
            return self.store.get(key + self._machine)
        other = _theirs()
        return None if other is None else other.get(key)

    def put(self, key: str, value: bytes) -> None:
        if self.is_current():
            self.store.put(key + self._machine, value)
        elif (other := _theirs()) is not None:
            other.put(key, value)


def _use(place: Path) -> None:
    module = _supported()
    limit = _said(_LIMITED)
    programs = _Programs(Store(place, _LIMIT if limit < 0 else limit))
    _stop()
    _state["programs"] = programs
    _replace(module)
    if _said(_SECONDS) == _SECONDS_OF_JAX and _SECONDS.upper() not in os.environ:
        jax.config.update(_SECONDS, _SECONDS_OF_OURS)
    jax.config.update(_FOLDER, str(place))


def _stop() -> None:
    """Makes JAX ask again what its cache is, and puts back what was changed for ours.

    JAX settles it when it first compiles, which the user may have had it do before.
    """
    if _said(_SECONDS) == _SECONDS_OF_OURS:
        jax.config.update(_SECONDS, _SECONDS_OF_JAX)
    _state["programs"] = None
    _supported().reset_cache()


def _theirs() -> Any:
    """Returns the cache of a user who gave JAX a folder after ours was in use."""
    _stop()
    place = _said(_FOLDER)
    found = _supported().get_file_cache(place) if place else None
    return None if found is None else found[0]


def _supported() -> ModuleType:
    if not SUPPORTED:
        raise RuntimeError("this system cannot tell who has access to a folder.")
    make = getattr(_found, "get_file_cache", None)
    reset = getattr(_found, "reset_cache", None)
    if make is None or reset is None or list(inspect.signature(make).parameters) != ["path"]:
        raise RuntimeError(f"JAX {jax.__version__} cannot be given another cache.")
    return _found


@cache
def _replace(module: Any) -> None:
    """Makes JAX take ours for the folder that is ours."""
    original: Callable[[str], Any] = module.get_file_cache

    def get_file_cache(path: str) -> Any:
        programs = _state["programs"]
        if programs is not None and path == programs._path:
            return programs, path
        return original(path)

    module.get_file_cache = get_file_cache


@cache
def _machine() -> str:
    """Returns what decides on which machines a program for the CPU runs, and runs well.

    JAX's keys tell apart its own version and other devices, but not the instructions that a CPU
    has, nor how many threads a program was divided for.
    """
    try:
        threads = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        threads = os.cpu_count() or 1
    told = [platform.machine(), str(threads)]
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            first = file.read(1 << 16).split("\n\n")[0]
        names = ("model name", "flags", "CPU part", "Features")
        told += [line for line in first.splitlines() if line.startswith(names)]
    except OSError:
        pass
    return "\n".join(told)
