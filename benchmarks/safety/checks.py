"""One case: compiled as cornu compiles it, run several times, and compared with float64."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.safety.operations import Case
from benchmarks.safety.shapes import Sampler
from cornu.core import compiler_options
from cornu.deviations import DEVIATIONS

__all__ = ["BOUNDS", "Finding", "check", "distance", "load", "prepare", "store", "variants"]

# How far a value may lie from float64, in units of the dtype's epsilon, relative to the largest
# value. Beyond it, the plain program in the same dtype decides.
BOUNDS = {"float32": 32.0, "bfloat16": 4.0, "float16": 8.0}
# How much worse than the plain program's error ours may be, and what is added for small errors; the
# latter relative to this part of the largest array of a case at least, because sums that cancel in
# exact arithmetic leave rounding errors of their terms.
_TIMES, _MORE, _CANCELED = 4.0, 8.0, 0.1
# Where the plain program is further off, it decides nothing.
_FAR = 0.5
# The plain program that decides is computed without XLA's library, which may be what is wrong.
_WITHOUT_LIBRARY = {"xla_cpu_experimental_ynn_fusion_type": ""}
# Arrays that are small compared with the others of a case, such as a gradient that is zero in exact
# arithmetic, are compared relative to this part of the largest one.
_PART = 0.01
# Later runs meet memory that the first one left.
_RUNS = 3
# The programs of float64 run once and are small, so that compiling them is most of their time.
_QUICK = {"xla_backend_optimization_level": 0}


@dataclass
class Finding:
    """What a check found.

    Attributes:
        programs: how many compiled programs were run.
        error: the largest error, relative to the largest value.
        ratio: the same in units of the bound.
        by_plain: whether the bound was exceeded and the plain program's error decided.
        wrong: what is wrong, empty if nothing is.
        counts: what else was counted, by name.
    """

    programs: int = 0
    error: float = 0.0
    ratio: float = 0.0
    by_plain: bool = False
    wrong: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def variants(chosen: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    """Returns compiler options by name: those that cornu chose, and these with each row's added.

    A row that changes nothing is left out, since it would be the same program.
    """
    default = dict(chosen or {})
    found = {"default": default}
    for name, row in DEVIATIONS.items():
        more = default | dict(row.options)
        if row.kind == "compiler option" and more not in found.values():
            found[name] = more
    return found


def with_gradient(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function of cotangents, floats and integers: the values and all gradients."""

    def both(cotangents: Any, floats: Any, integers: Any) -> Any:
        value, pull = jax.vjp(lambda *floats: fn(*floats, *integers), *floats)
        # LSTM and GRU return structures of which some parts are None.
        value, definition = jax.tree_util.tree_flatten(value)
        return value, pull(jax.tree_util.tree_unflatten(definition, cotangents))

    return both


class _Programs(NamedTuple):
    """A case as it is compiled: its arguments, compiled variants, and the plain function."""

    args: Any
    compiled: dict[str, Any]
    plain: Callable[..., Any]


def prepare(case: Case, kind: str, number: int, seed: int, path: Path) -> None:
    """Compiles the programs of a case into JAX's cache, and stores what they should return.

    Compiling takes twice as long in a process with heap checks, which finds the programs there.
    """
    if not _mismatch(case):
        programs = _compile(case, kind, number, seed)
        store(path, _exact(programs.plain, programs.args))


def store(path: Path, arrays: Sequence[np.ndarray]) -> None:
    """Writes arrays to a file that is there as a whole or not at all."""
    part = path.with_suffix(".part.npz")
    np.savez(part, *arrays)
    part.rename(path)


def load(path: Path) -> list[np.ndarray] | None:
    """Returns the arrays that `store` wrote to a file, None if there is none."""
    if not path.exists():
        return None
    with np.load(path) as stored:
        return [stored[name] for name in stored.files]


