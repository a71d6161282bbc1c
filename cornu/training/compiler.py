"""What XLA is told when it compiles a program: options that make it faster, or smaller, on CPU."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any

import jax

from cornu.core.jaxprs import equations, inner_jaxprs, multiplications, uses
from cornu.process.switches import is_off

__all__ = ["GROUPS", "compiling", "known", "options"]

GROUPS: dict[str, dict[str, Any]] = {
    # XLA hands products, convolutions and reductions to a library whose products are fast and
    # whose convolutions are slow. Named are what it is to keep: the step of a CNN took 0.75 of the
    # time, of a ResNet 0.8, of models without convolutions the same.
    "engines": {
        "xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT,"
        "LIBRARY_FUSION_TYPE_REDUCE"
    },
    # Another library, oneDNN, takes half the time for products of many matrices, as in attention:
    # the steps of ten Transformers took 0.83 to 0.99 of the time, mostly 0.9. Those of dense layers
    # took up to 1.5 times as long, of an LSTM 1.1. XLA cannot write programs with it to disk.
    "attention": {
        "xla_cpu_use_onednn": True,
        "xla_cpu_experimental_onednn_fusion_type": "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT",
    },
    # XLA's scheduler runs what it can as soon as it can, and so keeps all the values that were to
    # be computed anew; its other scheduler does not.
    "sparing": {"xla_cpu_scheduler_type": "CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED"},
}
# What marks recomputation in a program.
_RECOMPUTING = frozenset(("checkpoint", "remat", "remat2"))
_LOOPS = frozenset(("scan", "while"))
_PRODUCT = "dot_general"
# Whether JAX raises an error for a program that cannot be written to disk.
_STRICT = "jax_raise_persistent_cache_errors"

# Products of many matrices with fewer multiplications than this are not worth another library.
_LARGE = 1 << 21


def options(jaxpr: Any = None, trains: bool = False) -> dict[str, Any] | None:
    """Returns the `compiler_options` of `jax.jit` for a program, None on other devices.

    Args:
        jaxpr: the program, where it is known before it is compiled.
        trains: whether it is a step of training, which mostly runs so often that it may take
            longer to compile in the next process.
    """
    if jax.default_backend() != "cpu" or is_off("CORNU_COMPILER_OPTIONS"):
        return None
    chosen = dict(known("engines"))
    if jaxpr is not None and uses(jaxpr, _RECOMPUTING):
        chosen |= known("sparing")
    if trains and _attends(jaxpr) and not getattr(jax.config, _STRICT, False):
        chosen |= known("attention")
    return chosen or None


def _attends(jaxpr: Any) -> bool:
    """Tells whether a program has large products of many matrices, and none that is in a loop."""
    found = False
    for equation in equations(jaxpr):
        name = equation.primitive.name
        if name in _LOOPS and any(uses(r, frozenset((_PRODUCT,))) for r in inner_jaxprs(equation)):
            return False
        if name == _PRODUCT:
            _, (many, _) = equation.params["dimension_numbers"]
            found |= bool(many) and multiplications(equation) >= _LARGE
    return found


@contextlib.contextmanager
def compiling() -> Iterator[None]:
    """What surrounds the first call of a program: JAX tells of what XLA cannot write to disk."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Error writing persistent compilation cache.*onednn")
        yield


@cache
def known(name: str) -> dict[str, Any]:
    """Returns a group of options if this XLA has them: they are experiments that may end."""
    try:
        jax.jit(lambda x: x, compiler_options=GROUPS[name]).lower(0.0).compile()
    except Exception:
        return {}
    return GROUPS[name]
