"""cornu and Keras: one program for both, parametrized by the module `k`."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.gpu.cases import Case, Lstm, Mlp, Resnet, Transformer, bottlenecks

__all__ = ["Session"]


def _resnet(k: Any, s: Resnet) -> Any:
    L = k.layers

    def conv_norm(x: Any, filters: int, size: int, stride: int, name: str) -> Any:
        x = L.Conv2D(filters, size, stride, "same", use_bias=False, name=f"conv_{name}")(x)
        return L.BatchNormalization(momentum=s.momentum, epsilon=s.epsilon, name=f"norm_{name}")(x)

    inputs = k.Input((s.pixels, s.pixels, 3))
    x = L.ReLU()(conv_norm(inputs, s.widths[0], 7, 2, "stem"))
    x = L.MaxPooling2D(3, 2, "same")(x)
    for name, width, stride, projects in bottlenecks(s):
        y = L.ReLU()(conv_norm(x, width, 1, 1, f"{name}_a"))
        y = L.ReLU()(conv_norm(y, width, 3, stride, f"{name}_b"))
        y = conv_norm(y, 4 * width, 1, 1, f"{name}_c")
        x = conv_norm(x, 4 * width, 1, stride, f"{name}_d") if projects else x
        x = L.ReLU()(L.Add()([x, y]))
    x = L.GlobalAveragePooling2D()(x)
    return k.Model(inputs, L.Dense(s.classes, name="head")(x))


def _transformer(k: Any, s: Transformer) -> Any:
    L = k.layers
    inputs = k.Input((s.steps,), dtype="int32")
    positions = k.ops.zeros_like(inputs) + k.ops.arange(s.steps, dtype="int32")
    x = L.Add()(
        [
            L.Embedding(s.vocabulary, s.width, name="embed_tokens")(inputs),
            L.Embedding(s.steps, s.width, name="embed_positions")(positions),
        ]
    )
    for i in range(s.blocks):
        y = L.LayerNormalization(epsilon=s.epsilon, name=f"norm_in_{i}")(x)
        attend = L.MultiHeadAttention(s.heads, s.width // s.heads, name=f"attend_{i}")
        x = L.Add()([x, attend(y, y, use_causal_mask=True)])
        y = L.LayerNormalization(epsilon=s.epsilon, name=f"norm_out_{i}")(x)
        y = L.Dense(4 * s.width, activation=_gelu(k), name=f"wide_{i}")(y)
        x = L.Add()([x, L.Dense(s.width, name=f"narrow_{i}")(y)])
    x = L.LayerNormalization(epsilon=s.epsilon, name="norm_last")(x)
    return k.Model(inputs, L.Dense(s.vocabulary, name="head")(x))


def _gelu(k: Any) -> Any:
    return lambda x: k.activations.gelu(x, approximate=True)


def _lstm(k: Any, s: Lstm) -> Any:
    inputs = k.Input((s.steps, s.features))
    x = k.layers.LSTM(s.units, name="lstm")(inputs)
    return k.Model(inputs, k.layers.Dense(s.classes, name="head")(x))


def _mlp(k: Any, s: Mlp) -> Any:
    x = inputs = k.Input((s.features,))
    for i, units in enumerate(s.units):
        x = k.layers.Dense(units, activation="relu", name=f"dense_{i}")(x)
    return k.Model(inputs, k.layers.Dense(s.classes, name=f"dense_{len(s.units)}")(x))


_MODELS = {Resnet: _resnet, Transformer: _transformer, Lstm: _lstm, Mlp: _mlp}


class Session:
    """A model that is trained by `fit`.

    Args:
        case: what is trained; tiny: whether with tiny sizes; k: cornu or keras.
    """

    def __init__(self, case: Case, tiny: bool, k: Any) -> None:
        sizes, self.batch, self.batches = case.at(tiny)
        self.x, self.y = case.data(tiny)
        weights = case.start(tiny)
        begin = perf_counter()
        k.mixed_precision.set_global_policy("mixed_bfloat16" if case.bfloat16 else "float32")
        if k.__name__ == "cornu":
            # Keras and the other peers use the fused kernel of cuDNN where it applies.
            k.config.enable_flash_attention()
        self.model = _MODELS[type(sizes)](k, sizes)
        for name, arrays in weights.items():
            self.model.get_layer(name).set_weights(arrays)
        optimizer = (
            k.optimizers.Adam(case.adam) if case.adam else k.optimizers.SGD(case.sgd, momentum=0.9)
        )
        loss = k.losses.SparseCategoricalCrossentropy(from_logits=True)
        folds = {"steps_per_execution": self.batches} if case.folded else {}
        self.model.compile(optimizer, loss, **folds)
        self.building = perf_counter() - begin

    def epoch(self) -> float:
        """Trains on all batches in order; returns the mean of the loss."""
        kwargs: dict[str, Any] = {"batch_size": self.batch, "shuffle": False, "verbose": 0}
        return float(self.model.fit(self.x, self.y, **kwargs).history["loss"][-1])

    def predict(self) -> np.ndarray:
        """Returns the logits of one sample."""
        return np.asarray(self.model.predict(self.x[:1], verbose=0))
