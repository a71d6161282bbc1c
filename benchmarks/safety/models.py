"""Ten families of models with random sizes, trained for a few steps with the public API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import cornu
from benchmarks.safety.checks import Finding
from benchmarks.safety.shapes import Sampler
from cornu import layers

__all__ = ["CHANGES", "FAMILIES", "Training", "check", "compare", "make", "train"]

# A model beyond the bound is compared with the plain program from so many other weights, which
# differ from those of the model by rounding.
CHANGES = 8
_STEPS = 2
# Losses, predictions and the changes of weights, relative to the largest value of each array.
_CLOSE = 1e-3
# Gradients that are zero in exact arithmetic, such as those of a bias before a normalization,
# change weights by rounding errors only: no array is compared relative to less than this part of
# the largest change.
_SMALL = 0.01


@dataclass(frozen=True)
class Training:
    """A model that is built but not compiled, and its data."""

    text: str
    model: Any
    x: np.ndarray
    y: np.ndarray


def make(family: str, number: int, seed: int = 0) -> Training:
    """Returns a model of a family and its data."""
    cornu.utils.clear_session()
    cornu.utils.set_random_seed(seed + 1)
    draw = Sampler(family, number, seed)
    batch = 1 + draw.size(24)
    shape, ids, body = FAMILIES[family](draw, number)
    inputs = cornu.Input(shape, dtype="int32" if ids else "float32")
    outputs = body(inputs)
    rows = batch * _STEPS
    if _is_known(family, number):
        rows = 16 * _STEPS
    data = (rows, *shape)
    x = draw.rng.integers(1, ids, data) if ids else draw.normal(*data)
    y = draw.normal(rows, *outputs.shape[1:])
    model = cornu.Model(inputs, outputs)
    if family == "recomputing":
        model.remat()
    text = f"{family}, input {(rows // _STEPS, *shape)}, {model.count_params()} weights"
    return Training(text, model, x.astype("int32" if ids else "float32"), y.astype("float32"))


def train(training: Training, change: int = 0) -> list[np.ndarray]:
    """Returns the losses of all steps, predictions after them, and the changes of all weights.

    Args:
        training: the model and its data; the model is trained.
        change: if it is not 0, the number of random changes of the initial weights by at most one
            epsilon of their values.
    """
    losses: list[float] = []
    noted = cornu.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: losses.append(float(logs["loss"]))
    )
    model = training.model
    if change:
        model.set_weights(_change(model.get_weights(), change))
    before = model.get_weights()
    model.compile(cornu.optimizers.SGD(0.01, momentum=0.9), "mse")
    size = len(training.x) // _STEPS
    model.fit(*(training.x, training.y), batch_size=size, epochs=2, verbose=0, callbacks=[noted])
    predicted = model.predict(training.x[:size], verbose=0)
    changes = [after - old for after, old in zip(model.get_weights(), before, strict=True)]
    return [np.asarray(losses), np.asarray(predicted), *changes]


def compare(found: list[np.ndarray], plain: list[np.ndarray]) -> tuple[float, str]:
    """Returns the largest error, relative to what is allowed, and what is wrong or nothing."""
    if [x.shape for x in found] != [x.shape for x in plain]:
        return np.inf, "shapes differ from those of the plain program"
    tops = [float(np.abs(other).max(initial=0.0)) for other in plain]
    floor = _SMALL * max(tops[2:], default=0.0)
    worst, where = 0.0, ""
    for place, (one, other) in enumerate(zip(found, plain, strict=True)):
        top = max(tops[place], floor) or 1.0
        error = float(np.abs(one - other).max(initial=0.0)) / top / _CLOSE
        # Also where the error is NaN.
        if not error <= worst:
            worst = error if error == error else np.inf
            where = (
                ("losses", "predictions")[place] if place < 2 else f"change of weights {place - 2}"
            )
    return worst, f"{where}: {worst:.1f} times the bound {_CLOSE:g}" if worst > 1 else ""


def check(found: list[np.ndarray], plains: Sequence[list[np.ndarray]]) -> Finding:
    """Returns how far a trained model is from the plain program.

    Gradients jump where an argument of relu is zero or two elements of a pooling window are equal.
    Near these points, two correct programs differ by more than any bound. The model is not wrong if
    the plain program does the same after its initial weights have been changed by rounding.

    Args:
        found: the results of the model.
        plains: those of the plain program; the first from the same weights, others from changed
            ones.
    """
    (ratio, wrong), *changed = (compare(found, plain) for plain in plains)
    least = min((r for r, _ in changed), default=np.inf)
    if wrong and least <= 1:
        return Finding(programs=1, ratio=least, by_plain=True)
    return Finding(programs=1, ratio=ratio, wrong=[wrong] if wrong else [])


def _change(weights: list[np.ndarray], number: int) -> list[np.ndarray]:
    """Returns weights of which about two thirds are changed by an epsilon of their values."""
    rng = np.random.default_rng(number)
    signs = (rng.integers(-1, 2, array.shape).astype(array.dtype) for array in weights)
    epsilon = np.finfo("float32").eps
    return [array + array * epsilon * sign for array, sign in zip(weights, signs, strict=True)]


def _is_known(family: str, number: int) -> bool:
    """Returns whether it is the model of 500 tokens whose training oneDNN crashed or hung."""
    return family == "transformer" and number < 2


Body = tuple[tuple[int, ...], int, Callable[[Any], Any]]


def _chain(*chain: Any) -> Callable[[Any], Any]:
    def call(x: Any) -> Any:
        for layer in chain:
            x = layer(x)
        return x

    return call


def _image(draw: Sampler, least: int = 8) -> tuple[int, ...]:
    height, width = (least + draw.size(24) for _ in range(2))
    return height, width, draw.choice((1, 2, 3))


def _width(draw: Sampler, most: int = 64) -> int:
    return 1 + draw.size(most)


def _mlp(draw: Sampler, number: int) -> Body:
    names = [draw.choice(("relu", "tanh", "gelu", "silu")) for _ in range(1 + draw.size(4))]
    hidden = [layers.Dense(_width(draw, 512), name) for name in names]
    body = _chain(*hidden, layers.Dropout(0.3), layers.Dense(_width(draw, 16)))
    return (draw.size(1000),), 0, body


def _cnn(draw: Sampler, number: int) -> Body:
    padding = draw.choice(("valid", "same"))
    body = _chain(
        layers.Conv2D(_width(draw), draw.choice((2, 3)), padding=padding, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(_width(draw), 3, strides=draw.choice((1, 2)), padding="same"),
        layers.AveragePooling2D(3, strides=2, padding="same"),
        layers.Flatten(),
        layers.Dropout(0.25),
        layers.Dense(_width(draw, 16)),
    )
    return _image(draw), 0, body


def _separable(draw: Sampler, number: int) -> Body:
    body = _chain(
        layers.Conv2D(_width(draw), 3, strides=2, padding="same"),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.DepthwiseConv2D(3, padding="same"),
        layers.SeparableConv2D(_width(draw), draw.choice((3, 5)), padding="same"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(_width(draw, 16)),
    )
    return _image(draw), 0, body


def _resnet(draw: Sampler, number: int) -> Body:
    width, blocks = _width(draw), draw.choice((1, 2, 3))

    def body(x: Any) -> Any:
        x = layers.Conv2D(width, 3, padding="same")(x)
        x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
        for _ in range(blocks):
            y = x
            for _ in range(2):
                y = layers.Conv2D(width, 3, padding="same", use_bias=False)(y)
                y = layers.ReLU()(layers.BatchNormalization()(y))
            x = layers.Add()([x, y])
        return layers.Dense(5)(layers.GlobalAveragePooling2D()(x))

    return _image(draw), 0, body


def _lstm(draw: Sampler, number: int) -> Body:
    body = _chain(
        layers.Masking(0.0),
        layers.LSTM(_width(draw), return_sequences=True),
        layers.Bidirectional(layers.LSTM(_width(draw, 32))),
        layers.Dense(_width(draw, 16)),
    )
    return (1 + draw.size(60), draw.size(64)), 0, body


def _gru(draw: Sampler, number: int) -> Body:
    ids = 2 + draw.size(1000)
    body = _chain(
        layers.Embedding(ids, _width(draw)),
        layers.GRU(_width(draw), return_sequences=True),
        layers.Dropout(0.2),
        layers.GRU(_width(draw), go_backwards=True),
        layers.Dense(_width(draw, 16)),
    )
    return (1 + draw.size(60),), ids, body


def _transformer(draw: Sampler, number: int) -> Body:
    blocks, heads, features, tokens, width = 4, 4, 64, 500, 64
    if not _is_known("transformer", number):
        blocks, heads, features = draw.choice((1, 2, 3)), draw.size(6), draw.size(48)
        tokens, width = 1 + draw.size(256), 1 + draw.size(64)

    def body(x: Any) -> Any:
        for _ in range(blocks):
            y = layers.LayerNormalization()(x)
            x = layers.Add()([x, layers.MultiHeadAttention(heads, features, dropout=0.1)(y, y)])
            y = layers.LayerNormalization()(x)
            y = layers.Conv1D(4, 1, activation="relu")(y)
            x = layers.Add()([x, layers.Conv1D(width, 1)(y)])
        return layers.Dense(2)(layers.GlobalAveragePooling1D()(x))

    return (tokens, width), 0, body


def _autoencoder(draw: Sampler, number: int) -> Body:
    width = _width(draw)
    body = _chain(
        layers.Conv2D(width, 3, strides=2, padding="same", activation="relu"),
        layers.Conv2DTranspose(_width(draw), 3, strides=2, padding="same", activation="relu"),
        layers.UpSampling2D(2),
        layers.Conv2D(draw.choice((1, 3)), 3, padding="same"),
    )
    return _image(draw), 0, body


def _recommender(draw: Sampler, number: int) -> Body:
    ids = 2 + draw.size(5000)
    body = _chain(
        layers.Embedding(ids, _width(draw)),
        layers.Conv1D(_width(draw), 3, padding="same", activation="relu"),
        layers.GlobalMaxPooling1D() if draw.chance(0.5) else layers.GlobalAveragePooling1D(),
        layers.Dense(_width(draw), "relu"),
        layers.Dropout(0.5),
        layers.Dense(1),
    )
    return (draw.size(100),), ids, body


def _recomputing(draw: Sampler, number: int) -> Body:
    width, blocks = _width(draw, 256), 2 + draw.size(4)

    @cornu.block
    def unit(x: Any) -> Any:
        y = layers.Dense(width, "gelu")(layers.LayerNormalization()(x))
        return layers.Add()([x, layers.Dropout(0.1)(layers.Dense(x.shape[-1])(y))])

    def body(x: Any) -> Any:
        for _ in range(blocks):
            x = unit(x)
        return layers.Dense(3)(x)

    return (draw.size(256),), 0, body


FAMILIES: dict[str, Callable[[Sampler, int], Body]] = {
    "mlp": _mlp,
    "cnn": _cnn,
    "separable": _separable,
    "resnet": _resnet,
    "lstm_model": _lstm,
    "gru_model": _gru,
    "transformer": _transformer,
    "autoencoder": _autoencoder,
    "recommender": _recommender,
    "recomputing": _recomputing,
}
