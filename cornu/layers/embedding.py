"""Embedding: maps integers to learned vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from cornu import ops
from cornu.core.graph.op import unwrap
from cornu.core.state.dtypes import is_float
from cornu.layers.adaptable import AdaptableLayer, AdaptedWeight
from cornu.layers.arguments import positive_int
from cornu.layers.base import ConfiguredLayer
from cornu.types import (
    Array,
    ConstraintLike,
    DTypeLike,
    InitializerLike,
    PyTree,
    RegularizerLike,
    ShapeLike,
)

__all__ = ["Embedding", "ReversibleEmbedding"]


class Embedding(AdaptableLayer):
    """Maps integers to learned vectors, the rows of a table.

    y[..., :] = embeddings[x[...], :]

    Args:
        input_dim: the number of rows: the largest integer plus one.
        output_dim: the size of the vectors.
        embeddings_initializer: initializer of the table.
        embeddings_regularizer: penalty on the table, added to the loss.
        embeddings_constraint: projection of the table, applied after each training step.
        mask_zero: whether 0 marks padding. If True, the output has a mask.
        weights: the initial table, an array of shape (input_dim, output_dim).
        lora_rank, lora_alpha: if given, the table gets an adapter of LoRA; see `enable_lora`.
        quantization_config: the config of a layer that is created with a quantized dtype policy.
        **kwargs: `name`, `dtype`, `trainable` and other arguments of `Layer`.

    Shapes:
        x (batch, ...) -> (batch, ..., output_dim); embeddings (input_dim, output_dim)

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> layer = cornu.layers.Embedding(3, 2, weights=np.array([[0, 1], [2, 3], [4, 5]]))
    >>> layer(np.array([[2, 0]])).tolist()
    [[[4.0, 5.0], [0.0, 1.0]]]

    Note: an integer outside the table gives NaN, as in Keras on JAX; other backends raise an error
    or return another row. Unlike `padding_idx` of PyTorch, `mask_zero` does not keep row 0 at zero.
    """

    _infers_by_config_ = True
    _rowwise_ = True
    _map_name_ = "Lookup"
    converters = {
        **ConfiguredLayer.converters,
        "input_dim": positive_int,
        "output_dim": positive_int,
    }

    # Whether there is a second table, for the reverse projection.
    _is_untied_: bool = False

    embeddings = AdaptedWeight()
    input_dim: int
    output_dim: int
    mask_zero: bool
    embeddings_initializer: Callable[..., Any]

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: InitializerLike = "uniform",
        embeddings_regularizer: RegularizerLike | None = None,
        embeddings_constraint: ConstraintLike | None = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.store_arguments(locals(), skip=("weights",))
        self.supports_masking = mask_zero
        # Indices are often floats; casting them to a narrower float type would round them.
        self.autocast = False
        if weights is not None:
            self.build()
            self.set_weights(weights if isinstance(weights, list) else [weights])

    def _constructor_arguments_(self) -> dict[str, Any]:
        """Returns the constructor arguments except `weights`, which are saved as weights."""
        return {k: v for k, v in super()._constructor_arguments_().items() if k != "weights"}

    def build(self, input_shape: ShapeLike | None = None) -> None:
        """Creates the table `embeddings`."""
        self.create_adaptable_weight("embeddings", (self.input_dim, self.output_dim))

    def quantized_build(self, embeddings_shape: Any, mode: str, config: Any = None) -> None:
        """Creates the Variables of the quantized table.

        Args:
            embeddings_shape: the shape of the table before quantization.
            mode, config: as in other layers.
        """
        super().quantized_build(embeddings_shape, mode, config)

    def call(self, inputs: Array) -> Array:
        """Returns the rows of the table for integer inputs."""
        rows = inputs.astype("int32") if is_float(inputs.dtype) else inputs
        # jnp.take fills rows of indices outside the table with NaN; it does not clip them.
        # The rows are cast, not the table, which may be much larger than the batch.
        return jnp.take(unwrap(self.embeddings), rows, axis=0).astype(self.compute_dtype)

    def _find_data_problem_(self, values: np.ndarray) -> str | None:
        """Returns a description of values that are not valid indices, or None."""
        if not values.size:
            return None
        low, high = values.min(), values.max()
        if values.dtype.kind == "f" and (values != np.floor(values)).any():
            return (
                "expected integer indices, received values with fractions. Convert categories or "
                "words to integers first; for continuous features use Dense."
            )
        if 0 <= low and high < self.input_dim:
            return None
        return (
            f"expected integers between 0 and {self.input_dim - 1} (input_dim={self.input_dim}), "
            f"received values between {int(low)} and {int(high)}. Set input_dim to the largest "
            "integer plus one, or map unknown values to an index of their own."
        )

    def compute_mask(self, inputs: Array, mask: Array | None = None) -> Array | None:
        """Returns `inputs != 0` if `mask_zero` is True, else None."""
        return ops.not_equal(inputs, 0) if self.mask_zero else None


class ReversibleEmbedding(Embedding):
    """Embedding that can also project vectors back to logits over the rows of the table.

    y = embeddings[x]
    y = x @ embeddings.T                      (with `reverse=True`)
    y = cap * tanh(x @ embeddings.T / cap)    (with `reverse=True` and a soft cap)

    Args:
        input_dim: the number of rows: the largest integer plus one.
        output_dim: the size of the vectors.
        tie_weights: whether the reverse projection uses the transposed embedding table.
        embeddings_initializer: initializer of the tables.
        embeddings_regularizer: penalty on the table, added to the loss.
        embeddings_constraint: projection of the table, applied after each training step.
        mask_zero: whether 0 marks padding. If True, the output has a mask.
        reverse_dtype: the dtype of the logits; the compute dtype by default.
        logit_soft_cap: the logits are smoothly bounded to (-cap, cap); no bound by default.
        **kwargs: arguments of `Embedding` and `Layer`.

    Shapes:
        x (batch, ...) -> (batch, ..., output_dim);
        with `reverse=True`: x (batch, ..., output_dim) -> (batch, ..., input_dim)

    Example:

    >>> import cornu
    >>> layer = cornu.layers.ReversibleEmbedding(100, 8)
    >>> x = layer(cornu.Input((5,), dtype="int32"))
    >>> layer(x, reverse=True).shape
    (None, 5, 100)

    References: Ofir Press, Lior Wolf (2016), "Using the Output Embedding to Improve Language
    Models", arXiv 1608.05859.

    Fixes: without `reverse_dtype` the logits have the compute dtype, as Keras documents; those of
    Keras 3.15 are float32 under a mixed policy.
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        tie_weights: bool = True,
        embeddings_initializer: InitializerLike = "uniform",
        embeddings_regularizer: RegularizerLike | None = None,
        embeddings_constraint: ConstraintLike | None = None,
        mask_zero: bool = False,
        reverse_dtype: DTypeLike | None = None,
        logit_soft_cap: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            input_dim,
            output_dim,
            embeddings_initializer=embeddings_initializer,
            embeddings_regularizer=embeddings_regularizer,
            embeddings_constraint=embeddings_constraint,
            mask_zero=mask_zero,
            **kwargs,
        )
        self.tie_weights = tie_weights
        self._is_untied_ = not tie_weights
        self.reverse_dtype = reverse_dtype
        self.logit_soft_cap = logit_soft_cap

    def build(self, input_shape: ShapeLike | None = None) -> None:
        """Creates `embeddings`, and `reverse_embeddings` unless the weights are tied."""
        super().build(input_shape)
        # The form of a quantized layer has created both tables.
        if self._is_untied_ and "reverse_embeddings" not in vars(self):
            self.reverse_embeddings = self.add_weight(
                (self.output_dim, self.input_dim),
                self.embeddings_initializer,
                name="reverse_embeddings",
            )

    def compute_output_shape(self, input_shape: ShapeLike, reverse: bool = False) -> PyTree:
        """Returns the shape of the output.

        Args:
            input_shape: the shape of the inputs.
            reverse: whether they are vectors that are projected to logits, as in `call`.
        """
        return super().compute_output_shape(input_shape, reverse=reverse)

    def call(self, inputs: Array, reverse: bool = False) -> Array:
        """Returns rows of the table, or logits with `reverse=True`."""
        if not reverse:
            return super().call(inputs)
        table = unwrap(self.embeddings).T if self.tie_weights else self.reverse_embeddings.value
        dtype = self.reverse_dtype or self.compute_dtype
        return self._cap_(inputs.astype(dtype) @ table.astype(dtype))

    def _cap_(self, logits: Array) -> Array:
        """Returns logits that are bounded to the soft cap, if there is one."""
        if self.logit_soft_cap is not None:
            logits = self.logit_soft_cap * jnp.tanh(logits / self.logit_soft_cap)
        return logits

    def compute_mask(self, inputs: Array, mask: Array | None = None) -> Array | None:
        """Returns the mask of integer inputs; vectors have none."""
        # Whether `reverse` was passed is not known here, so the inputs tell the two uses apart.
        if is_float(inputs.dtype) and inputs.shape[-1] == self.output_dim:
            return None
        return super().compute_mask(inputs, mask)
