"""Former modes of layers: of BatchNormalization and Embedding, and penalties that are summed."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from cornu import layers, ops, registry
from cornu.core.state.dtypes import is_float
from cornu.legacy.regularizers import SummedActivityRegularizer
from cornu.ops import random
from cornu.parts.regularizers import L1L2

__all__ = [
    "ActivityRegularization",
    "BatchwiseNormalization",
    "DroppedEmbedding",
    "FeaturewiseNormalization",
]


@registry.register_keras_serializable(package="keras1")
class ActivityRegularization(layers.ActivityRegularization):
    """Returns its inputs, and adds a penalty that is summed over the batch."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(l1, l2, **kwargs)
        self.activity_regularizer = SummedActivityRegularizer(L1L2(l1, l2))


@registry.register_keras_serializable(package="keras1")
class DroppedEmbedding(layers.Embedding):
    """An Embedding that drops whole rows of its table in training, `dropout=rate` of Keras 1.

    Kept rows are divided by `1 - rate`. The same rows are dropped for the whole batch.
    """

    _infers_by_config_ = False

    def __init__(self, rate: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = rate
        self.seed_generator = random.SeedGenerator(name=self.name)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Returns the rows of the table."""
        if not training:
            return super().call(inputs)
        table = random.dropout(
            self.embeddings.value, self.rate, (self.input_dim, 1), self.seed_generator
        )
        rows = inputs.astype("int32") if is_float(inputs.dtype) else inputs
        return jnp.take(table, rows, axis=0).astype(self.compute_dtype)


@registry.register_keras_serializable(package="keras1")
class FeaturewiseNormalization(layers.BatchNormalization):
    """BatchNormalization(mode=1) of Keras 1: normalizes each position over its features.

    y = (x - mean) / (sqrt(variance + epsilon) + epsilon) * gamma + beta, over the last axis
    """

    def call(
        self, inputs: jax.Array, training: bool | None = None, mask: jax.Array | None = None
    ) -> jax.Array:
        """Returns the normalized inputs."""
        mean = jnp.mean(inputs, axis=-1, keepdims=True)
        stddev = jnp.sqrt(jnp.var(inputs, axis=-1, keepdims=True) + self.epsilon)
        # BatchNormalization of Keras 1 always has a scale and an offset.
        assert self.gamma is not None and self.beta is not None
        return (inputs - mean) / (stddev + self.epsilon) * self.gamma.value + self.beta.value


@registry.register_keras_serializable(package="keras1")
class BatchwiseNormalization(layers.BatchNormalization):
    """BatchNormalization(mode=2) of Keras 1: uses batch statistics, also at inference."""

    def call(
        self, inputs: jax.Array, training: bool | None = None, mask: jax.Array | None = None
    ) -> jax.Array:
        """Returns the normalized inputs."""
        # BatchNormalization of Keras 1 always has a scale and an offset.
        assert self.gamma is not None and self.beta is not None
        mean, variance = self._moments(inputs, self._included_elements(inputs, mask))
        return ops.batch_normalization(
            inputs,
            mean,
            variance,
            self.axis,
            offset=self.beta.value,
            scale=self.gamma.value,
            epsilon=self.epsilon,
        )
