"""Variables that several threads use: values of one moment, while a training step replaces them.

A training step donates the arrays of the Variables that it assigns: they are deleted when the step
is dispatched, and their successors are assigned after that. While a thread trains, readers in other
threads therefore take the turn: no step that donates what they read is dispatched until they are
done. A program with one thread pays nothing for it.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import jax
import jax.numpy as jnp

from cornu.core.state import scope

if TYPE_CHECKING:
    from cornu.core.state.variable import Variable

__all__ = [
    "PrivateScope",
    "assign_values",
    "building",
    "consistently",
    "begin_donation",
    "end_donation",
    "exchange",
    "is_deletion",
    "own_values",
    "private_values",
    "read_values",
    "reading",
    "trained_elsewhere",
    "training_thread",
    "with_values",
]

T = TypeVar("T")

# Held for the moment in which several values are read or assigned, so that no reader sees the
# weights of two steps mixed. Reentrant, because a handler of a signal may run inside.
exchange = threading.RLock()
# Held while layers, optimizers and metrics create their Variables, so that none is created twice.
building = threading.RLock()
# The private scopes that exist, so that threads without one need not look for theirs.
_private: set[int] = set()
# The threads that train, with the number of nested calls.
_training: dict[int, int] = {}
# By thread, the ids of the Variables of a dispatch that donates and is not assigned yet.
_donating: dict[int, frozenset[int]] = {}
# Held by a reader; its thread, and the ids of the Variables that it reads.
_turn = threading.RLock()
_reader: tuple[int, frozenset[int]] | None = None
_PAUSE = 2e-4  # seconds between two looks
# A step that itself waits for a reader, in a host callback, must not wait for ever.
_PATIENCE = 60.0


# ------------------------------------------------------------------------------- one thread's view


class PrivateScope(scope.Scope):
    """A scope in which a thread has values of its own for some Variables."""

    __slots__ = ()


@contextlib.contextmanager
def private_values(variables: Sequence[Variable]) -> Iterator[None]:
    """Gives this thread copies of the values of Variables in a `with` block.

    What it assigns to these or other Variables in the block is discarded at the end.
    """
    inner = PrivateScope(scope.current())
    _private.add(id(inner))
    try:
        with scope.use_scope(inner):
            own_values(variables)
            yield
    finally:
        _private.discard(id(inner))


def own_values(variables: Sequence[Variable]) -> None:
    """Copies the values of Variables into the private scope of this thread, if there is one.

    A program that donates them would otherwise delete the arrays of other threads.
    """
    around = scope.current() if _private else None
    if type(around) is PrivateScope:
        missing = [v for v in variables if id(v) not in around.values]
        copies = with_values(missing, lambda values: [jnp.array(value) for value in values])
        around.values.update((id(v), copy) for v, copy in zip(missing, copies, strict=True))


def read_values(variables: Sequence[Variable]) -> tuple[Any, ...]:
    """Returns the arrays of Variables at one moment."""
    if _private:
        around = scope.current()
        if type(around) is PrivateScope:
            return tuple([around.read(variable) for variable in variables])
    with exchange:
        return tuple([variable.stored for variable in variables])  # a list is faster to make


def assign_values(variables: Sequence[Variable], values: Sequence[Any]) -> None:
    """Replaces the arrays of Variables at one moment."""
    if _private:
        around = scope.current()
        if type(around) is PrivateScope:
            for variable, value in zip(variables, values, strict=True):
                around.write(variable, value)
            return
    with exchange:
        for variable, value in zip(variables, values, strict=True):
            variable.stored = value


# ------------------------------------------------------------------------- training, beside readers


@contextlib.contextmanager
def training_thread() -> Iterator[None]:
    """Marks this thread as one that trains, in a `with` block."""
    thread = threading.get_ident()
    _training[thread] = _training.get(thread, 0) + 1
    try:
        yield
    finally:
        _training[thread] -= 1
        if not _training[thread]:
            del _training[thread]


def begin_donation(ids: frozenset[int]) -> int:
    """Announces a dispatch that donates arrays of Variables; waits for readers of these.

    Args:
        ids: the ids of the Variables.

    Returns:
        The number of this thread, to be passed to `end_donation` after the assignment.
    """
    thread = threading.get_ident()
    while True:
        # First announced, then looked, as the reader does: one of the two sees the other.
        _donating[thread] = ids
        reader = _reader
        if reader is None or reader[0] == thread or reader[1].isdisjoint(ids):
            return thread
        del _donating[thread]
        with _turn:
            pass


def end_donation(thread: int) -> None:
    """Ends what `begin_donation` began."""
    _donating.pop(thread, None)


# ------------------------------------------------------------------------ readers, beside training


def trained_elsewhere() -> bool:
    """Whether another thread trains, so that this one must take the turn to read Variables."""
    if not _training:
        return False
    thread = threading.get_ident()
    return thread not in _training and (_reader is None or _reader[0] != thread)


@contextlib.contextmanager
def reading(variables: Sequence[Variable]) -> Iterator[None]:
    """Takes the turn: the arrays of Variables are not deleted in the `with` block."""
    global _reader
    ids = frozenset(map(id, variables))
    with _turn:
        before = _reader
        _reader = threading.get_ident(), ids
        try:
            _wait_for_steps(ids)
            yield
        finally:
            _reader = before


def _wait_for_steps(ids: frozenset[int]) -> None:
    """Waits until no other thread has a dispatch that donates these Variables."""
    thread, end = threading.get_ident(), time.monotonic() + _PATIENCE
    while any(t != thread and not ids.isdisjoint(donated) for t, donated in [*_donating.items()]):
        if time.monotonic() > end:
            return
        time.sleep(_PAUSE)


def with_values(variables: Sequence[Variable], use: Callable[[tuple[Any, ...]], T]) -> T:
    """Returns `use(values)` for the arrays of Variables at one moment.

    Args:
        variables: the Variables.
        use: called with their arrays; again if a step in another thread deleted one meanwhile.
    """
    if trained_elsewhere():
        with reading(variables):
            return use(read_values(variables))
    values = read_values(variables)
    try:
        return use(values)
    except Exception:
        # Training began after the look above.
        if not any(isinstance(x, jax.Array) and x.is_deleted() for x in values):
            raise
    with reading(variables):
        return use(read_values(variables))


def consistently(variables: Sequence[Variable], call: Callable[[], T]) -> T:
    """Returns `call()`, which reads Variables, between two training steps of other threads."""
    if not trained_elsewhere():
        try:
            return call()
        except Exception as error:
            if not is_deletion(error):
                raise
    with reading(variables):
        return call()


def is_deletion(error: Exception) -> bool:
    """Whether a reader in this thread failed because another thread deleted an array."""
    # JAX has no class for it: "Array has been deleted", "Buffer has been deleted or donated".
    if not isinstance(error, (RuntimeError, ValueError)) or "deleted" not in str(error):
        return False
    thread = threading.get_ident()
    return thread not in _training and (_reader is None or _reader[0] != thread)
