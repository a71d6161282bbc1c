"""Layers that wrap functions of JAX and modules of Flax."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from flax import linen

from cornu.saving import register_keras_serializable
from tests.conformance.table import LayerRow


@register_keras_serializable()
def scale_init(rng: Any, inputs: Any) -> Any:
    """Returns parameters and state of `scale`."""
    kernel = jax.random.normal(rng, (inputs.shape[-1], 3))
    return {"kernel": kernel}, {"mean": jax.numpy.zeros(inputs.shape[-1])}


@register_keras_serializable()
def scale(params: Any, state: Any, inputs: Any, training: bool) -> Any:
    """Subtracts the mean of the batch in training, and multiplies by a kernel."""
    mean = inputs.mean(0) if training else state["mean"]
    return (inputs - mean) @ params["kernel"], {"mean": mean}


@register_keras_serializable()
class Perceptron(linen.Module):
    """A module of Flax with a config, as Keras requires it."""

    width: int = 4

    @linen.compact
    def __call__(self, inputs: Any, training: bool) -> Any:
        x = linen.tanh(linen.Dense(self.width)(inputs))
        return linen.BatchNorm(use_running_average=not training)(x)

    def get_config(self) -> dict[str, Any]:
        return {"width": self.width}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Perceptron:
        return cls(**config)


def _x(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(5, 4)).astype("float32")


_NAMES = {"weights": "weights have the names of their places in the tree"}

ROWS = [
    LayerRow("jax_layer", lambda k: k.layers.JaxLayer(scale, scale_init), _x, skip=_NAMES),
    LayerRow(
        "flax_layer",
        lambda k: k.layers.FlaxLayer(Perceptron()),
        _x,
        skip={
            **_NAMES,
            "form": "modules of Flax are compared by identity",
            "keras_config": "Keras registers the class under a name of its own",
        },
    ),
]
