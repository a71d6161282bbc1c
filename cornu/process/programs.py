"""Compiled programs are cached on disk, so that the next process does not compile them again.

JAX's persistent compilation cache computes the keys and calls the cache. Its files are not suitable
as a default: they are written in place, so another process may read a part of one; their size is
limited only with an additional package; and a folder of any user is trusted. Therefore,
`cornu.process.store` stores the files. JAX has no public function to set another cache: the private
function that creates the cache is replaced. If a version of JAX has no such function, nothing is
cached.
"""

from __future__ import annotations

import inspect
import logging
import os
import platform
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import jax

from cornu.deviations import is_enabled
from cornu.process.cores import count_cores
from cornu.process.store import SUPPORTED, Store
from cornu.process.switches import is_off

try:
    from jax._src import compilation_cache as _module
except ImportError:  # pragma: no cover - a future version of JAX
    _module = None  # type: ignore[assignment]

__all__ = [
    "clear",
    "compile_and_find",
    "disable",
    "enable",
    "folder",
    "is_available",
    "prepare",
]

T = TypeVar("T")

_logger = logging.getLogger("cornu")

_DEFAULT_LIMIT = 1 << 30  # bytes, if jax_compilation_cache_max_size is not set
_VARIABLE = "CORNU_COMPILATION_CACHE"  # of the environment: a folder, or `off`

# Options of JAX.
_FOLDER = "jax_compilation_cache_dir"
_ENABLED = "jax_enable_compilation_cache"
_LIMIT = "jax_compilation_cache_max_size"
# Programs that compile in fewer seconds are not cached. JAX's default of 1 s excludes most programs
# of small models. Even the smallest one is read three times as fast as it is compiled, and written
# in a tenth of that time.
_MIN_SECONDS = "jax_persistent_cache_min_compile_time_secs"
_MIN_SECONDS_OF_JAX = 1.0
_MIN_SECONDS_OF_CORNU = 1e-9  # distinguishes the setting from a zero that the user set

# `configured`: whether `enable` or `disable` was called. `programs`: the current cache.
_state: dict[str, Any] = {"configured": False, "programs": None, "used_another": False}


def prepare() -> None:
    """Enables the default cache, unless the user has configured the cache or disabled it."""
    if _state["configured"] or is_off(_VARIABLE) or _is_jax_configured():
        return
    if not is_enabled("compilation_cache"):
        return
    try:
        _use(_default_folder())
    except (OSError, RuntimeError) as error:
        # A failure is a problem only if the user chose the folder: not every machine has a
        # writable default.
        level = logging.WARNING if os.environ.get(_VARIABLE) else logging.DEBUG
        _logger.log(level, "Compiled programs are not cached: %s", error)


def enable(path: str | os.PathLike[str] | None = None) -> None:
    """Caches programs in a folder; by default in the cache folder of the user.

    Raises:
        OSError: the folder cannot be created, or other users have access to it.
        RuntimeError: this system or this version of JAX is not supported.
    """
    _use(_default_folder() if path is None else Path(path).expanduser().absolute())
    jax.config.update(_ENABLED, True)
    _state["configured"] = True


def disable() -> None:
    """Disables the cache: programs are neither read nor written."""
    _state["configured"] = True
    if folder() is not None:
        _stop()
        jax.config.update(_FOLDER, None)


def folder() -> Path | None:
    """Returns the folder of the cache, or None if programs are not cached."""
    programs = _state["programs"]
    return programs.store.folder if programs is not None and programs.is_current() else None


def is_available() -> bool:
    """Tells whether this system and this version of JAX are supported."""
    try:
        _cache_module()
    except RuntimeError:
        return False
    return True


def clear() -> None:
    """Removes the programs in the folder; in the default folder if the cache is disabled."""
    try:
        directory = folder() or _default_folder()
    except RuntimeError:  # the user has no home directory
        return
    if SUPPORTED and directory.is_dir():
        Store(directory, _DEFAULT_LIMIT).clear()


def compile_and_find(run: Callable[[], T]) -> tuple[T, bytes | None, bool]:
    """Compiles a program and finds its machine code.

    A program that was read from a cache does not hold all of its code: it cannot be serialized.

    Args:
        run: compiles the program.

    Returns:
        The program; its code, if it was read from this cache; and whether it can be serialized.

    Raises:
        AttributeError: this version of JAX stores programs in another form.
    """
    _last_answer.value = None
    program = run()
    answer, _last_answer.value = _last_answer.value, None
    stored = None if answer is None else answer[0]
    if stored is not None:
        assert _module is not None
        code: bytes = _module.extract_executable_and_time(_module.decompress_executable(stored))[0]
        return program, code, False
    if folder() is not None:
        # Without an answer it was in memory: another thread, or an earlier call, may have read it.
        return program, None, answer is not None
    # A program of another cache stays in memory after the cache has been disabled.
    _state["used_another"] |= bool(_read_option(_ENABLED) and _read_option(_FOLDER))
    return program, None, not _state["used_another"]


