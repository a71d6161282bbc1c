"""Batch normalization of Keras 2 and tf.keras, whose moving variances are other than today."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from cornu import layers, registry
from cornu.core.state.variable import Variable
from cornu.legacy.source import Source
from cornu.types import Array, ArrayLike, ShapeLike

__all__ = [
    "DebiasedBatchNormalization",
    "OldBatchNormalization",
    "select_batch_normalization",
]


class OldBatchNormalization(layers.BatchNormalization):
    """Base class of batch normalization as an old version computed it.

    The output is that of today; only what training adds to the moving variance differs. For n
    elements per channel, the fused operation of TensorFlow multiplies the variance of a batch by
    n / (n - 1), and Keras 2.1 to 2.3 by n / (n - 1 - epsilon). Theano's variance includes epsilon.

    Note: the arguments and weights are those of today. Files name the class of today, too, so that
    Keras 3 reads them.
    """

    _is_variant_ = True

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

    def _storage_class_name_(self) -> str:
        return "BatchNormalization"


@registry.register_keras_serializable(package="keras2")
class CorrectedBatchNormalization(OldBatchNormalization):
    """That of Keras 2.3 with TensorFlow."""

    fused_ranks = (4,)
    corrects_variance = True
    _measures_if_frozen_ = True


@registry.register_keras_serializable(package="keras2.1")
class DebiasedBatchNormalization(CorrectedBatchNormalization):
    """That of Keras 2.1 and 2.2 with TensorFlow, whose averages have no initial value.

    The t-th update is

        m = momentum * (1 - momentum**(t - 1)) / (1 - momentum**t)
        average = m * average + (1 - m) * value

    A model that was loaded has made as many updates as its optimizer has made steps.

    Attributes:
        updates: the number of updates; infinite, for a constant momentum, if it is unknown.
    """

    _stores_itself_ = True

    def build(self, input_shape: ShapeLike) -> None:
        """Creates the weights of today, and the number of updates, which files do not have."""
        super().build(input_shape)
        self.updates = self.add_weight((), "zeros", trainable=False, autocast=False, name="updates")

    def _current_momentum_(self) -> Array:
        before = self.updates.value
        self.updates.assign(before + 1)
        decay = jnp.asarray(self.momentum, before.dtype)
        # With a momentum of 1, nothing is ever added.
        whole = 1 - decay ** (before + 1)
        return jnp.where(whole > 0, decay * (1 - decay**before) / jnp.where(whole > 0, whole, 1), 1)

    def get_weights(self) -> list[np.ndarray]:
        """Returns the weights of today, as arrays."""
        return [variable.numpy() for variable in self._of_today_()]

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Sets the weights of today, in the order of `get_weights()`."""
        super().set_weights([*weights, self.updates.numpy()])

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Stores the weights of today."""
        for number, variable in enumerate(self._of_today_()):
            store[str(number)] = variable.numpy()

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Assigns the weights of today; the number of updates is unknown."""
        for number, variable in enumerate(self._of_today_()):
            variable.assign(np.asarray(store[str(number)]))
        self.updates.assign(np.inf)

    def _of_today_(self) -> list[Variable]:
        return [variable for variable in self._own_variables_() if variable is not self.updates]


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
    """That of Keras 2.0 with TensorFlow, and of Keras 2 with CNTK."""

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


# The class of each version with TensorFlow, with the version that follows.
_OF_TENSORFLOW: tuple[tuple[tuple[int, ...], type[OldBatchNormalization]], ...] = (
    ((2, 1), MeasuringBatchNormalization),
    ((2, 3), DebiasedBatchNormalization),
    ((4,), CorrectedBatchNormalization),
)


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
        cls = next(cls for version, cls in _OF_TENSORFLOW if source.version < version)
    return registry.get_registered_name(cls)
