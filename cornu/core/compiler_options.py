"""Options with which XLA compiles programs."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jax

from cornu.core.graph.jaxprs import equations, inner_jaxprs, uses_primitive
from cornu.core.graph.remat import save_all_but_weights
from cornu.core.target import applies
from cornu.deviations import DEVIATIONS
from cornu.process.forks import reset_after_fork
from cornu.process.switches import is_off

__all__ = ["find_requested", "is_applied", "is_overridden", "select_options"]

_LARGE = 2**18  # elements
_SWITCH = "CORNU_COMPILER_OPTIONS"
_PASSES = "xla_disable_hlo_passes"
_BARRIERS = frozenset(("optimization_barrier",))
# The names of the primitive of `jax.checkpoint` in versions of JAX.
_RECOMPUTING = frozenset(("checkpoint", "remat", "remat2"))
# Beginnings of the names of primitives with a function of single numbers.
_OF_NUMBERS = ("reduce", "scatter", "select_and_scatter")
_test_lock = reset_after_fork(threading.RLock())
# Written as in XLA_FLAGS. JAX accepts Python booleans only.
_BOOLEANS = {"true": True, "false": False}


def select_options(jaxpr: Any = None, more: Sequence[str] = ()) -> dict[str, Any] | None:
    """Returns the `compiler_options` of `jax.jit` for a program, or None if there are none.

    These are the options of `cornu.deviations` that apply, which are for the CPU only, and those
    that the user requests in `CORNU_COMPILER_OPTIONS`. Options that the user sets there or in
    `XLA_FLAGS` take precedence.

    Args:
        jaxpr: the program of a step, which is known before compilation; None for others.
        more: further rows of `cornu.deviations` that the program needs.

    Raises:
        ValueError: XLA does not accept an option that the user requests.
    """
    names = ["eigen_convolutions", *more]
    if jaxpr is not None:
        keeps = is_applied("kept_barriers") and not _has_barriers_for_numbers(jaxpr)
        recomputes = keeps and _recomputes(jaxpr)
        is_large = bool(more) or _is_large(jaxpr)
        if recomputes or keeps and is_large and uses_primitive(jaxpr, _BARRIERS):
            names.append("kept_barriers")
        # With barriers, the default scheduler recomputes late; the other one needs more memory.
        if is_large and not recomputes:
            names.append("memory_scheduler")
    chosen: dict[str, Any] = {}
    for name in names:
        if is_applied(name):
            for option, value in DEVIATIONS[name].options.items():
                # Several rows name passes that are left out.
                joins = option == _PASSES and option in chosen
                chosen[option] = f"{chosen[option]},{value}" if joins else value
    return chosen | find_requested() or None


def _is_large(jaxpr: Any) -> bool:
    """Whether a program computes arrays whose order decides on its memory, and not on its time.

    A step of 0.09 ms, of three dense layers, takes 0.15 ms with the other scheduler.
    """
    return any(
        getattr(out.aval, "size", 0) >= _LARGE for eqn in equations(jaxpr) for out in eqn.outvars
    )


def _has_barriers_for_numbers(jaxpr: Any) -> bool:
    """Whether a function of single numbers has a barrier, as in `x.at[i].apply(function)`.

    XLA compiles it into the loop over an array, and ends the process if the barrier is kept.
    """
    return any(
        uses_primitive(inner, _BARRIERS | _RECOMPUTING)
        for equation in equations(jaxpr)
        if equation.primitive.name.startswith(_OF_NUMBERS)
        for inner in inner_jaxprs(equation)
    )


def _recomputes(jaxpr: Any) -> bool:
    """Whether the backward pass computes results again, and does not only gather weights again.

    The default scheduler gathers the weights of several layers early: 2.4 instead of 0.8 MiB of
    temporary memory for eight dense layers on eight devices.
    """
    return any(
        equation.params.get("policy") is not save_all_but_weights
        for equation in equations(jaxpr)
        if equation.primitive.name in _RECOMPUTING
    )


def is_applied(name: str) -> bool:
    """Tells whether the options of a deviation are used for the programs that need them."""
    if is_off(_SWITCH) or not applies(name):
        return False
    return not is_overridden(name) and _problem(tuple(DEVIATIONS[name].options.items())) is None


def is_overridden(name: str) -> bool:
    """Tells whether the user sets an option of a deviation."""
    flags = {flag.lstrip("-").partition("=")[0] for flag in _read_flags()}
    return not DEVIATIONS[name].options.keys().isdisjoint(flags | find_requested().keys())


def _read_flags() -> list[str]:
    """Returns the flags in `XLA_FLAGS`, which may also be the path of a file of flags."""
    flags = os.environ.get("XLA_FLAGS", "")
    if flags and not flags.lstrip().startswith("-"):
        with contextlib.suppress(OSError):
            flags = Path(flags).read_text(encoding="utf-8")
    return flags.split()


def find_requested() -> dict[str, str | bool]:
    """Returns the options that `CORNU_COMPILER_OPTIONS` requests by name, as in `xla_a=1 xla_b=2`.

    Raises:
        ValueError: a word is not of the form `name=value`, or this XLA does not accept it.
    """
    return {} if is_off(_SWITCH) else dict(_parse(os.environ.get(_SWITCH, "")))


@cache
def _parse(text: str) -> tuple[tuple[str, str | bool], ...]:
    found = []
    for word in text.split():
        name, equals, value = word.lstrip("-").partition("=")
        if not equals:
            raise ValueError(
                f"{_SWITCH} contains {word!r}. Expected `off` alone, or options of XLA in the form "
                "`name=value`, separated by spaces."
            )
        option = (name, _BOOLEANS.get(value.lower(), value))
        problem = _problem((option,))
        if problem:
            raise ValueError(
                f"{_SWITCH} requests {word!r}, which XLA refuses for {jax.default_backend()!r}: "
                f"{problem}\nRemove it, or correct its name and value."
            )
        found.append(option)
    return tuple(found)


def _problem(options: tuple[tuple[str, Any], ...]) -> str | None:
    """Returns why XLA rejects options, or None. The options differ between its versions."""
    # Threads that start together would compile the same program at the same time.
    with _test_lock:
        return _test(options)


@cache
def _test(options: tuple[tuple[str, Any], ...]) -> str | None:
    try:
        jax.jit(lambda x: x, compiler_options=dict(options)).lower(0.0).compile()
    except jax.errors.JaxRuntimeError as error:
        return str(error)
    return None
