"""`Layer.stateless_call`: calls of a layer as a pure function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax

from cornu.core.state import scope
from cornu.errors import quantity

if TYPE_CHECKING:
    from cornu.core.layer.layer import Layer

__all__ = ["call_with_values"]

# The random source of the default keys of all such calls.
_random_source = object()


def call_with_values(
    layer: Layer,
    trainable_values: Sequence[Any],
    non_trainable_values: Sequence[Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    key: jax.Array | None,
) -> tuple[Any, list[Any], list[Any]]:
    """Returns the outputs, the new non-trainable values and the losses. Changes no Variable."""
    if not layer.built:
        raise ValueError(f"{layer._label_()} must be built before `stateless_call`.")
    trainable, rest = layer.trainable_variables, layer.non_trainable_variables
    metrics = layer.metrics_variables  # updates of metrics are discarded
    for kind, values, variables in (
        ("trainable_variables", trainable_values, trainable),
        ("non_trainable_variables", non_trainable_values, rest),
    ):
        if len(values) != len(variables):
            raise ValueError(
                f"{layer._label_()} has {len(variables)} {kind}; received "
                f"{quantity(len(values), 'value')}.\n"
                f"Pass one for each: [v.value for v in layer.{kind}]."
            )
    around = scope.current()
    if key is None and around.key is not None:
        key = around.next_key(_random_source, "stateless_call", None)
    call = scope.pure(lambda *a, **k: (layer(*a, **k), layer.losses), trainable + rest + metrics)
    current = (*trainable_values, *non_trainable_values, *(v.stored for v in metrics))
    (outputs, losses), new, _ = call(current, key, *args, **kwargs)
    return outputs, list(new[len(trainable) : len(trainable) + len(rest)]), losses
