"""Calls of layers whose weights are divided among devices, and gathered where they are used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax

from cornu.core.graph.remat import remat
from cornu.core.layer.walk import holds_tracers
from cornu.core.state import scope
from cornu.core.state.placement import current as current_placement

if TYPE_CHECKING:
    from cornu.core.layer.layer import Layer

__all__ = ["regathering_call"]


def regathering_call(layer: Layer, call: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function that computes `call`, and whose backward pass gathers the weights again.

    `call` itself would save the gathered weights for the backward pass: those of all layers at the
    same time. Each layer has a `jax.checkpoint` of its own. One around the whole model would also
    decide, by its policy, what blocks within it save that are rematerialized.

    Args:
        layer: the layer.
        call: the method that computes its outputs.
    """
    placement, around = current_placement(), scope.current()
    if placement is None or around.inferring_shapes or around.regathers or around.recomputes:
        return call
    traced = [v for v in layer._own_variables_() if isinstance(around.read(v), jax.core.Tracer)]
    policy = placement._saving_policy_(traced) if traced else None
    if policy is None:
        return call

    def checked(*args: Any, **kwargs: Any) -> Any:
        scope.current().regathers = True
        out = call(*args, **kwargs)
        # The program of a user may pass values from a layer to another by attributes, or return
        # objects. Both cannot leave the function that `jax.checkpoint` traces.
        leaves = jax.tree_util.tree_leaves(out)
        if holds_tracers(layer) or not all(isinstance(x, jax.Array) for x in leaves):
            raise scope.CaptureError(f"layer {layer.name!r} has other results than its outputs")
        return out

    def run(*args: Any, **kwargs: Any) -> Any:
        draws = dict(around.draw_counts)
        try:
            return remat(checked, policy)(*args, **kwargs)
        except scope.CaptureError:
            around.draw_counts.clear()
            around.draw_counts.update(draws)
            return call(*args, **kwargs)

    return run
