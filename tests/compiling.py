"""Compiles references, of which only the results matter, and counts what XLA compiles."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

# Without LLVM's optimizations, and with the emitters of loops that are not based on MLIR, XLA
# compiles in a fifth of the time. The first option alone saves a third of it.
QUICK_OPTIONS: dict[str, int | bool] = {
    "xla_backend_optimization_level": 0,
    "xla_cpu_use_fusion_emitters": False,
    "xla_cpu_parallel_codegen_split_count": 1,  # each of the two processes has its own core
}
# The values of these options without XLA_FLAGS.
DEFAULT_OPTIONS: dict[str, int | bool] = {
    "xla_backend_optimization_level": 3,
    "xla_cpu_use_fusion_emitters": True,
    "xla_cpu_parallel_codegen_split_count": 32,
}


def requested(options: Mapping[str, int | bool]) -> str:
    """Returns options as `CORNU_COMPILER_OPTIONS` requests them for the programs of the library."""
    return " ".join(f"{name}={value}".lower() for name, value in options.items())


def jit_reference(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function that is compiled quickly."""
    import jax  # not before `conftest.py` has set the environment

    return jax.jit(fn, compiler_options=dict(QUICK_OPTIONS))


@contextlib.contextmanager
def compilations() -> Iterator[list[str]]:
    """Yields a list, to which each compilation of a program within the block adds an element."""
    import jax

    found: list[str] = []

    def note(event: str, duration: float, **kwargs: Any) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            found.append(event)

    jax.monitoring.register_event_duration_secs_listener(note)
    try:
        jax.jit(lambda x: x + 1)(1.0)
        assert found, "compilations are counted"
        found.clear()
        yield found
    finally:
        jax.monitoring.unregister_event_duration_listener(note)
