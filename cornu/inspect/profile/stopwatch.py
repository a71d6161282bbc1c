"""Stopwatch: how long one call of a layer or op takes, compiled by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu import tree
from cornu.core import compiler_options
from cornu.core.graph.op import unwrap
from cornu.core.layer.layer import Layer
from cornu.core.state import scope
from cornu.core.state.variable import Variable
from cornu.inspect.profile.abstract_trace import identity

__all__ = ["Stopwatch", "Timed"]

# Repeats end early when they took so long, in seconds; but there are at least three.
_PATIENCE = 1.0


@dataclass(eq=False)
class Timed:
    """A call that was measured.

    Attributes:
        forward: seconds for the outputs.
        backward: seconds for the gradients, given what the forward run kept; None if they were
            not measured or cannot be computed.
        compiled: whether it ran compiled; otherwise JAX could not trace it, and it ran as it is.
        outputs: what it returned.
    """

    forward: float
    backward: float | None
    compiled: bool
    outputs: Any


class Stopwatch:
    """Measures calls. Equal layers called on equal shapes share one compiled program.

    Args:
        repeats: how often each is run; the median counts.
        training: whether layers behave as in training.
        backward: whether gradients are measured too.
    """

    def __init__(self, repeats: int, training: bool, backward: bool) -> None:
        self.repeats = repeats
        self.training = training
        self.backward = backward
        self._programs: dict[Any, _Program] = {}

    def call(self, op: Any, args: Any, kwargs: Any) -> Timed:
        """Measures a call of a layer or op on arrays."""
        variables = list(op.all_variables) if isinstance(op, Layer) else []
        key = identity(op, args, kwargs)
        program = self._programs.get(key) if key is not None else None
        if program is None:
            program = _Program(lambda a, k: op.run(a, k), variables, (args, kwargs), self.training)
            if key is not None:
                self._programs[key] = program
        return self._measure(program, variables, (args, kwargs))

    def run(
        self, fn: Callable[..., Any], variables: list[Variable], values: Any, trace_dir: Any = None
    ) -> Timed:
        """Measures `fn(values)`, which may read and assign some Variables.

        With `trace_dir` the runs are also recorded there by JAX's own profiler.
        """
        program = _Program(lambda a, k: fn(*a), variables, ((values,), {}), self.training)
        return self._measure(program, variables, ((values,), {}), trace_dir)

    def _measure(
        self, program: _Program, variables: list[Variable], given: Any, trace_dir: Any = None
    ) -> Timed:
        values = tuple(v.stored for v in variables)
        arrays = program.arrays(given)
        compiled = True
        run: Callable[..., Any] = program.compiled
        try:
            outputs, _ = run(values, arrays)
        except TypeError:
            # What reads numbers out of arrays cannot be compiled, but can be run.
            compiled, run = False, program.plain
            outputs, _ = run(values, arrays)
        forward = self._time(lambda: run(values, arrays))
        backward = None
        if self.backward and compiled:
            backward = self._backward(program, variables, values, arrays)
        if trace_dir is not None:
            with jax.profiler.trace(str(trace_dir)):
                self._time(lambda: run(values, arrays))
        return Timed(forward, backward, compiled, outputs)

    def _backward(
        self, program: _Program, variables: list[Variable], values: Any, arrays: Any
    ) -> float | None:
        try:
            outputs, pull = program.kept([v.trainable for v in variables])(values, arrays)
            if pull is None:
                return 0.0
            ones = [jnp.ones(x.shape, x.dtype) for x in outputs]
            program.pulled(pull, ones)
        except (TypeError, ValueError, NotImplementedError):
            return None  # something in it has no gradient, such as a loop of unknown length
        return self._time(lambda: program.pulled(pull, ones))

    def _time(self, run: Callable[[], Any]) -> float:
        jax.block_until_ready(run())
        times: list[float] = []
        while len(times) < self.repeats and (len(times) < 3 or sum(times) < _PATIENCE):
            start = time.perf_counter()
            jax.block_until_ready(run())
            times.append(time.perf_counter() - start)
        return float(np.median(times))


class _Program:
    """A call made pure, compiled, and its gradients."""

    def __init__(
        self, run: Callable[..., Any], variables: list[Variable], given: Any, training: bool
    ) -> None:
        leaves, definition = tree.flatten_with_treedef(given)
        self._slots = [i for i, leaf in enumerate(leaves) if isinstance(leaf, jax.Array)]
        # The arrays themselves are not kept.
        rest = [None if i in set(self._slots) else leaf for i, leaf in enumerate(leaves)]

        def phased(arrays: Any) -> Any:
            filled = list(rest)
            for slot, value in zip(self._slots, arrays, strict=True):
                filled[slot] = value
            args, kwargs = tree.unflatten(definition, filled)
            with scope.training_phase(training):
                return unwrap(run(args, kwargs))

        lifted = scope.functionalize(phased, variables)

        def plain(values: Any, arrays: Any) -> Any:
            outputs, news, _ = lifted(values, jax.random.key(0), arrays)
            return outputs, news

        self.plain = plain
        options = compiler_options.select_options()
        self.compiled = jax.jit(plain, compiler_options=options)
        self.pulled = jax.jit(lambda pull, ones: pull(ones), compiler_options=options)
        self._kept: Any = None

    def arrays(self, given: Any) -> list[Any]:
        """Returns the arrays among the arguments."""
        leaves, _ = tree.flatten_with_treedef(given)
        return [leaves[slot] for slot in self._slots]

    def kept(self, trained: list[bool]) -> Any:
        """Returns the compiled function that computes outputs, and keeps what gradients need."""
        if self._kept is None:

            def keep(values: Any, arrays: Any) -> Any:
                parts = [x for x, own in zip(values, trained, strict=True) if own and _float(x)]
                parts += [x for x in arrays if _float(x)]
                if not parts:
                    return [], None

                def of(parts: Any) -> Any:
                    rest = iter(parts)
                    new = [
                        next(rest) if own and _float(x) else x
                        for x, own in zip(values, trained, strict=True)
                    ]
                    filled = [next(rest) if _float(x) else x for x in arrays]
                    outputs, _ = self.plain(new, filled)
                    return [x for x in jax.tree_util.tree_leaves(outputs) if _float(x)]

                return jax.vjp(of, parts)

            self._kept = jax.jit(keep, compiler_options=compiler_options.select_options())
        return self._kept


def _float(x: Any) -> bool:
    return bool(jax.dtypes.issubdtype(x.dtype, np.floating))
