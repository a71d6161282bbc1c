"""Small programs that run in the thread that calls them, on the CPU.

XLA gives a program of more than 1000 floating-point operations to another thread. To start that
thread, and to be woken by it, takes longer than a small program. A program with host callbacks runs
in the calling thread instead, since a callback may itself run programs. Therefore a small program
is loaded again, from the same machine code, with a callback that it does not call.
"""

from __future__ import annotations

import logging
import threading
import weakref
from contextlib import AbstractContextManager
from typing import Any

import jax

from cornu.core.graph.jaxprs import uses_primitive
from cornu.core.target import applies
from cornu.process import programs
from cornu.process.forks import call_after_fork, reset_after_fork

__all__ = ["compile_inline"]

_logger = logging.getLogger("cornu")

# Floating-point operations. Smaller programs run in the calling thread anyway; larger ones run on
# another thread, so that the caller can prepare the next one.
_OPERATIONS = range(1000, 4_000_000)
# Of a loop, XLA's cost analysis counts one iteration.
_LOOPS = frozenset(("scan", "while"))
# The executables whose program has been replaced. A second time it could not be serialized.
_replaced: weakref.WeakSet[Any] = weakref.WeakSet()
_lock = reset_after_fork(threading.RLock())
# For each function, the lock of the thread that compiles it. A handler of a signal may call the
# function again in this thread.
_locks: weakref.WeakKeyDictionary[Any, AbstractContextManager[Any]] = weakref.WeakKeyDictionary()
call_after_fork(_locks.clear)


def compile_inline(function: Any, *args: Any) -> bool:
    """Compiles a jitted function for arguments; its calls run in the calling thread if it is small.

    It is called before the first call of the function with such arguments. A call still returns at
    once if an argument is not computed yet.

    Args:
        function: the result of `jax.jit`, for one device.
        *args: its arguments.

    Returns:
        Whether calls run in the calling thread.

    Example:

    >>> import jax
    >>> multiply = jax.jit(lambda x: x @ x)
    >>> compile_inline(multiply, jax.numpy.ones((800, 800)))  # too large
    False
    """
    disables_jit: bool = jax.config.jax_disable_jit  # type: ignore[attr-defined]
    if disables_jit or not applies("inline_programs"):
        return False
    traced = function.trace(*args)
    if uses_primitive(traced.jaxpr.jaxpr, _LOOPS):
        return False
    lowered = traced.lower()
    try:
        with _lock:
            compiling = _locks.setdefault(function, threading.RLock())
        # Other threads wait until the program is replaced: JAX would keep what they call before.
        with compiling:
            compiled, code, is_complete = programs.compile_and_find(lowered.compile)
            costs = compiled.cost_analysis() or {}
            if int(costs.get("flops", 0)) not in _OPERATIONS:
                return False
            with _lock:  # functions may share a program
                return _load_with_callback(compiled._executable, code, is_complete)
    except (AttributeError, RuntimeError, TypeError) as error:
        # The call compiles the program again, and raises the error if it is not due to this module.
        _logger.debug("A program does not run in the calling thread: %s", error)
        return False


# These are private objects of JAX: the executable of `jax.stages.Compiled`, which calls of the
# jitted function use as well, and its function for calls that JAX's fast path does not support.
def _load_with_callback(executable: Any, code: bytes | None, is_complete: bool) -> bool:
    """Replaces the program of an executable by one with a callback, unless it has effects.

    Args:
        executable: what is changed.
        code: the machine code of the program, or None if it is to be taken from the program.
        is_complete: whether the program holds all of it.
    """
    if executable in _replaced:
        return True
    if code is None and not is_complete:
        _logger.debug("A program may have been read from a cache, without all of its code.")
        return False
    call = executable.unsafe_call
    has_effects = call.has_host_callbacks or call.has_unordered_effects or call.ordered_effects
    if has_effects or call.keepalive:
        return False
    program = executable.xla_executable
    devices = executable._unloaded_executable.device_list
    loaded = program.client.deserialize_executable(
        program.serialize() if code is None else code, devices, None, [_return_arguments]
    )
    executable.xla_executable = call.xla_executable = loaded
    _replaced.add(executable)
    return True


def _return_arguments(*args: Any) -> Any:
    """The callback, which no program calls."""
    return args
