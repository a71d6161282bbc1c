"""Stopwatch: measures the time of one call of a layer or op, compiled on its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu import tree
from cornu.core import compiler_options
from cornu.core.graph.op import Op, unwrap
from cornu.core.layer.layer import Layer
from cornu.core.state import scope
from cornu.core.state.variable import Variable
from cornu.inspect.profile.abstract_trace import call_key
from cornu.types import PyTree

__all__ = ["Stopwatch", "Timing"]

# Seconds after which repeating stops; there are at least three runs.
_MAX_SECONDS = 1.0


@dataclass(eq=False)
class Timing:
    """The measured time of a call.

    Attributes:
        forward: seconds of the forward pass.
        backward: seconds of the backward pass, given the residuals of the forward pass; None if
            it was not measured or has no gradients.
        compiled: whether the call was compiled; False if JAX could not trace it.
        outputs: the outputs of the call.
    """

    forward: float
    backward: float | None
    compiled: bool
    outputs: Any


class Stopwatch:
    """Measures calls. Equal layers called on equal shapes share one compiled program.

    Args:
        repeats: the number of runs, of which the median counts.
        training: whether layers behave as in training.
        backward: whether the backward pass is measured, too.
    """

    def __init__(self, repeats: int, training: bool, backward: bool) -> None:
        self.repeats = repeats
        self.training = training
        self.backward = backward
        self._programs: dict[Any, _TimedProgram] = {}

    def call(self, op: Layer | Op, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Timing:
        """Measures a call of a layer or op on arrays."""
        variables = list(op._all_variables_) if isinstance(op, Layer) else []
        key = call_key(op, args, kwargs)
        program = self._programs.get(key) if key is not None else None
        if program is None:
            program = _TimedProgram(
                lambda a, k: op._run_(a, k), variables, (args, kwargs), self.training
            )
            if key is not None:
                self._programs[key] = program
        return self._measure(program, variables, (args, kwargs))

    def run(
        self,
        fn: Callable[..., Any],
        variables: list[Variable],
        values: PyTree,
        trace_dir: str | PathLike[str] | None = None,
    ) -> Timing:
        """Measures `fn(values)`, which may read and assign some Variables.

        With `trace_dir` the runs are also recorded there by JAX's own profiler.
        """
        program = _TimedProgram(lambda a, k: fn(*a), variables, ((values,), {}), self.training)
        return self._measure(program, variables, ((values,), {}), trace_dir)

    def _measure(
        self,
        program: _TimedProgram,
        variables: list[Variable],
        given: PyTree,
        trace_dir: str | PathLike[str] | None = None,
    ) -> Timing:
        values = tuple(v.stored for v in variables)
        arrays = program.arrays(given)
        compiled = True
        run: Callable[..., Any] = program.compiled
        try:
            outputs, _ = run(values, arrays)
        except TypeError:
            # A call that needs concrete values cannot be compiled, but can run eagerly.
            compiled, run = False, program.plain
            outputs, _ = run(values, arrays)
        forward = self._time(lambda: run(values, arrays))
        backward = None
        if self.backward and compiled:
            backward = self._backward(program, variables, values, arrays)
        if trace_dir is not None:
            with jax.profiler.trace(str(trace_dir)):
                self._time(lambda: run(values, arrays))
        return Timing(forward, backward, compiled, outputs)

    def _backward(
        self, program: _TimedProgram, variables: list[Variable], values: PyTree, arrays: PyTree
    ) -> float | None:
        try:
            outputs, pull = program.forward_with_pullback([v.trainable for v in variables])(
                values, arrays
            )
            if pull is None:
                return 0.0
            # The values of the cotangents do not matter for the time.
            ones = [jnp.ones(x.shape, x.dtype) for x in outputs]
            program.apply_pullback(pull, ones)
        except (TypeError, ValueError, NotImplementedError):
            return None  # an operation without gradient, such as a loop of unknown length
        return self._time(lambda: program.apply_pullback(pull, ones))

    def _time(self, run: Callable[[], Any]) -> float:
        # JAX dispatches asynchronously: without waiting, only the launch would be measured.
        # The first run is a warm-up.
        jax.block_until_ready(run())
        times: list[float] = []
        while len(times) < self.repeats and (len(times) < 3 or sum(times) < _MAX_SECONDS):
            start = time.perf_counter()
            jax.block_until_ready(run())
            times.append(time.perf_counter() - start)
        # The median, because other processes delay single runs.
        return float(np.median(times))


class _TimedProgram:
    """A pure function of a call, compiled, and its gradients."""

    def __init__(
        self, run: Callable[..., Any], variables: list[Variable], given: Any, training: bool
    ) -> None:
        leaves, definition = tree.flatten_with_treedef(given)
        self._slots = [i for i, leaf in enumerate(leaves) if isinstance(leaf, jax.Array)]
        # The program does not hold on to the arrays, which may be large.
        rest = [None if i in set(self._slots) else leaf for i, leaf in enumerate(leaves)]

        def phased(arrays: PyTree) -> Any:
            filled = list(rest)
            for slot, value in zip(self._slots, arrays, strict=True):
                filled[slot] = value
            args, kwargs = tree.unflatten(definition, filled)
            with scope.training_phase(training):
                return unwrap(run(args, kwargs))

        lifted = scope.functionalize(phased, variables)

        def plain(values: PyTree, arrays: PyTree) -> Any:
            outputs, news, _ = lifted(values, jax.random.key(0), arrays)
            return outputs, news

        self.plain = plain
        options = compiler_options.select_options()
        self.compiled = jax.jit(plain, compiler_options=options)
        self.apply_pullback = jax.jit(lambda pull, ones: pull(ones), compiler_options=options)
        self._kept: Any = None

    def arrays(self, given: PyTree) -> list[Any]:
        """Returns the arrays among the arguments."""
        leaves, _ = tree.flatten_with_treedef(given)
        return [leaves[slot] for slot in self._slots]

    def forward_with_pullback(self, trained: list[bool]) -> Any:
        """Returns the compiled function that computes the outputs and the pullback."""
        if self._kept is None:

            def keep(values: PyTree, arrays: PyTree) -> Any:
                parts = [x for x, own in zip(values, trained, strict=True) if own and _is_float(x)]
                parts += [x for x in arrays if _is_float(x)]
                if not parts:
                    return [], None

                def of(parts: PyTree) -> Any:
                    rest = iter(parts)
                    new = [
                        next(rest) if own and _is_float(x) else x
                        for x, own in zip(values, trained, strict=True)
                    ]
                    filled = [next(rest) if _is_float(x) else x for x in arrays]
                    outputs, _ = self.plain(new, filled)
                    return [x for x in jax.tree_util.tree_leaves(outputs) if _is_float(x)]

                return jax.vjp(of, parts)

            self._kept = jax.jit(keep, compiler_options=compiler_options.select_options())
        return self._kept


def _is_float(x: Any) -> bool:
    return bool(jnp.issubdtype(x.dtype, np.floating))
