"""Rows of Dense, EinsumDense, Embedding and the layers that own no weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.conformance.table import Call, LayerRow


def _normal(*shape: int) -> Any:
    return lambda rng: rng.normal(size=shape).astype("float32")


def _integers(high: int, *shape: int) -> Any:
    return lambda rng: rng.integers(0, high, size=shape).astype("int32")


def _prefix_mask(rng: np.random.Generator) -> np.ndarray:
    return np.array([[True, True, False], [True, False, False]])


def _padded(rng: np.random.Generator) -> np.ndarray:
    x = rng.normal(size=(2, 3, 4)).astype("float32")
    x[0, 2] = x[1, 1:] = -1.0
    return x


ROWS = [
    LayerRow("dense", lambda k: k.layers.Dense(3), _normal(2, 4)),
    LayerRow(
        "dense_everything",
        lambda k: k.layers.Dense(
            3,
            "tanh",
            kernel_initializer=k.initializers.HeNormal(),
            bias_initializer="ones",
            kernel_regularizer="l2",
            bias_regularizer=k.regularizers.L1(0.1),
            activity_regularizer=k.regularizers.L2(0.1),
            kernel_constraint="non_neg",
            bias_constraint=k.constraints.MaxNorm(1.0),
            name="everything",
        ),
        _normal(2, 3, 4),
        mask=_prefix_mask,
    ),
    LayerRow("dense_no_bias", lambda k: k.layers.Dense(1, use_bias=False), _normal(2, 3, 2, 4)),
    LayerRow("dense_softmax", lambda k: k.layers.Dense(5, activation="softmax"), _normal(3, 4)),
    LayerRow("dense_integers", lambda k: k.layers.Dense(2), _integers(9, 2, 4), integer=True),
    LayerRow("dense_frozen", lambda k: k.layers.Dense(2, trainable=False), _normal(2, 4)),
    LayerRow("activation", lambda k: k.layers.Activation("gelu"), _normal(2, 3), mask=None),
    LayerRow(
        "activation_function",
        lambda k: k.layers.Activation(k.activations.softplus),
        _normal(2, 3, 4),
        mask=_prefix_mask,
    ),
    LayerRow("identity", lambda k: k.layers.Identity(), _normal(2, 3, 4), mask=_prefix_mask),
    LayerRow(
        "identity_dict",
        lambda k: k.layers.Identity(),
        lambda rng: {"a": _normal(2, 3)(rng), "b": [_normal(2)(rng), _integers(5, 2, 1)(rng)]},
    ),
    LayerRow(
        "masking",
        lambda k: k.layers.Masking(-1.0),
        _padded,
    ),
    LayerRow("masking_replaces", lambda k: k.layers.Masking(), _normal(2, 3, 4), mask=_prefix_mask),
    LayerRow(
        "lambda",
        lambda k: k.layers.Lambda(lambda x: x[:, ::2] ** 2),
        _normal(2, 5),
        skip={
            "config": "a Python lambda is code: tests/layers/test_lambda.py",
            "keras_config": "a Python lambda is code: tests/layers/test_lambda.py",
        },
    ),
    LayerRow(
        "lambda_arguments",
        lambda k: k.layers.Lambda(k.activations.elu, arguments={"alpha": 0.3}),
        _normal(2, 3),
    ),
    LayerRow(
        "lambda_dict",
        lambda k: k.layers.Lambda(
            lambda inputs, mask=None, training=None: (
                inputs["a"] * (2 if training else 1) + inputs["b"]
            )
        ),
        lambda rng: {"a": _normal(2, 3)(rng), "b": _normal(2, 1)(rng)},
        skip={
            "config": "a Python lambda is code: tests/layers/test_lambda.py",
            "keras_config": "a Python lambda is code: tests/layers/test_lambda.py",
        },
    ),
    LayerRow("embedding", lambda k: k.layers.Embedding(7, 3), _integers(7, 2, 4), integer=True),
    LayerRow(
        "embedding_mask_zero",
        lambda k: k.layers.Embedding(3, 2, mask_zero=True, embeddings_regularizer="l2"),
        _integers(3, 2, 6),
        integer=True,
    ),
    LayerRow(
        "embedding_floats",
        lambda k: k.layers.Embedding(300, 2, "normal", embeddings_constraint="unit_norm"),
        lambda rng: np.array([[255.0, 257.0, 299.0], [0.0, 1.0, 2.0]], "float32"),
        integer=True,
    ),
    LayerRow("embedding_vector", lambda k: k.layers.Embedding(7, 3), _integers(7, 4), integer=True),
    LayerRow(
        "reversible_embedding",
        lambda k: k.layers.ReversibleEmbedding(5, 3, mask_zero=True),
        _integers(5, 2, 4),
        integer=True,
    ),
    LayerRow(
        "reversible_embedding_reverse",
        lambda k: k.layers.ReversibleEmbedding(5, 3, logit_soft_cap=0.1),
        lambda rng: Call((_normal(2, 4, 3)(rng),), {"reverse": True}),
    ),
    LayerRow(
        "reversible_embedding_untied",
        lambda k: k.layers.ReversibleEmbedding(5, 3, tie_weights=False),
        lambda rng: Call((_normal(2, 4, 3)(rng),), {"reverse": True}),
    ),
    LayerRow(
        "einsum_dense",
        lambda k: k.layers.EinsumDense("ab,bc->ac", 5, activation="relu", bias_axes="c"),
        _normal(2, 4),
    ),
    LayerRow(
        "einsum_dense_heads",
        lambda k: k.layers.EinsumDense("btd,dhk->bthk", (None, 2, 3), bias_axes="hk"),
        _normal(2, 3, 4),
    ),
    LayerRow(
        "einsum_dense_left",
        lambda k: k.layers.EinsumDense("...x,xy->...y", 5, bias_axes="y", name="left"),
        _normal(2, 3, 2, 4),
    ),
    LayerRow(
        "einsum_dense_right",
        lambda k: k.layers.EinsumDense("ab...,bc->ac...", 5, bias_axes="c"),
        _normal(2, 4, 3),
    ),
    LayerRow(
        "einsum_dense_shared_axis",
        lambda k: k.layers.EinsumDense(
            "abc,bcd->abd",
            (3, 5),
            bias_axes="bd",
            kernel_regularizer="l1",
            activity_regularizer="l2",
        ),
        _normal(2, 3, 4),
    ),
]
