"""Calls of a layer with given values for its Variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax

from cornu.core.state import scope

if TYPE_CHECKING:
    from cornu.core.layer.layer import Layer

__all__ = ["call_with_values"]

# One random source stands for all of these calls.
_random_source = object()


def call_with_values(
    layer: Layer,
    trainable_values: Sequence[Any],
    non_trainable_values: Sequence[Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    key: jax.Array | None,
) -> tuple[Any, list[Any], list[Any]]:
    """Returns outputs, new non-trainable values and losses; changes no Variable."""
    if not layer.built:
        raise ValueError(f"{layer._label()} must be built before `stateless_call`.")
    trainable, rest = layer.trainable_variables, layer.non_trainable_variables
    metrics = layer.metrics_variables  # what a call adds to metrics is dropped
    for kind, values, variables in (
        ("trainable_variables", trainable_values, trainable),
        ("non_trainable_variables", non_trainable_values, rest),
    ):
        if len(values) != len(variables):
            raise ValueError(
                f"{layer._label()} has {len(variables)} {kind}; received {len(values)} values.\n"
                f"Pass one for each: [v.value for v in layer.{kind}]."
            )
    around = scope.current()
    if key is None and around.key is not None:
        key = around.next_key(_random_source, "stateless_call", None)
    call = scope.pure(lambda *a, **k: (layer(*a, **k), layer.losses), trainable + rest + metrics)
    current = (*trainable_values, *non_trainable_values, *(v.stored for v in metrics))
    (outputs, losses), new, _ = call(current, key, *args, **kwargs)
    return outputs, list(new[len(trainable) : len(trainable) + len(rest)]), losses
