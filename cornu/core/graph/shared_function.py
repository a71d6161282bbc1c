"""Enclosed: a function of the model's that crosses a JAX transform and may serve in many places.

It gets the values of its Variables, the places of its random sources and the arrays as arguments;
it gives back outputs, masks, assigned values and losses. Nothing else may pass, so that one trace
is right for every place that has the same ambient facts.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import jax
import numpy as np

from cornu.core.state import scope
from cornu.core.state.mask_table import MaskTable
from cornu.core.state.variable import Variable

__all__ = ["SharedFunction", "ambient_key", "have_seed_indices", "count_draws"]


class SharedFunction:
    """A function under a transform such as `jax.jit` or `jax.checkpoint`.

    Args:
        fn: takes arrays; may read and assign `variables`, draw from `sources`, add losses.
        variables, sources: what it touches where it is traced.
        starts: how often each source has drawn before, in this step.
        transform: what JAX is to do with it.
        name: what JAX is to call it.

    Attributes:
        drawn: how often each source has drawn after the call.
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
        self.drawn = tuple(initial_draws)
        self._structure: Any = None
        slots = {id(v): i for i, v in enumerate(variables)}

        def body(values: Any, key: Any, places: Any, rows: Any, args: Any) -> Any:
            inner = scope.Scope(scope.current())
            inner.opaque = True
            inner.values = {id(v): x for v, x in zip(variables, values, strict=True)}
            inner.key = key
            inner.row_mask = rows
            inner.masks = MaskTable()
            inner.seed_indices = {id(s): places[i] for i, s in enumerate(sources)}
            inner.draw_counts = {id(s): n for s, n in zip(sources, initial_draws, strict=True)}
            with scope.use_scope(inner):
                out, self._structure = jax.tree_util.tree_flatten(fn(*args))
            self.drawn = tuple(inner.draw_counts[id(s)] for s in sources)
            news = {slots[i]: inner.values[i] for i in inner.written}
            return out, [inner.masks.get(x) for x in out], news, inner.losses

        body.__name__ = body.__qualname__ = name
        self._call = transform(body)

    def __call__(
        self, variables: Sequence[Variable], sources: Sequence[scope.RandomSource], args: Any
    ) -> Any:
        """Calls the function with other Variables and sources in the place of its own.

        Raises:
            Unlifted: it touches something else; nothing has happened then.
        """
        around = scope.current()
        values = tuple(around.read(v) for v in variables)
        places = [_number(around.seed_indices[id(s)]) for s in sources]
        out, masks, news, losses = self._call(values, around.key, places, around.row_mask, args)
        for slot, value in news.items():
            around.write(variables[slot], value)
        around.losses.extend(losses)
        for source, count in zip(sources, self.drawn, strict=True):
            around.draw_counts[id(source)] = count
        for output, mask in zip(out, masks, strict=True):
            if mask is not None:
                around.masks.put(output, mask)
        return jax.tree_util.tree_unflatten(self._structure, out)


def _number(place: Any) -> Any:
    return np.uint32(place) if isinstance(place, int) else place


def count_draws(sources: Sequence[scope.RandomSource]) -> tuple[int, ...]:
    """Returns how often each source has drawn in this step."""
    draws = scope.current().draw_counts
    return tuple(draws.get(id(s), 0) for s in sources)


def ambient_key(sources: Sequence[scope.RandomSource]) -> Hashable:
    """Returns the facts of this place that a trace depends on."""
    around = scope.current()
    return (
        *(around.training, around.compute_dtype, around.key is None, around.row_mask is None),
        count_draws(sources),
    )


def have_seed_indices(sources: Sequence[scope.RandomSource]) -> bool:
    """Whether each source has a place of its own in the model, which can be an argument."""
    known = scope.current().seed_indices
    return all(id(s) in known for s in sources)
