"""Batch normalization of Keras 2 and tf.keras, whose moving variances are other than today."""

from __future__ import annotations

from typing import ClassVar

import jax.numpy as jnp

from cornu import layers, registry
from cornu.legacy.source import Source
from cornu.types import Array

__all__ = ["OldBatchNormalization", "select_batch_normalization"]


class OldBatchNormalization(layers.BatchNormalization):
    """Base class of batch normalization as an old version computed it.

    The output is that of today; only what training adds to the moving variance differs. For n
    elements per channel, the fused operation of TensorFlow multiplies the variance of a batch by
    n / (n - 1), and Keras 2.1 to 2.3 by n / (n - 1 - epsilon). Theano's variance includes epsilon.

    Note: the arguments and weights are those of today. Files name the class of today, too, so that
    Keras 3 reads them.
    """

    fused_ranks: ClassVar[tuple[int, ...]] = ()  # the ranks with a fused operation
    corrects_variance: ClassVar[bool] = False
    adds_epsilon: ClassVar[bool] = False

    def _stored_variance_(self, variance: Array, x: Array, included: Array | None) -> Array:
        others = tuple(i for i in range(x.ndim) if i != self.axis % x.ndim)
        if included is None:
            count = jnp.asarray(x.size // x.shape[self.axis], x.dtype)
        else:
            count = jnp.sum(jnp.broadcast_to(included, x.shape), others, dtype=x.dtype)
        if self.adds_epsilon:
            variance = variance + self.epsilon
        if x.ndim in self.fused_ranks:
            variance = variance * count / jnp.maximum(count - 1, 1)
        if self.corrects_variance:
            variance = variance * count / (count - 1 - self.epsilon)
        return variance

    def _public_name_(self) -> tuple[str, str]:
        return "keras.layers", "BatchNormalization"


@registry.register_keras_serializable(package="keras2.0")
class TensorFlowBatchNormalization(OldBatchNormalization):
    """That of Keras 2.0 with TensorFlow."""

    fused_ranks = (4,)
    _measures_if_frozen_ = True


@registry.register_keras_serializable(package="keras2")
class CorrectedBatchNormalization(OldBatchNormalization):
    """That of Keras 2.1 to 2.3 with TensorFlow."""

    fused_ranks = (4,)
    corrects_variance = True
    _measures_if_frozen_ = True


@registry.register_keras_serializable(package="keras2.0")
class TheanoBatchNormalization(OldBatchNormalization):
    """That of Keras 2.0 with Theano."""

    adds_epsilon = True
    _measures_if_frozen_ = True


@registry.register_keras_serializable(package="keras2")
class CorrectedTheanoBatchNormalization(OldBatchNormalization):
    """That of Keras 2.1 to 2.3 with Theano."""

    adds_epsilon = True
    corrects_variance = True
    _measures_if_frozen_ = True


@registry.register_keras_serializable(package="keras2")
class MeasuringBatchNormalization(OldBatchNormalization):
    """That of Keras 2 with CNTK."""

    _measures_if_frozen_ = True


@registry.register_keras_serializable(package="tf.keras1")
class TensorFlow1BatchNormalization(OldBatchNormalization):
    """That of tf.keras in TensorFlow 1."""

    fused_ranks = (4,)
    _measures_if_frozen_ = True


@registry.register_keras_serializable(package="tf.keras2")
class TensorFlow2BatchNormalization(OldBatchNormalization):
    """That of tf.keras in TensorFlow 2."""

    fused_ranks = (4, 5)


def select_batch_normalization(source: Source) -> str:
    """Returns the registered name of the class that computes as a version of Keras 2 did."""
    cls: type[OldBatchNormalization]
    if source.is_tensorflow:
        first = source.version < (2, 2, 4)
        cls = TensorFlow1BatchNormalization if first else TensorFlow2BatchNormalization
    elif source.backend == "cntk":
        cls = MeasuringBatchNormalization
    elif source.backend == "theano":
        early = source.version < (2, 1)
        cls = TheanoBatchNormalization if early else CorrectedTheanoBatchNormalization
    else:
        early = source.version < (2, 1)
        cls = TensorFlowBatchNormalization if early else CorrectedBatchNormalization
    return registry.get_registered_name(cls)