def check(case: Case, kind: str, number: int, seed: int = 0, path: Path | None = None) -> Finding:
    """Runs a case and returns what was found.

    Args:
        case: the case; kind, number, seed: what it was made from.
        path: where `prepare` stored the exact results, if it did.
    """
    mismatch = _mismatch(case)
    if mismatch:
        return Finding(wrong=[mismatch])
    args, compiled, plain = _compile(case, kind, number, seed)
    exact = load(path) if path is not None else None
    if exact is None:
        exact = _exact(plain, args)
    finding = Finding(programs=len(compiled))
    outputs = {name: _run(program, args) for name, program in compiled.items()}
    errors = {}
    for name, runs in outputs.items():
        if any(_bits(run) != _bits(runs[0]) for run in runs[1:]):
            finding.wrong.append(f"{name}: runs of one program differ")
        # Of all runs: one that differs from the first may be the wrong one.
        errors[name] = max(distance(run, exact) for run in runs)
    finding.error = max(errors.values())
    epsilon = float(jnp.finfo(case.dtype).eps)
    bound = BOUNDS[case.dtype] * epsilon
    finding.ratio = finding.error / bound
    if not finding.error <= bound:
        finding.by_plain = True
        decides = _run(jax.jit(plain, compiler_options=_WITHOUT_LIBRARY), args, 1)[0]
        plain_error = distance(decides, exact, _CANCELED)
        errors = {
            name: max(distance(run, exact, _CANCELED) for run in runs)
            for name, runs in outputs.items()
        }
        # A plain result that is far off, infinite or NaN would allow everything.
        allowed = 0.0 if plain_error > _FAR else _TIMES * plain_error + _MORE * epsilon
        allowed = max(allowed, bound)
        finding.ratio = max(errors.values()) / allowed
        finding.wrong += [
            f"{name}: error {error:.1e}, allowed {allowed:.1e}"
            for name, error in errors.items()
            if not error <= allowed
        ]
    return finding


def _rounded(case: Case) -> tuple[np.ndarray, ...]:
    return tuple(np.asarray(array, jnp.dtype(case.dtype)) for array in case.floats)


def _mismatch(case: Case) -> str:
    """Returns how shapes and dtypes differ from those of the plain function, "" if they do not."""
    received, expected = (
        [(s.shape, s.dtype.name) for s in jax.tree_util.tree_leaves(specs)]
        for specs in (
            jax.eval_shape(fn, *_rounded(case), *case.integers) for fn in (case.ours, case.plain)
        )
    )
    return "" if received == expected else f"shapes and dtypes {received}, expected {expected}"


def _compile(case: Case, kind: str, number: int, seed: int) -> _Programs:
    draw = Sampler(f"check {kind}", number, seed)
    floats = _rounded(case)
    specs = jax.tree_util.tree_leaves(jax.eval_shape(case.plain, *floats, *case.integers))
    cotangents = [np.asarray(draw.normal(*spec.shape), jnp.dtype(case.dtype)) for spec in specs]
    args = (cotangents, floats, case.integers)
    donated = (1,) if draw.chance(0.5) else ()
    traced = jax.jit(with_gradient(case.ours), donate_argnums=donated).trace(*args)
    chosen = compiler_options.select_options(traced.jaxpr.jaxpr)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Some donated buffers were not usable")
        lowered = traced.lower()
        compiled = {
            name: lowered.compile(compiler_options=options)
            for name, options in variants(chosen).items()
        }
    return _Programs(args, compiled, with_gradient(case.plain))


def _exact(plain: Callable[..., Any], args: Any) -> list[np.ndarray]:
    """Returns the leaves in float64, computed by XLA without its libraries and optimizations."""
    with jax.enable_x64(True):
        wide = jax.tree_util.tree_map(_widen, args)
        leaves = jax.tree_util.tree_leaves(jax.jit(plain, compiler_options=_QUICK)(*wide))
        return [np.asarray(leaf) for leaf in leaves]


def _widen(array: np.ndarray) -> np.ndarray:
    return array if array.dtype.kind in "iub" else array.astype("float64")


def _run(program: Callable[..., Any], args: Any, times: int = _RUNS) -> list[list[np.ndarray]]:
    """Returns the leaves of each run of a compiled program."""
    runs = []
    for _ in range(times):
        copies = jax.device_put(jax.tree_util.tree_map(_misaligned, args))
        leaves = jax.tree_util.tree_leaves(program(*copies))
        # Copied, because the next run may get the memory.
        runs.append([np.array(leaf) for leaf in leaves])
    return runs


def _misaligned(array: np.ndarray) -> np.ndarray:
    """Returns a copy at an address that XLA cannot use: it makes arrays that can be donated."""
    memory = np.empty(array.nbytes + 128, "uint8")
    start = -memory.ctypes.data % 64 + array.itemsize
    copy = memory[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def _bits(leaves: list[np.ndarray]) -> list[bytes]:
    return [leaf.tobytes() for leaf in leaves]


def distance(found: list[np.ndarray], exact: list[np.ndarray], part: float = _PART) -> float:
    """Returns the largest error, relative to the largest value of its array; inf for NaN.

    No array is compared relative to less than a part of the largest value of all arrays.
    """
    if [x.shape for x in found] != [x.shape for x in exact]:
        return math.inf
    tops = [float(np.abs(x).max(initial=0.0)) for x in exact]
    floor = part * max(tops, default=0.0)
    worst = 0.0
    for one, other, top in zip(found, exact, tops, strict=True):
        apart = np.abs(one.astype("float64") - other).max(initial=0.0) / (max(top, floor) or 1.0)
        worst = max(worst, math.inf if math.isnan(apart) else float(apart))
    return worst
