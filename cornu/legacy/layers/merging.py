"""The mode of `merge` that no layer of today has."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from cornu import layers, registry, settings

__all__ = ["Cosine"]


@registry.register_keras_serializable(package="keras1")
class Cosine(layers.Dot):
    """Cosine similarity of two arrays along axes, with an extra axis after the batch.

    y = a.b / max(sqrt(a.a * b.b), epsilon)
    """

    def call(self, inputs: Any) -> Any:
        """Returns the cosines."""
        a, b = inputs
        squares = super().call([a, a]) * super().call([b, b])
        lengths = jnp.maximum(jnp.sqrt(squares), settings.get("epsilon"))
        return jnp.expand_dims(super().call([a, b]) / lengths, 1)
