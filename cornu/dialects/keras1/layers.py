"""Layers of Keras 1 that Keras 3 does not have: the base class, and former modes of layers."""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from cornu import layers, ops, registry
from cornu.core.layer.layer import Layer as CoreLayer
from cornu.core.state.dtypes import is_float
from cornu.core.state.variable import Variable
from cornu.dialects.keras1.argument_values import SummedActivityRegularizer, get_initializer
from cornu.dialects.keras1.class_mapping import (
    LAYER_KEYWORDS,
    BaseClassMeta,
    automatic_name,
    parse_signature,
)
from cornu.errors import suggest
from cornu.ops import random
from cornu.parts.regularizers import L1L2

__all__ = [
    "ActivityRegularization",
    "BatchwiseNormalization",
    "DroppedEmbedding",
    "FeaturewiseNormalization",
    "InputSpec",
    "Layer",
]

_LAYER_SIGNATURE = parse_signature("", LAYER_KEYWORDS)


class Layer(CoreLayer, metaclass=BaseClassMeta):
    """The base class of custom layers: `build`, `call(x, mask=None)`, `add_weight`.

    `get_output_shape_for` is not called, because shapes are inferred from `call`. Variables are
    found in all attributes of the layer, so that `trainable_weights` need not be set.

    Args:
        **kwargs: `input_shape`, `batch_input_shape`, `input_dtype`, `name` and `trainable`.
    """

    stands_for: ClassVar[type] = CoreLayer

    def __init__(self, **kwargs: Any) -> None:
        for name in kwargs:
            if name not in _LAYER_SIGNATURE.parameters:
                raise TypeError(
                    f"{type(self).__name__}: Layer of Keras 1 has no argument {name!r}. "
                    f"{suggest(name, _LAYER_SIGNATURE.parameters)}"
                )
        given = {k: v for k, v in kwargs.items() if v is not None and k != "input_dtype"}
        given.setdefault("name", automatic_name(type(self).__name__))
        super().__init__(**given)

    def add_weight(  # type: ignore[override]
        self,
        shape: Any,
        initializer: Any = "glorot_uniform",
        name: str | None = None,
        trainable: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        **kwargs: Any,
    ) -> Variable:
        """Creates a Variable of the layer, with the argument order of Keras 1."""
        return super().add_weight(
            shape,
            get_initializer(initializer),
            name=name,
            trainable=trainable,
            regularizer=regularizer,
            constraint=constraint,
            **kwargs,
        )

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes; can be set."""
        return super().trainable_weights

    @trainable_weights.setter
    def trainable_weights(self, variables: Any) -> None:
        self._trained = list(variables)

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training does not change; can be set."""
        return super().non_trainable_weights

    @non_trainable_weights.setter
    def non_trainable_weights(self, variables: Any) -> None:
        self._untrained = list(variables)
        for variable in self._untrained:
            variable.trainable = False


class InputSpec(layers.InputSpec):
    """The requirements of a layer on its input, with the arguments of Keras 1."""

    def __init__(self, dtype: Any = None, shape: Any = None, ndim: Any = None) -> None:
        super().__init__(dtype=dtype, shape=shape, ndim=None if isinstance(ndim, str) else ndim)


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
