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
    # Not before `conftest.py` has set the environment.
    from jax._src.interpreters import mlir
    from jax._src.lib.mlir import ir

    create, contexts = mlir.make_ir_context, _Contexts()

    def is_lowering() -> bool:
        try:
            return ir.Context.current is not None
        except ValueError:
            return False

    def make_ir_context() -> Any:
        # A program that runs while another is lowered would become a part of it.
        if is_lowering():
            return create()
        if contexts.programs == PROGRAMS:
            contexts.context, contexts.programs = create(), 0
        contexts.programs += 1
        return contexts.context

    mlir.make_ir_context = make_ir_context
