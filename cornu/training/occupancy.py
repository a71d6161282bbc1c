"""Occupancy: which threads train and evaluate a model at the moment."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence

from cornu.core.state import sharing
from cornu.core.state.variable import Variable
from cornu.process.forks import check_process

__all__ = ["Occupancy"]


class Occupancy:
    """Separates the calls of `fit`, `evaluate` and similar methods in several threads.

    One thread at a time trains. `evaluate` uses the metrics of the model, or, while another
    thread uses them, copies of their values.
    """

    def __init__(self) -> None:
        self._metrics = threading.RLock()  # held by the thread that uses the model's metrics
        self._decision = threading.Lock()
        self._trained_by: int | None = None

    def __reduce__(self) -> tuple[type[Occupancy], tuple[()]]:
        return Occupancy, ()  # a copy of a model is not in use

    @contextlib.contextmanager
    def training(self, owner: str, what: str) -> Iterator[None]:
        """Reserves the model for training in this thread.

        Args:
            owner: the model, for the message.
            what: the call, such as "fit".

        Raises:
            RuntimeError: another thread trains the model.
        """
        check_process()  # before it waits for threads that a forked process does not have
        thread = threading.get_ident()
        with self._decision:
            before = self._trained_by
            if before not in (None, thread):
                raise RuntimeError(
                    f"{what}: {owner} is being trained in another thread.\n"
                    "Train a model in one thread at a time. `predict`, `evaluate` and calls of "
                    "the model may run in other threads at the same time; to train several models "
                    "at once, create one for each thread with `clone_model`."
                )
            self._trained_by = thread
        try:
            with self._metrics, sharing.mark_training_thread():
                yield
        finally:
            self._trained_by = before

    @contextlib.contextmanager
    def evaluation(self, variables: Callable[[], Sequence[Variable]]) -> Iterator[None]:
        """Reserves the metrics for this thread, or gives it values of its own for them.

        Args:
            variables: returns the Variables of the metrics.
        """
        check_process()
        if self._metrics.acquire(blocking=False):
            try:
                yield
            finally:
                self._metrics.release()
        else:
            with sharing.use_private_values(variables()):
                yield
