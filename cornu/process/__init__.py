"""What a process is prepared with before its first program: kept memory, and kept programs.

Both can be switched off; `docs/process.md` says how, and what they bring.
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
