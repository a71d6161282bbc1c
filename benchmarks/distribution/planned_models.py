"""The models of the plans, which are larger than what one device trains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cornu
from cornu import layers as L

__all__ = ["MODELS", "gpt2_small", "mlp", "transformer", "transformer_24", "transformer_96"]


class Positions(L.Layer):
    """Adds a trained vector for each position."""

    def build(self, input_shape: Any) -> None:
        self.table = self.add_weight(input_shape[1:], "uniform", name="table")

    def call(self, x: Any) -> Any:
        return x + self.table


def mlp(width: int = 16384, depth: int = 8) -> cornu.Model:
    """Returns a multilayer perceptron of 1.9 billion weights."""
    x = inputs = cornu.Input((1024,))
    for _ in range(depth):
        x = L.Dense(width, activation="relu")(x)
    model = cornu.Model(inputs, L.Dense(1024)(x), name="mlp")
    loss = cornu.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss)
    return model


def decoder(x: Any, width: int, heads: int) -> Any:
    y = L.LayerNormalization(epsilon=1e-5)(x)
    x = L.Add()([x, L.MultiHeadAttention(heads, width // heads)(y, y, use_causal_mask=True)])
    y = L.Dense(4 * width, activation="gelu")(L.LayerNormalization(epsilon=1e-5)(x))
    return L.Add()([x, L.Dense(width)(y)])


def transformer(
    blocks: int,
    width: int,
    heads: int,
    length: int = 1024,
    vocabulary: int = 50304,
    name: str = "transformer",
) -> cornu.Model:
    """Returns a language model in mixed precision: a decoder of equal blocks.

    Args:
        blocks, width, heads: the number and the sizes of the blocks.
        length: the number of tokens in a row.
        vocabulary: the number of tokens that exist; a multiple of 128.
        name: the name of the model.
    """
    policy = cornu.config.dtype_policy()
    cornu.config.set_dtype_policy("mixed_bfloat16")
    try:
        inputs = cornu.Input((length,), dtype="int32")
        x = Positions()(L.Embedding(vocabulary, width)(inputs))
        for _ in range(blocks):
            x = decoder(x, width, heads)
        x = L.LayerNormalization(epsilon=1e-5)(x)
        model = cornu.Model(inputs, L.Dense(vocabulary, use_bias=False)(x), name=name)
    finally:
        cornu.config.set_dtype_policy(policy)
    loss = cornu.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(cornu.optimizers.AdamW(1e-4), loss)
    return model


def gpt2_small() -> cornu.Model:
    """Returns a Transformer of the size of GPT-2 small: 12 blocks of width 768."""
    return transformer(12, 768, 12, name="gpt2_small")


def transformer_24() -> cornu.Model:
    """Returns a Transformer of 24 blocks of width 4096, with 5.4 billion weights."""
    return transformer(24, 4096, 32, vocabulary=1 << 16, name="transformer_24")


def transformer_96() -> cornu.Model:
    """Returns a Transformer of 96 blocks of width 4096, with 19.9 billion weights."""
    return transformer(96, 4096, 32, vocabulary=1 << 16, name="transformer_96")


MODELS: dict[str, Callable[[], cornu.Model]] = {
    "mlp": mlp,
    "gpt2_small": gpt2_small,
    "transformer_96": transformer_96,
}
