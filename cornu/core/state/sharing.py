"""Access to Variables from several threads, one of which may train.

A training step donates the arrays of the Variables that it assigns: the dispatch deletes them, and
new arrays are assigned after it. While a thread trains, readers in other threads therefore hold the
read lock: no step that donates what they read is dispatched until they release it. A program with
one thread never waits for a lock.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from cornu.core.state import scope
from cornu.process.forks import (
    call_after_fork,
    check_process,
    is_unable_to_compute,
    reset_after_fork,
)

if TYPE_CHECKING:
    from cornu.core.state.variable import Variable

__all__ = [
    "PrivateScope",
    "assign_values",
    "begin_donation",
    "build_lock",
    "claim",
    "copy_to_host",
    "copy_to_private_scope",
    "end_donation",
    "is_concurrent_deletion",
    "mark_training_thread",
    "needs_read_lock",
    "read_consistently",
    "read_lock",
    "read_one_by_one",
    "read_values",
    "use_private_values",
    "values_lock",
]

T = TypeVar("T")


class _Reader(NamedTuple):
    """The thread that holds the read lock, and the ids of the Variables that it reads."""

    thread: int
    ids: frozenset[int]


# Held while several values are read or assigned, so that no reader sees the weights of two steps
# mixed. Reentrant, because a signal handler may run in the same thread while it is held.
values_lock = reset_after_fork(threading.RLock())
# Held while layers, optimizers and metrics create their Variables, so that none is created twice.
build_lock = reset_after_fork(threading.RLock())
# The ids of the private scopes that exist. While there are none, no thread has to look for its own.
_private: set[int] = set()
# By thread that trains, the number of nested calls that train.
_training: dict[int, int] = {}
# By thread, the ids of the Variables that it has donated to a dispatch and not yet assigned.
_donating: dict[int, frozenset[int]] = {}
# By thread that trains, the sets of ids of Variables that its steps assign.
_claims: dict[int, set[frozenset[int]]] = {}
_claims_lock = reset_after_fork(threading.Lock())
_read_lock = reset_after_fork(threading.RLock())
_reader: _Reader | None = None  # written by the holder of _read_lock
_POLL_INTERVAL = 2e-4  # seconds
# Seconds that a reader waits for a dispatch. A host callback within a step may itself wait for a
# reader; without a timeout, both would wait forever.
_READ_TIMEOUT = 60.0


def _forget_threads() -> None:
    """Forgets the threads of the process that this one was forked from."""
    global _reader
    thread = threading.get_ident()
    if _reader is not None and _reader.thread != thread:
        _reader = None
    tables: tuple[dict[int, Any], ...] = (_training, _donating, _claims)
    for table in tables:
        for other in table.keys() - {thread}:
            del table[other]


call_after_fork(_forget_threads)


# ----------------------------------------------------------------------------------- private values


class PrivateScope(scope.Scope):
    """A scope in which a thread has values of its own for some Variables."""

    __slots__ = ()


@contextlib.contextmanager
def use_private_values(variables: Sequence[Variable]) -> Iterator[None]:
    """Gives this thread copies of the values of Variables in a `with` block.

    What it assigns to these or other Variables in the block is discarded at the end.
    """
    inner = PrivateScope(scope.current())
    _private.add(id(inner))
    try:
        with scope.use_scope(inner):
            copy_to_private_scope(variables)
            yield
    finally:
        _private.discard(id(inner))


def copy_to_private_scope(variables: Sequence[Variable]) -> None:
    """Copies the values of Variables into the private scope of this thread, if there is one.

    A program that donates them would otherwise delete the arrays of other threads.
    """
    around = scope.current() if _private else None
    if type(around) is PrivateScope:
        missing = [v for v in variables if id(v) not in around.values]
        if missing:
            with read_lock(missing):
                copies = [jnp.array(value) for value in read_values(missing)]
            around.values.update((id(v), copy) for v, copy in zip(missing, copies, strict=True))


def read_values(variables: Sequence[Variable]) -> tuple[Any, ...]:
    """Returns the arrays of Variables, all of the same training step."""
    if _private:
        around = scope.current()
        if type(around) is PrivateScope:
            return tuple([around.read(variable) for variable in variables])
    with values_lock:
        return tuple([variable.stored for variable in variables])  # a list is faster to make


def assign_values(variables: Sequence[Variable], values: Sequence[Any]) -> None:
    """Replaces the arrays of Variables; no reader sees only some of them replaced."""
    if _private:
        around = scope.current()
        if type(around) is PrivateScope:
            for variable, value in zip(variables, values, strict=True):
                around.write(variable, value)
            return
    with values_lock:
        for variable, value in zip(variables, values, strict=True):
            variable.stored = value


# --------------------------------------------------------------------------------- training threads


@contextlib.contextmanager
def mark_training_thread() -> Iterator[None]:
    """Marks this thread as one that trains, in a `with` block."""
    thread = threading.get_ident()
    _training[thread] = _training.get(thread, 0) + 1
    if _training[thread] == 1:
        with _claims_lock:
            _claims[thread] = set()
    try:
        yield
    finally:
        _training[thread] -= 1
        if not _training[thread]:
            del _training[thread]
            with _claims_lock:
                del _claims[thread]


def claim(ids: frozenset[int], variables: Sequence[Variable]) -> None:
    """Reserves Variables for the thread that trains, until it has finished training.

    In a thread that does not train, it has no effect.

    Args:
        ids: the ids of the Variables.
        variables: the Variables.

    Raises:
        RuntimeError: another thread trains one of them.
    """
    thread = threading.get_ident()
    claimed = _claims.get(thread)
    if claimed is None or ids in claimed:
        return
    with _claims_lock:
        taken = {i for other, sets in _claims.items() if other != thread for s in sets for i in s}
        shared = [variable.path for variable in variables if id(variable) in taken]
        if shared:
            more = f" and {len(shared) - 1} more" if len(shared) > 1 else ""
            raise RuntimeError(
                f"Variable {shared[0]!r}{more} of this model is being trained in another thread, "
                "by a model that shares it.\n"
                "Train models that share weights one after the other, or give each its own weights "
                "with `clone_model`. Weights that are frozen in one of the models may be shared."
            )
        claimed.add(ids)


def begin_donation(ids: frozenset[int], variables: Sequence[Variable]) -> int:
    """Announces a dispatch that donates arrays of Variables; waits for readers of these.

    Args:
        ids: the ids of the Variables.
        variables: the Variables.

    Returns:
        The number of this thread, to be passed to `end_donation` after the assignment.

    Raises:
        RuntimeError: another thread trains one of the Variables.
    """
    claim(ids, variables)
    thread = threading.get_ident()
    while True:
        # Both sides announce themselves before they check for the other: this one in `_donating`,
        # a reader in `_reader`. At least one of the two therefore sees the other.
        _donating[thread] = ids
        reader = _reader
        if reader is None or reader.thread == thread or reader.ids.isdisjoint(ids):
            return thread
        del _donating[thread]
        with _read_lock:  # waits until the reader releases it
            pass


def end_donation(thread: int) -> None:
    """Ends what `begin_donation` began."""
    _donating.pop(thread, None)


# ------------------------------------------------------------------------------------------ readers


def needs_read_lock() -> bool:
    """Whether another thread trains, so that this one must hold the read lock to read Variables."""
    return bool(_training) and _may_lock()


def _may_lock() -> bool:
    # A thread that trains reads its own Variables, and one that holds the lock has waited already.
    thread = threading.get_ident()
    return thread not in _training and (_reader is None or _reader.thread != thread)


@contextlib.contextmanager
def read_lock(variables: Sequence[Variable]) -> Iterator[None]:
    """Holds the read lock: no other thread deletes arrays of the Variables in the `with` block.

    If the dispatch of a step takes longer than the timeout, the block runs regardless. An array
    that the step has deleted by then raises JAX's error, which is not retried under the lock.
    """
    global _reader
    ids = frozenset(map(id, variables))
    with _read_lock:
        outer = _reader  # of this thread, because the lock is held
        _reader = _Reader(threading.get_ident(), ids if outer is None else ids | outer.ids)
        try:
            _wait_for_donations(ids)
            yield
        finally:
            _reader = outer


def _wait_for_donations(ids: frozenset[int]) -> None:
    """Waits until no other thread has a dispatch that donates these Variables, or the timeout."""
    thread, end = threading.get_ident(), time.monotonic() + _READ_TIMEOUT
    while any(t != thread and not ids.isdisjoint(donated) for t, donated in [*_donating.items()]):
        if time.monotonic() > end:
            return
        # Polling keeps locks and events out of the training step.
        time.sleep(_POLL_INTERVAL)


def read_consistently(variables: Sequence[Variable], read: Callable[..., T], *args: Any) -> T:
    """Returns `read(*args)`, run between two training steps of other threads.

    Args:
        variables: the Variables that `read` reads.
        read: a function that may be called twice. It is called without the read lock if no thread
            trains. If a thread begins to train during that call and deletes an array, it is called
            again with the lock.
        *args: arguments of `read`.
    """
    if is_unable_to_compute():
        _check_availability(variables)
    if not needs_read_lock():
        try:
            return read(*args)
        except Exception as error:
            # A retry is right: the Variables have new arrays by the time the lock is acquired, and
            # JAX refuses deleted arrays before it runs a program, so that the failed call assigned
            # and donated nothing.
            if not is_concurrent_deletion(error):
                raise
    with read_lock(variables):
        return read(*args)


def read_one_by_one(variables: Sequence[Variable], read: Callable[[], T]) -> T:
    """Returns `read()`, which reads Variables one after another, all of the same training step.

    Args:
        variables: the Variables that `read` reads.
        read: a function without effects. If another thread begins to train during the call, and
            assigns one of the Variables, it is called again with the lock.
    """
    if not needs_read_lock():
        before = read_values(variables)
        result = read_consistently(variables, read)
        after = read_values(variables)
        if all(a is b for a, b in zip(before, after, strict=True)):
            return result
    with read_lock(variables):
        return read()


def copy_to_host(variables: Sequence[Variable]) -> list[np.ndarray]:
    """Returns copies of the values of Variables, all of the same training step."""
    return read_one_by_one(variables, lambda: [variable.numpy() for variable in variables])


def _check_availability(variables: Sequence[Variable]) -> None:
    """Raises a RuntimeError in a forked process for arrays that the other process computes."""
    for variable in variables:
        if isinstance(variable.stored, jax.Array):
            array: Any = variable.stored
            if array.is_deleted() or not array.is_ready():
                check_process()


def is_concurrent_deletion(error: Exception) -> bool:
    """Whether a reader in this thread failed because another thread deleted an array."""
    # JAX has no class for it: "Array has been deleted", "Buffer has been deleted or donated".
    is_deletion = isinstance(error, (RuntimeError, ValueError)) and "deleted" in str(error)
    # Without a check of `_training`: the other thread may have finished since.
    return is_deletion and _may_lock()
