"""Demo: trains a dense functional model and a small ResNet on handwritten digits."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from cornu.core.graph.tensor import Tensor
from cornu.datasets import digits
from cornu.layers import (
    Activation,
    Add,
    BatchNormalization,
    Conv2D,
    Dense,
    GlobalAveragePooling2D,
    Input,
)
from cornu.models import Model
from cornu.utils import set_random_seed, to_categorical

__all__ = ["run"]


def run(folder: Path) -> None:
    """Trains both models, saves their weights in `folder`, and prints the results."""
    set_random_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    # Pixels are integers from 0 to 16: center them, and scale them to about unit variance.
    mean = x_train.mean(axis=0, dtype="float32")
    x_train, x_test = (x_train - mean) / np.float32(8), (x_test - mean) / np.float32(8)
    y_train = np.asarray(to_categorical(y_train, 10))
    y_test = np.asarray(to_categorical(y_test, 10))
    print(
        f"Handwritten digits (UCI, 8x8 pixels): {len(x_train)} for training, "
        f"{len(x_test)} for testing.\n"
    )
    _run_dense(folder, x_train, y_train, x_test, y_test)
    _run_residual(folder, x_train[..., None], y_train, x_test[..., None], y_test)


def _run_dense(
    folder: Path, x_train: np.ndarray, y_train: np.ndarray, x_test: np.ndarray, y_test: np.ndarray
) -> None:
    print("1. The functional model: Dense 64, Dense 64, softmax.\n")
    model = dense_model()
    model.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
    model.summary()
    x_train, x_test = x_train.reshape(len(x_train), -1), x_test.reshape(len(x_test), -1)
    began = time.perf_counter()
    model.fit(x_train, y_train, epochs=30, batch_size=32, verbose=0)
    seconds = time.perf_counter() - began
    accuracy = model.evaluate(x_test, y_test, verbose=0)[1]
    print(f"\n   Trained for 30 epochs in {seconds:.1f} s. Test accuracy: {accuracy:.4f}")
    _require(accuracy > 0.95, f"the test accuracy {accuracy:.4f} is not above 0.95")

    path = folder / "dense.weights.h5"
    model.save_weights(path)
    other = dense_model()
    other.load_weights(path)
    same = all(
        np.array_equal(a, b) for a, b in zip(model.get_weights(), other.get_weights(), strict=True)
    )
    _require(same, "the loaded weights differ from the saved weights")
    _require(np.array_equal(model.predict(x_test), other.predict(x_test)), "the predictions differ")
    print(
        f"   Weights saved to {path} and loaded into a new model: same weights, same predictions.\n"
    )


def _run_residual(
    folder: Path, x_train: np.ndarray, y_train: np.ndarray, x_test: np.ndarray, y_test: np.ndarray
) -> None:
    print("2. A small ResNet, with blocks written as functions.\n")
    model = residual_model()
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    model.summary()
    began = time.perf_counter()
    model.fit(x_train, y_train, epochs=8, batch_size=32, verbose=2)
    accuracy = model.evaluate(x_test, y_test, verbose=0)[1]
    print(f"\n   Trained in {time.perf_counter() - began:.1f} s. Test accuracy: {accuracy:.4f}")
    path = folder / "resnet.weights.h5"
    model.save_weights(path)
    print(f"   Weights saved to {path}.")


def dense_model() -> Model:
    """Returns a dense classifier for 64 pixels."""
    inputs = Input(shape=(64,))
    x = Dense(64, activation="relu")(inputs)
    x = Dense(64, activation="relu")(x)
    predictions = Dense(10, activation="softmax")(x)
    return Model(inputs, predictions)


def bn_relu(x: Tensor) -> Tensor:
    """Applies batch normalization, then ReLU."""
    # The moving averages must converge within the few steps of this demo.
    return Activation("relu")(BatchNormalization(momentum=0.8)(x))


def conv_bn_relu(x: Tensor, filters: int, stride: int = 1) -> Tensor:
    """Applies a 3x3 convolution, then `bn_relu`."""
    return bn_relu(Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)(x))


def residual_block(x: Tensor, filters: int, stride: int = 1) -> Tensor:
    """Adds two convolutions to a shortcut."""
    shortcut = x
    if stride > 1:
        shortcut = Conv2D(filters, 1, strides=stride, use_bias=False)(x)
    x = conv_bn_relu(x, filters, stride)
    x = Conv2D(filters, 3, padding="same", use_bias=False)(x)
    return bn_relu(Add()([shortcut, x]))


def residual_model() -> Model:
    """Returns a residual network for 8x8 images."""
    inputs = Input(shape=(8, 8, 1))
    x = conv_bn_relu(inputs, 16)
    x = residual_block(x, 16)
    x = residual_block(x, 16)
    x = residual_block(x, 32, stride=2)
    x = residual_block(x, 32)
    x = GlobalAveragePooling2D()(x)
    return Model(inputs, Dense(10, activation="softmax")(x))


def _require(condition: bool, problem: str) -> None:
    if not condition:
        raise SystemExit(f"cornu demo: {problem}.")
