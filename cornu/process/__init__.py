"""What a process is prepared with before its first program: kept memory, and kept programs.

The first is done where it is asked for, the second can be switched off: `docs/process.md`.
"""

from __future__ import annotations

from functools import cache

from cornu.process import allocator, programs

__all__ = ["prepare"]


@cache
def prepare() -> None:
    """Prepares this process; called wherever a program or a Variable is made, it acts once.

    The first Variable is mostly made before JAX starts its threads, which the allocator needs.
    """
    allocator.prepare()
    programs.prepare()
