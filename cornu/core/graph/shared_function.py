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
from cornu.core.state.variable import Variable

__all__ = ["Enclosed", "ambient", "have_places", "starts"]


class Enclosed:
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
        sources: Sequence[scope.Source],
        starts: Sequence[int],
        transform: Callable[[Callable[..., Any]], Callable[..., Any]],
        name: str,
    ) -> None:
        self.drawn = tuple(starts)
        self._structure: Any = None
        slots = {id(v): i for i, v in enumerate(variables)}

        def body(values: Any, key: Any, places: Any, rows: Any, args: Any) -> Any:
            inner = scope.Scope(scope.current())
            inner.enclosed = True
            inner.values = {id(v): x for v, x in zip(variables, values, strict=True)}
            inner.key = key
            inner.rows = rows
            inner.masks = scope.Masks()
            inner.sources = {id(s): places[i] for i, s in enumerate(sources)}
            inner.draws = {id(s): n for s, n in zip(sources, starts, strict=True)}
            with scope.entered(inner):
                out, self._structure = jax.tree_util.tree_flatten(fn(*args))
            self.drawn = tuple(inner.draws[id(s)] for s in sources)
            news = {slots[i]: inner.values[i] for i in inner.written}
            return out, [inner.masks.get(x) for x in out], news, inner.losses

        body.__name__ = body.__qualname__ = name
        self._call = transform(body)

    def __call__(
        self, variables: Sequence[Variable], sources: Sequence[scope.Source], args: Any
    ) -> Any:
        """Calls the function with other Variables and sources in the place of its own.

        Raises:
            Unlifted: it touches something else; nothing has happened then.
        """
        around = scope.current()
        values = tuple(around.read(v) for v in variables)
        places = [_number(around.sources[id(s)]) for s in sources]
        out, masks, news, losses = self._call(values, around.key, places, around.rows, args)
        for slot, value in news.items():
            around.write(variables[slot], value)
        around.losses.extend(losses)
        for source, count in zip(sources, self.drawn, strict=True):
            around.draws[id(source)] = count
        for output, mask in zip(out, masks, strict=True):
            if mask is not None:
                around.masks.put(output, mask)
        return jax.tree_util.tree_unflatten(self._structure, out)


def _number(place: Any) -> Any:
    return np.uint32(place) if isinstance(place, int) else place


def starts(sources: Sequence[scope.Source]) -> tuple[int, ...]:
    """Returns how often each source has drawn in this step."""
    draws = scope.current().draws
    return tuple(draws.get(id(s), 0) for s in sources)


def ambient(sources: Sequence[scope.Source]) -> Hashable:
    """Returns the facts of this place that a trace depends on."""
    around = scope.current()
    return (
        *(around.training, around.compute_dtype, around.key is None, around.rows is None),
        starts(sources),
    )


def have_places(sources: Sequence[scope.Source]) -> bool:
    """Whether each source has a place of its own in the model, which can be an argument."""
    known = scope.current().sources
    return all(id(s) in known for s in sources)
