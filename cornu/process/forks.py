"""Forked processes: an error instead of a computation that never ends.

JAX computes in threads, which a process that is forked after JAX has started does not have. What
computes in such a process waits forever; JAX itself only warns. The threads that hold Python's
locks do not exist in it either.

In the forked process, the functions of JAX through which every computation passes raise an error:
they evaluate primitives, call functions, execute compiled programs, and copy arrays to a device.
Functions that have been called before are dispatched in C++, which does not pass through them: the
setting `jax_no_execution` is part of the key of that cache, so that it has no entry for them. Other
processes are not changed.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, TypeVar

import jax
from jax._src import xla_bridge  # no public function tells whether a backend is initialized

from cornu.deviations import is_enabled

# The private functions of JAX that are replaced, by the modules and classes that look them up.
_REPLACED = (
    ("jax._src.core", "EvalTrace.process_primitive"),
    ("jax._src.pjit", "_pjit_call_impl_python"),
    ("jax._src.interpreters.pxla", "ExecuteReplicated.__call__"),
    ("jax._src.interpreters.pxla", "batched_device_put"),
    ("jax._src.dispatch", "_batched_device_put_impl"),
)

__all__ = ["call_after_fork", "check_process", "is_unable_to_compute", "reset_after_fork"]

Lock = TypeVar("Lock")

_state = {"unable": False}


def call_after_fork(function: Callable[[], object]) -> None:
    """Registers a function that is called in forked processes before their own code runs."""
    if hasattr(os, "register_at_fork"):  # not on Windows
        os.register_at_fork(after_in_child=function)


def reset_after_fork(lock: Lock) -> Lock:
    """Returns a lock of `threading`, which is released in forked processes."""
    reset: Any = lock
    call_after_fork(reset._at_fork_reinit)  # Python's own modules call it, such as `logging`
    return lock


def is_unable_to_compute() -> bool:
    """Tells whether this process was forked after JAX had started."""
    return _state["unable"]


def check_process() -> None:
    """Raises a RuntimeError in a process that was forked after JAX had started."""
    if _state["unable"]:
        _refuse()


def _refuse_computations() -> None:
    if not (xla_bridge.backends_are_initialized() and is_enabled("errors_after_fork")):
        return
    _state["unable"] = True
    for owner, name in _find_replaced():
        setattr(owner, name, _refuse)
    with contextlib.suppress(AttributeError):  # a version of JAX without this setting
        jax.config.update("jax_no_execution", True)


def _find_replaced() -> Iterator[tuple[Any, str]]:
    """Yields the module or class, and the name, of each function that this version of JAX has."""
    for module, path in _REPLACED:
        *owners, name = path.split(".")
        owner: Any = sys.modules.get(module)
        for part in owners:
            owner = getattr(owner, part, None)
        if hasattr(owner, name):
            yield owner, name


def _refuse(*args: Any, **kwargs: Any) -> NoReturn:
    raise RuntimeError(
        f"Process {os.getpid()} was forked after JAX had started: the threads that compute do not "
        "exist in it, and a computation would never end.\n"
        "Start the process with multiprocessing.get_context('spawn') or 'forkserver' (of a "
        "DataLoader of torch: multiprocessing_context='spawn'), or fork before the first array, "
        "layer or model is created. Code that uses NumPy alone works."
    )


call_after_fork(_refuse_computations)
