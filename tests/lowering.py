"""Lowers many programs in one MLIR context, which JAX creates for each: 4 ms of about 30."""

from __future__ import annotations

import threading
from typing import Any

# A context keeps the constants of all programs.
PROGRAMS = 200


class _Contexts(threading.local):
    """The context of a thread, and how many programs use it."""

    context: Any = None
    programs = PROGRAMS


def share_contexts() -> None:
    """Replaces the function of JAX that creates contexts, which is private and for tests only."""
    from jax._src.interpreters import mlir  # not before `conftest.py` has set the environment

    create, contexts = mlir.make_ir_context, _Contexts()

    def make_ir_context() -> Any:
        if contexts.programs == PROGRAMS:
            contexts.context, contexts.programs = create(), 0
        contexts.programs += 1
        return contexts.context

    mlir.make_ir_context = make_ir_context
