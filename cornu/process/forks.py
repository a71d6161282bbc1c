"""Forked processes: an error instead of a computation that never ends.

JAX computes in threads, which a process that is forked after JAX has started does not have. What
computes in such a process waits forever; JAX itself only warns. The threads that hold Python's
locks do not exist in it either.

In the forked process, the functions of JAX are replaced that everything passes which JAX computes:
they evaluate primitives, call functions, execute compiled programs, and copy arrays to a device.
They are bypassed only by functions that have been called before, which C++ dispatches: the setting
`jax_no_execution` is part of the key by which C++ finds them, so that it finds none. Other
processes are not changed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import jax
from jax._src import xla_bridge  # no public function tells whether a backend is initialized

from cornu.deviations import is_enabled

# The functions that are replaced, by the classes and modules that look them up.
_replaced: tuple[tuple[Any, str], ...] = ()
try:
    from jax._src import core, dispatch, pjit
    from jax._src.interpreters import pxla
except ImportError:  # pragma: no cover - a future version of JAX, in which nothing is replaced
    pass
else:
    _replaced = (
        (core.EvalTrace, "process_primitive"),
        (pjit, "_pjit_call_impl_python"),
        (pxla.ExecuteReplicated, "__call__"),
        (pxla, "batched_device_put"),
        (dispatch, "_batched_device_put_impl"),
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
    jax.config.update("jax_no_execution", True)
    for owner, name in _replaced:
        setattr(owner, name, _refuse)


def _refuse(*args: Any, **kwargs: Any) -> NoReturn:
    raise RuntimeError(
        f"Process {os.getpid()} was forked after JAX had started: the threads that compute do not "
        "exist in it, and a computation would never end.\n"
        "Start the process with multiprocessing.get_context('spawn') or 'forkserver' (of a "
        "DataLoader of torch: multiprocessing_context='spawn'), or fork before the first array, "
        "layer or model is created. Code that uses NumPy alone works."
    )


call_after_fork(_refuse_computations)
