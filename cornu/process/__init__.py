"""Preparation of a process before it compiles its first program.

Two settings are made: the memory allocator keeps freed memory, if requested, and compiled programs
are cached on disk, unless disabled; see `docs/process.md`.
"""

from __future__ import annotations

from functools import cache

from cornu.process import allocator, programs

__all__ = ["prepare"]


@cache
def prepare() -> None:
    """Prepares this process, once. Called wherever a program or a Variable is created.

    The allocator must be configured before JAX starts its threads. The creation of a Variable is
    usually the first event that precedes them.
    """
    allocator.prepare()
    programs.prepare()
