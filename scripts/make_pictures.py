"""Generates the diagrams of docs/pictures.md in docs/pictures.

Usage: `python scripts/make_pictures.py`.
"""

from __future__ import annotations

import contextlib
import io
import os
import runpy
from pathlib import Path

import cornu
from cornu import Input, Model, Sequential, layers
from cornu.applications.resnet import ResNet50
from cornu.callbacks import History
from cornu.datasets import digits
from cornu.dialects import keras1
from cornu.utils import plot_model

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "pictures"


# ------------------------------------------------------------------------ the founding programs


def founding(program: str, variable: str) -> Model:
    """Runs a program of examples/founding unchanged, and returns the model in a variable."""
    with contextlib.redirect_stdout(io.StringIO()):
        return runpy.run_path(str(ROOT / "examples" / "founding" / program))[variable]


# -------------------------------------------------------------------------------- larger models


def conv(x, filters, size):
    return layers.Conv2D(filters, size, padding="same", activation="relu")(x)


def inception_module(x):
    tower_1 = conv(conv(x, 64, 1), 64, 3)
    tower_2 = conv(conv(x, 64, 1), 64, 5)
    tower_3 = conv(layers.MaxPooling2D(3, strides=1, padding="same")(x), 64, 1)
    return layers.Concatenate(axis=-1)([tower_1, tower_2, tower_3])


def inception() -> Model:
    image = Input((64, 64, 3), name="image")
    return Model(image, inception_module(image), name="inception")


def siamese() -> Model:
    encoder = Sequential(
        [
            Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(64),
        ],
        name="encoder",
    )
    one, two = Input((28, 28, 1), name="one"), Input((28, 28, 1), name="two")
    apart = layers.Subtract()([encoder(one), encoder(two)])
    same = layers.Dense(1, activation="sigmoid", name="same")(cornu.ops.abs(apart))
    return Model([one, two], same, name="siamese")


def vision(image):
    x = image
    for filters in (64, 128, 256):
        x = layers.Conv2D(filters, 3, activation="relu")(x)
        x = layers.MaxPooling2D()(x)
    return layers.Flatten()(x)


def language(question):
    x = layers.Embedding(10000, 256, mask_zero=True)(question)
    return layers.LSTM(256)(x)


def visual_question_answering() -> Model:
    image = Input((224, 224, 3), name="image")
    question = Input((100,), dtype="int32", name="question")
    both = layers.Concatenate()([vision(image), language(question)])
    answer = layers.Dense(1000, activation="softmax", name="answer")(both)
    return Model([image, question], answer, name="vqa")


def autoencoder() -> Model:
    pixels = Input((784,), name="pixels")
    h = layers.Dense(128, activation="relu")(pixels)
    encoder = Model(pixels, layers.Dense(32, name="code")(h), name="encoder")
    code = Input((32,), name="code_in")
    h = layers.Dense(128, activation="relu")(code)
    decoder = Model(code, layers.Dense(784, activation="sigmoid")(h), name="decoder")
    image = Input((784,), name="image")
    return Model(image, decoder(encoder(image)), name="autoencoder")


def double_conv(x, filters):
    for _ in range(2):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
    return x


def down(x, filters):
    x = double_conv(x, filters)
    return x, layers.MaxPooling2D()(x)


def up(x, skip, filters):
    x = layers.Concatenate()([skip, layers.UpSampling2D()(x)])
    return double_conv(x, filters)


def unet() -> Model:
    image = Input((128, 128, 3), name="image")
    x, skips = image, []
    for filters in (32, 64, 128):
        skip, x = down(x, filters)
        skips.append(skip)
    x = double_conv(x, 256)
    for filters in (128, 64, 32):
        x = up(x, skips.pop(), filters)
    return Model(image, layers.Conv2D(1, 1, activation="sigmoid", name="mask")(x), name="unet")


class Residual(layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.inner = layers.Dense(units, activation="relu")
        self.norm = layers.LayerNormalization()

    def call(self, x):
        return self.norm(x + self.inner(x))


class Classifier(Model):
    def __init__(self):
        super().__init__()
        self.enter, self.residual = layers.Dense(32), Residual(32, name="residual")
        self.leave = layers.Dense(10, activation="softmax")

    def features(self, x):
        return self.residual(self.enter(x))

    def call(self, x):
        return self.leave(self.features(x))


def subclass() -> Model:
    model = Classifier()
    model.build((None, 64))
    return model


def curves() -> History:
    """Trains a small model on the digits data set."""
    (x, y), _ = digits.load_data()
    cornu.utils.set_random_seed(0)
    model = Sequential(
        [
            Input(x.shape[1:]),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model.fit(x / x.max(), y, validation_split=0.2, epochs=20, verbose=0)


# File name -> a function that returns the model, and the keyword arguments of plot_model.
PICTURES = {
    "functional": (
        lambda: founding("functional.py", "model"),
        {"show_shapes": True, "show_layer_activations": True},
    ),
    "merge": (
        lambda: founding("sequential_merge.py", "final_model"),
        {"show_layer_names": True, "expand_nested": True},
    ),
    "bn_relu": (lambda: founding("bn_relu.py", "model"), {}),
    "inception": (inception, {"show_shapes": True}),
    "resnet50": (lambda: ResNet50(weights=None), {"depth": 1}),
    "resnet50_wide": (lambda: ResNet50(weights=None), {"depth": 1, "rankdir": "LR"}),
    "siamese": (siamese, {"expand_nested": True, "show_shapes": True}),
    "vqa": (visual_question_answering, {"show_shapes": True}),
    "autoencoder": (autoencoder, {"expand_nested": True, "show_layer_names": True}),
    "subclass": (subclass, {"expand_nested": True}),
    "unet": (unet, {"rankdir": "LR", "depth": 1}),
}


def main() -> None:
    """Generates all diagrams."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    os.chdir(ROOT)  # source locations in the diagrams are relative to the working directory
    keras1.install()
    for name, (make, kwargs) in PICTURES.items():
        plot_model(make(), FOLDER / f"{name}.svg", **kwargs)
        print(name)
    curves().plot(backend="svg").save(FOLDER / "curves.svg")
    print("curves")


if __name__ == "__main__":
    main()
