"""Compiles references: programs that run once, and of which only the results matter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# Without LLVM's optimizations, and with the emitters of loops that are not based on MLIR, XLA
# compiles in a fifth of the time. The first option alone saves a third of it.
QUICK_OPTIONS: dict[str, int | bool] = {
    "xla_backend_optimization_level": 0,
    "xla_cpu_use_fusion_emitters": False,
    "xla_cpu_parallel_codegen_split_count": 1,  # each of the two processes has its own core
}


def jit_reference(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function that is compiled quickly."""
    import jax  # not before `conftest.py` has set the environment

    return jax.jit(fn, compiler_options=dict(QUICK_OPTIONS))
