"""SharedFunction: one traced function for all parts of a graph with the same structural key.

Its arguments are the values of the Variables, the seed indices of the random sources, and the
inputs. Its results are the outputs, their masks, assigned values and losses. It has no other
effects, so one trace is valid for all calls with equal `ambient_key`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import jax
import numpy as np

from cornu.core.state import scope
from cornu.core.state.mask_table import MaskTable
from cornu.core.state.variable import Variable

__all__ = ["SharedFunction", "ambient_key", "count_draws", "have_seed_indices"]


class SharedFunction:
    """A stateful function under a JAX transformation such as `jax.jit` or `jax.checkpoint`.

    Args:
        fn: a function of arrays. It may read and assign `variables`, use `sources` and add losses.
        variables, sources: the Variables and random sources of the part that is traced.
        initial_draws: the number of keys that each source has returned before the call, in this
            step.
        transform: the JAX transformation.
        name: the name of the function in JAX.

    Attributes:
        final_draws: the number of keys that each source has returned after the call.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        variables: Sequence[Variable],
        sources: Sequence[scope.RandomSource],
        initial_draws: Sequence[int],
        transform: Callable[[Callable[..., Any]], Callable[..., Any]],
        name: str,
    ) -> None:
        self.final_draws = tuple(initial_draws)
        # The treedef of the outputs. It is set when the function is traced, before the first call
        # returns, since a jitted function can only return arrays.
        self._treedef: Any = None
        slots = {id(v): i for i, v in enumerate(variables)}

        def body(values: Any, key: Any, indices: Any, rows: Any, args: Any) -> Any:
            inner = scope.Scope(scope.current())
            # Access to any other Variable raises CaptureError: its value would be a constant of
            # the trace, and wrong for the other parts that share it.
            inner.opaque = True
            inner.values = {id(v): x for v, x in zip(variables, values, strict=True)}
            inner.key = key
            inner.row_mask = rows
            inner.masks = MaskTable()
            inner.seed_indices = {id(s): indices[i] for i, s in enumerate(sources)}
            inner.draw_counts = {id(s): n for s, n in zip(sources, initial_draws, strict=True)}
            with scope.use_scope(inner):
                out, self._treedef = jax.tree_util.tree_flatten(fn(*args))
            self.final_draws = tuple(inner.draw_counts[id(s)] for s in sources)
            news = {slots[i]: inner.values[i] for i in inner.written}
            # Masks and losses are values of the trace, so they are outputs of the function.
            return out, [inner.masks.get(x) for x in out], news, inner.losses

        body.__name__ = body.__qualname__ = name  # shown in profiles and in the HLO
        self._call = transform(body)

    @property
    def pure(self) -> Callable[..., Any]:
        """The transformed function of `(values, key, indices, rows, args)`.

        It returns a list of outputs, their masks, assigned values by position, and losses.
        """
        return self._call

    def __call__(
        self, variables: Sequence[Variable], sources: Sequence[scope.RandomSource], args: Any
    ) -> Any:
        """Calls the function with the Variables and sources of one part.

        Raises:
            CaptureError: the function uses other Variables or sources. No Variable is changed.
        """
        around = scope.current()
        values = tuple(around.read(v) for v in variables)
        indices = [_as_argument(around.seed_indices[id(s)]) for s in sources]
        out, masks, news, losses = self._call(values, around.key, indices, around.row_mask, args)
        for slot, value in news.items():
            around.write(variables[slot], value)
        around.losses.extend(losses)
        for source, count in zip(sources, self.final_draws, strict=True):
            around.draw_counts[id(source)] = count
        for output, mask in zip(out, masks, strict=True):
            if mask is not None:
                around.masks.put(output, mask)
        return jax.tree_util.tree_unflatten(self._treedef, out)


def _as_argument(index: Any) -> Any:
    # A Python integer would be weakly typed, and a call with an array would trace again.
    return np.uint32(index) if isinstance(index, int) else index


def count_draws(sources: Sequence[scope.RandomSource]) -> tuple[int, ...]:
    """Returns the number of keys that each source has returned in this step."""
    draws = scope.current().draw_counts
    return tuple(draws.get(id(s), 0) for s in sources)


def ambient_key(sources: Sequence[scope.RandomSource]) -> Hashable:
    """Returns the state of the current scope that a trace depends on."""
    around = scope.current()
    return (
        *(around.training, around.compute_dtype, around.key is None, around.row_mask is None),
        around.regathers,
        around.recomputes,
        count_draws(sources),
    )


def have_seed_indices(sources: Sequence[scope.RandomSource]) -> bool:
    """Tells whether each source has a seed index, so it can be an argument of a trace."""
    known = scope.current().seed_indices
    return all(id(s) in known for s in sources)
