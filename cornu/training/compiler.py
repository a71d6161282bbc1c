"""What XLA is told when it compiles a program: options that make it faster, or smaller, on CPU."""

from __future__ import annotations

from functools import cache
from typing import Any

import jax

from cornu.core.jaxprs import uses

__all__ = ["GROUPS", "known", "options"]

GROUPS: dict[str, dict[str, Any]] = {
    # XLA hands products, convolutions and reductions to a library whose products are fast and
    # whose convolutions are slow. Named are what it is to keep: the step of a CNN took 0.75 of the
    # time, of a ResNet 0.8, of models without convolutions the same.
    "engines": {
        "xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT,"
        "LIBRARY_FUSION_TYPE_REDUCE"
    },
    # XLA's scheduler runs what it can as soon as it can, and so keeps all the values that were to
    # be computed anew; its other scheduler does not.
    "sparing": {"xla_cpu_scheduler_type": "CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED"},
}
# What marks recomputation in a program.
_RECOMPUTING = frozenset(("checkpoint", "remat", "remat2"))


def options(jaxpr: Any = None) -> dict[str, Any] | None:
    """Returns the `compiler_options` of `jax.jit` for a program, None on other devices.

    Args:
        jaxpr: the program, where it is known before it is compiled.
    """
    if jax.default_backend() != "cpu":
        return None
    chosen = dict(known("engines"))
    if jaxpr is not None and uses(jaxpr, _RECOMPUTING):
        chosen |= known("sparing")
    return chosen or None


@cache
def known(name: str) -> dict[str, Any]:
    """Returns a group of options if this XLA has them: they are experiments that may end."""
    try:
        jax.jit(lambda x: x, compiler_options=GROUPS[name]).lower(0.0).compile()
    except Exception:
        return {}
    return GROUPS[name]
