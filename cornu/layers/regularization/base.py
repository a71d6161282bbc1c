"""Base class of layers that are random during training."""

from __future__ import annotations

from typing import Any, cast

from cornu.core.layer.layer import Layer
from cornu.layers.arguments import fraction
from cornu.ops import random
from cornu.types import Array


class Noise(Layer):
    """Base class of layers that are random in training and the identity in inference.

    Subclasses define `add_noise(inputs)`, which is not called if `amount` is 0.
    """

    _infers_by_config_ = True
    _rowwise_ = True

    def __init__(self, amount: float, seed: int | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._amount = amount
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed, name=self.name)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Array, training: bool = False) -> Array:
        """Returns the inputs, with noise in training."""
        return self.add_noise(inputs) if training and self._amount > 0 else inputs

    def add_noise(self, inputs: Array) -> Array:
        """Returns the inputs with noise.

        Args:
            inputs: the inputs.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define `add_noise`.")


def rate_below_one(label: str, rate: Any) -> float:
    """Returns `rate`; raises ValueError unless 0 <= rate < 1."""
    # The noise is scaled by 1 / (1 - rate) or a similar factor.
    if fraction(label, "rate", rate) == 1:
        raise ValueError(f"{label}: rate must be less than 1. Received: {rate!r}")
    return cast(float, rate)
