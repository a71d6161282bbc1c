"""Program: a step with Variables, transformed into a pure function, traced once and compiled.

A Program runs the step on one batch (`one`), or on many batches of data on the device (`many`).
`many` is a loop on the device that gathers the shuffled rows of each batch. The number of steps
is an argument, so that one compiled program is used for any number of steps per dispatch, with
the same results. Steps that are slow inside a loop (see `looped`) are run one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu import tree
from cornu.core import compiler_options
from cornu.core.graph.jaxprs import uses_primitive
from cornu.core.inline_programs import compile_inline
from cornu.core.state import scope, sharing
from cornu.core.state.keys import make_key
from cornu.core.state.placement import Placement, place, put, use
from cornu.core.state.variable import Variable
from cornu.core.target import current_backend
from cornu.deviations import is_enabled
from cornu.process import allocator, prepare
from cornu.process.progress import progress
from cornu.types import Batch, DataLike, PyTree

__all__ = ["Program", "counters"]

# The numbers of traces, and of first calls of programs that run in the calling thread; tests check
# them.
counters = {"traces": 0, "inline": 0}

# In a while loop, XLA's CPU compiler uses a naive implementation for convolutions with an unusual
# order of axes, as in gradients: a step of a small CNN took 20 times as long.
_SLOW_IN_LOOPS = frozenset(("conv_general_dilated",))


class Program:
    """A compiled step.

    Args:
        step: `step(batch) -> logs`, which reads and assigns Variables.
        variables: all Variables that the step may use.
        batch: an example (arrays or specs) of a batch.
        padded: whether batches have a vector `rows`, which is 0 for rows of padding.
        sources: the random sources of the model.
        placement: where Variables and batches are on several devices, or None.

    Attributes:
        written: the Variables that the step assigns.
        looped: whether `many`, a loop on the device, is at least as fast as `one`.
        warm: whether the program has been dispatched, so that it is compiled.
    """

    def __init__(
        self,
        step: Callable[[Any], Any],
        variables: Sequence[Variable],
        batch: Batch,
        padded: bool = False,
        sources: Sequence[object] = (),
        placement: Placement | None = None,
    ) -> None:
        # Opens the store of compiled programs, before the first compilation.
        prepare()
        variables = tuple(variables)
        lifted = scope.functionalize(_with_rows(step, placement), variables, sources)
        if placement is not None:
            place(variables, placement)

        def body(values: Any, key: Any, index: Any, batch: Batch, rows: Any) -> Any:
            logs, updates, _ = lifted(values, jax.random.fold_in(key, index), batch, rows)
            return updates, logs

        counters["traces"] += 1
        values = tuple(v.stored for v in variables)
        leaf = jax.tree_util.tree_leaves(batch)[0]
        rows = jax.ShapeDtypeStruct((leaf.shape[0],), "float32") if padded else None
        self._rows = rows
        closed, shape = jax.make_jaxpr(body, return_shape=True)(
            values, make_key(0), np.int32(0), batch, rows
        )
        updates, logs = shape
        positions = sorted(updates)
        self.written = tuple(variables[i] for i in positions)
        # Passed separately, because only the buffers of assigned Variables are donated.
        self.read = tuple(v for i, v in enumerate(variables) if i not in updates)
        self._donated = frozenset(map(id, self.written))
        self.warm = False
        self.looped = not (
            current_backend() == "cpu" and uses_primitive(closed.jaxpr, _SLOW_IN_LOOPS)
        )
        logs_tree = jax.tree_util.tree_structure(logs)
        # `one` and `many` evaluate this trace, so the step's Python code does not run again for
        # them.
        run = partial(jax.core.eval_jaxpr, closed.jaxpr, closed.consts)
        order = {position: k for k, position in enumerate(positions)}
        rest = [i for i in range(len(variables)) if i not in order]

        def step_of(written: Any, read: Any, key: Any, index: Any, batch: Batch, rows: Any) -> Any:
            both: list[Any] = [None] * len(variables)
            for i, value in zip(positions, written, strict=True):
                both[i] = value
            for i, value in zip(rest, read, strict=True):
                both[i] = value
            leaves = jax.tree_util.tree_leaves((tuple(both), key, index, batch, rows))
            out = run(*leaves)
            return tuple(out[: len(positions)]), out[len(positions) :]

        def one(written: Any, read: Any, key: Any, index: Any, batch: Batch, rows: Any) -> Any:
            written, logs = step_of(written, read, key, index, batch, rows)
            return written, jax.tree_util.tree_unflatten(logs_tree, logs)

        def several(
            written: Any,
            read: Any,
            key: Any,
            first: Any,
            data: DataLike,
            order: Any,
            count: Any,
            start: Any,
            stop: Any,
        ) -> Any:
            size = leaf.shape[0]

            def loop_step(i: Any, carry: Any) -> Any:
                positions = jax.lax.dynamic_slice_in_dim(order, i * size, size)
                batch = jax.tree_util.tree_map(lambda x: x[positions], data)
                rows = None
                if padded:
                    rows = (i * size + jnp.arange(size) < count).astype("float32")
                return step_of(carry[0], read, key, first + i, batch, rows)

            # The logs of the last step are carried, and a loop needs initial values for what it
            # carries.
            zeros = [jnp.zeros(s.shape, s.dtype) for s in jax.tree_util.tree_leaves(logs)]
            written, flat = jax.lax.fori_loop(start, stop, loop_step, (written, zeros))
            return written, jax.tree_util.tree_unflatten(logs_tree, flat)

        needed = () if placement is None else placement._compiler_options_
        options = compiler_options.select_options(closed.jaxpr, needed)
        # If an interrupt were raised between a step and the assignment of its results, the
        # Variables would refer to donated (deleted) buffers.
        donates = is_enabled("buffer_donation") and is_enabled("deferred_signals")
        donated = (0,) if donates else ()
        jit = partial(jax.jit, donate_argnums=donated, compiler_options=options)
        if placement is not None:
            # As the inputs, so that their buffers can be used for the outputs.
            shardings = tuple(v.sharding for v in self.written)
            jit = partial(jit, out_shardings=(shardings, placement._replicated_))
        # Compiled on first use: most programs need only one of them.
        self._one, self._several = jit(one), jit(several)

    def one(self, key: Any, index: int, batch: Batch, rows: Any = None) -> Any:
        """Runs one step on a batch; returns its logs, on the device."""
        return self._run(self._one, key, np.int32(index), batch, rows)

    def lower(self, key: Any, batch: Batch, platform: str | None = None) -> Any:
        """Returns the lowered program of one step, which has not been compiled by XLA.

        Args:
            key: a random key; batch: an example of a batch.
            platform: as in `jax.export`, such as `"cuda"`; that of this process by default.
        """
        written, read = sharing.read_values(self.written), sharing.read_values(self.read)
        traced = self._one.trace(written, read, key, np.int32(0), batch, self._rows)
        return traced.lower(lowering_platforms=None if platform is None else (platform,))

    def many(
        self, key: Any, first: int, data: DataLike, order: Any, count: int, start: int, stop: int
    ) -> Any:
        """Runs the steps from `start` to `stop` of an epoch over data on the device.

        Args:
            key: the random key of the run; each step folds its number into it.
            first: the number of the epoch's first step.
            data: the arrays of all rows, in the structure of a batch.
            order: the indices of the rows, `steps * batch_size` of them.
            count: the number of indices that are not padding of the last batch.
            start, stop: the range of steps.
        """
        numbers = (np.int32(count), np.int32(start), np.int32(stop))
        return self._run(self._several, key, np.int32(first), data, order, *numbers)

    def _run(self, compiled: Any, *args: Any) -> Any:
        """Runs a program, assigns its results to the Variables, and returns the logs."""
        sharing.copy_to_private_scope(self.written)
        with progress.step(is_known=self.warm):
            # Another thread may train what this program only reads.
            return sharing.read_consistently(self.read, self._dispatch, compiled, args)

    def _dispatch(self, compiled: Any, args: tuple[Any, ...]) -> Any:
        thread = sharing.begin_donation(self._donated, self.written)
        try:
            written, read = sharing.read_values(self.written), sharing.read_values(self.read)
            updates, logs = compiled(written, read, *args)
            sharing.assign_values(self.written, updates)
        finally:
            sharing.end_donation(thread)
        if not self.warm:
            self.warm = True
            allocator.give_back(compiled=True)
        return logs

    def __del__(self) -> None:
        allocator.dropped()


def _with_rows(
    step: Callable[[Any], Any], placement: Placement | None
) -> Callable[[Any, Any], Any]:
    def run(batch: Batch, rows: Any) -> Any:
        scope.current().row_mask = rows
        scope.current().placement = placement
        return step(batch)

    return run


def _constrain(updates: dict[int, Any], variables: Sequence[Variable]) -> dict[int, Any]:
    """Returns new values of Variables, by position, with the shardings of the Variables."""
    shardings = {position: variables[position].sharding for position in updates}
    return {
        position: value if sharding is None else put(value, sharding)
        for (position, value), sharding in zip(updates.items(), shardings.values(), strict=True)
    }


def _readable(outputs: Any, placement: Placement | None) -> Any:
    """Returns outputs such that every process of the job can read the whole arrays."""
    if placement is None or placement._replicated_.is_fully_addressable:
        return outputs
    return jax.tree_util.tree_map(partial(put, sharding=placement._replicated_), outputs)


class Forward:
    """A compiled function of inputs, such as a call of a model.

    Args:
        fn: `fn(inputs) -> outputs`, which may read and assign Variables.
        variables: all Variables that it may use.
        key: a random key; each call folds its number into it.
        sources: the random sources of the model.
        note: called with the inputs when the function is traced.
        placement: where Variables and inputs are on several devices, or None.
    """

    def __init__(
        self,
        fn: Callable[[Any], Any],
        variables: Sequence[Variable],
        key: Any,
        sources: Sequence[object] = (),
        note: Callable[[Any], None] = lambda inputs: None,
        placement: Placement | None = None,
    ) -> None:
        prepare()
        self._variables = tuple(variables)
        self._placement = placement
        if placement is not None:
            place(self._variables, placement)
        self._key = key
        self._count = 0
        self._traced = False
        lifted = scope.functionalize(fn, self._variables, sources)

        def forward(values: Any, key: Any, index: Any, inputs: PyTree) -> Any:
            counters["traces"] += 1
            self._traced = True
            note(inputs)
            with use(placement):
                outputs, updates, losses = lifted(values, jax.random.fold_in(key, index), inputs)
                outputs = _readable(outputs, placement)
            return outputs, _constrain(updates, self._variables), losses

        self._call = jax.jit(forward, compiler_options=compiler_options.select_options())
        self._compiled: set[Any] = set()  # the shapes and dtypes for which it has been compiled

    def __call__(self, inputs: PyTree) -> tuple[Any, list[Any]]:
        """Returns the outputs, and the losses that layers added."""
        index = np.int32(self._count)
        self._count += 1
        if self._placement is not None:
            inputs = self._placement._place_batch_(inputs)
        with progress.step(is_known=False):
            outputs, updates, losses = sharing.read_consistently(
                self._variables, self._dispatch, index, inputs
            )
        if updates:
            assigned = [self._variables[position] for position in updates]
            sharing.assign_values(assigned, list(updates.values()))
        if self._traced:
            self._traced = False
            allocator.give_back(compiled=True)
        return outputs, losses

    def _dispatch(self, index: Any, inputs: PyTree) -> Any:
        values = sharing.read_values(self._variables)
        # For one array, which is the usual case, without a traversal.
        is_array = isinstance(inputs, (np.ndarray, jax.Array))
        kind = (inputs.shape, inputs.dtype) if is_array else tree.signature(inputs)
        if kind not in self._compiled:
            if self._placement is None and compile_inline(
                self._call, values, self._key, index, inputs
            ):
                counters["inline"] += 1
            self._compiled.add(kind)
        return self._call(values, self._key, index, inputs)