def _is_jax_configured() -> bool:
    """Tells whether the user has configured or disabled the cache of JAX."""
    enabled = _read_option(_ENABLED)
    return not enabled or bool(_read_option(_FOLDER)) or _FOLDER.upper() in os.environ


def _default_folder() -> Path:
    chosen = os.environ.get(_VARIABLE)
    if chosen and not is_off(_VARIABLE):
        return Path(chosen).expanduser().absolute()
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not base.is_absolute():  # the XDG specification requires to ignore relative paths
        base = Path.home() / ".cache"
    return base / "cornu" / "programs"


# ------------------------------------------------------------------------------ interface to JAX


def _read_option(name: str) -> Any:
    return getattr(jax.config, name)


class _LastAnswer(threading.local):
    """What the cache returned last to this thread: a stored program, or None if it has none.

    Attributes:
        value: the answer, or None if nothing was requested.
    """

    value: tuple[bytes | None] | None = None


_last_answer = _LastAnswer()


class _ProgramCache:
    """A store of programs with the methods that JAX calls on its cache.

    The user may set another folder in JAX's options at any time. The cache then forwards calls to
    JAX's own cache of that folder.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._path = str(store.folder)  # named as in the CacheInterface of JAX
        self._machine = _describe_machine()

    def is_current(self) -> bool:
        return bool(_read_option(_ENABLED)) and _read_option(_FOLDER) == self._path

    def get(self, key: str) -> bytes | None:
        if self.is_current():
            stored = self.store.get(key + self._machine)
            _last_answer.value = (stored,)
            return stored
        other = _cache_of_jax()
        return None if other is None else other.get(key)

    def put(self, key: str, value: bytes) -> None:
        if self.is_current():
            self.store.put(key + self._machine, value)
        elif (other := _cache_of_jax()) is not None:
            other.put(key, value)


def _use(directory: Path) -> None:
    module = _cache_module()
    limit = _read_option(_LIMIT)
    programs = _ProgramCache(Store(directory, _DEFAULT_LIMIT if limit < 0 else limit))
    _stop()
    _state["programs"] = programs
    _replace_get_file_cache(module)
    if _read_option(_MIN_SECONDS) == _MIN_SECONDS_OF_JAX and _MIN_SECONDS.upper() not in os.environ:
        jax.config.update(_MIN_SECONDS, _MIN_SECONDS_OF_CORNU)
    jax.config.update(_FOLDER, str(directory))


def _stop() -> None:
    """Restores the options that were changed, and makes JAX create its cache again.

    JAX creates its cache when it first compiles a program, which may have happened already.
    """
    if _read_option(_MIN_SECONDS) == _MIN_SECONDS_OF_CORNU:
        jax.config.update(_MIN_SECONDS, _MIN_SECONDS_OF_JAX)
    _state["programs"] = None
    _cache_module().reset_cache()


def _cache_of_jax() -> Any:
    """Returns JAX's own cache for a folder that the user set later, or None."""
    _stop()
    directory = _read_option(_FOLDER)
    found = _cache_module().get_file_cache(directory) if directory else None
    return None if found is None else found[0]


def _cache_module() -> ModuleType:
    """Returns JAX's module of the compilation cache.

    Raises:
        RuntimeError: this system or this version of JAX is not supported.
    """
    if not SUPPORTED:
        raise RuntimeError("this system does not support files relative to an open folder.")
    create = getattr(_module, "get_file_cache", None)
    reset = getattr(_module, "reset_cache", None)
    if create is None or reset is None or list(inspect.signature(create).parameters) != ["path"]:
        raise RuntimeError(f"JAX {jax.__version__} does not support another compilation cache.")
    return _module


@cache
def _replace_get_file_cache(module: Any) -> None:
    """Replaces the function of JAX that creates a cache: one folder has a `_ProgramCache`."""
    original: Callable[[str], Any] = module.get_file_cache

    def get_file_cache(path: str) -> Any:
        programs = _state["programs"]
        if programs is not None and path == programs._path:
            return programs, path
        return original(path)

    module.get_file_cache = get_file_cache


@cache
def _describe_machine() -> str:
    """Returns the properties of this machine that a compiled CPU program depends on.

    The keys of JAX contain its version and the kind of device, but neither the instruction set of
    the CPU nor the number of threads. A program for another CPU may crash.
    """
    properties = [platform.machine(), str(count_cores())]
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            first = file.read(1 << 16).split("\n\n")[0]
        names = ("model name", "flags", "CPU part", "Features")
        properties += [line for line in first.splitlines() if line.startswith(names)]
    except OSError:  # not on Linux
        pass
    return "\n".join(properties)
