"""Layers of cornu and of Keras with the same weights, and what can be done to them."""

import keras
import numpy as np

import cornu


def _floats(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def _tokens(*shape):
    return np.random.default_rng(0).integers(0, 11, size=shape)


# Name -> (how the layer is made, its inputs).
LAYERS = {
    "Dense": (lambda la: la.Dense(5, activation="tanh"), _floats(4, 7)),
    "Dense without bias": (lambda la: la.Dense(6, use_bias=False), _floats(4, 3, 7)),
    "heads": (
        lambda la: la.EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="de"),
        _floats(4, 3, 7),
    ),
    "joined heads": (
        lambda la: la.EinsumDense("abde,dec->abc", (None, 8), bias_axes="c"),
        _floats(4, 3, 2, 3),
    ),
    "Embedding": (lambda la: la.Embedding(11, 6), _tokens(4, 3)),
    "ReversibleEmbedding": (lambda la: la.ReversibleEmbedding(11, 6), _tokens(4, 3)),
    "untied": (lambda la: la.ReversibleEmbedding(11, 6, tie_weights=False), _tokens(4, 3)),
    "Conv1D": (lambda la: la.Conv1D(6, 3, padding="causal"), _floats(2, 8, 4)),
    "Conv2D": (lambda la: la.Conv2D(6, 3, strides=2), _floats(2, 9, 9, 4)),
    "Conv2D in groups": (lambda la: la.Conv2D(6, 3, groups=2), _floats(2, 8, 8, 4)),
    "Conv3D": (lambda la: la.Conv3D(2, 2), _floats(2, 4, 4, 4, 3)),
}
TABLES = ("Embedding", "ReversibleEmbedding", "untied")
KERNELS = ("Dense", "Dense without bias", "heads", "joined heads")

# Name -> the arguments of `quantize`, given `cornu.quantizers` or `keras.quantizers`.
MODES = {
    "int8": lambda q: {"mode": "int8"},
    "int8 weights": lambda q: {"config": q.Int8QuantizationConfig(activation_quantizer=None)},
    "int4": lambda q: {"mode": "int4"},
    "int4 groups": lambda q: {"config": q.Int4QuantizationConfig(block_size=3)},
    "int4 per output": lambda q: {"config": q.Int4QuantizationConfig(block_size=None)},
    "int4 inputs": lambda q: {
        "config": q.Int4QuantizationConfig(
            activation_quantizer=q.AbsMaxQuantizer(), block_size=None
        )
    },
    "float8": lambda q: {"mode": "float8"},
}


def make_pair(name):
    """Returns a layer of cornu and one of Keras with the same weights, and inputs."""
    make, inputs = LAYERS[name]
    own, other = make(cornu.layers), make(keras.layers)
    own(inputs), other(inputs)
    values = [
        np.random.default_rng(i).normal(size=v.shape).astype("float32")
        for i, v in enumerate(other.get_weights())
    ]
    own.set_weights(values)
    other.set_weights(values)
    return own, other, inputs


def enable_lora(name, *layers):
    """Adds adapters with equal factors that are not zero."""
    weight = "embeddings" if name in TABLES else "kernel"
    for layer in layers:
        layer.enable_lora(2, lora_alpha=3)
        for seed, suffix in enumerate("ab"):
            factor = getattr(layer, f"lora_{weight}_{suffix}")
            values = np.random.default_rng(seed).normal(size=factor.shape)
            factor.assign(values.astype("float32"))


def stored_arrays(layer):
    """Returns what a file holds of a layer."""
    store = {}
    layer.save_own_variables(store)
    return {key: np.asarray(value) for key, value in store.items()}
