"""ONNX files of a CNN and of an LSTM compute the same in a browser."""

import numpy as np
import pytest

import cornu
from cornu import layers
from tests.export import browser

RNG = np.random.default_rng(0)


def cnn():
    x = cornu.Input((28, 28, 1), name="image")
    h = layers.Conv2D(16, 3, padding="same", use_bias=False)(x)
    h = layers.MaxPooling2D()(layers.ReLU()(layers.BatchNormalization()(h)))
    h = layers.Conv2D(32, 3, strides=2, activation="relu")(h)
    h = layers.GlobalAveragePooling2D()(h)
    return cornu.Model(x, layers.Dense(10, "softmax")(h))


def lstm():
    words = cornu.Input((None,), dtype="int32", name="words")
    x = layers.Embedding(50, 16, mask_zero=True)(words)
    x = layers.Bidirectional(layers.LSTM(16, return_sequences=True))(x)
    return cornu.Model(words, layers.Dense(2)(layers.LSTM(8)(x)))


def images(count):
    return {"image": RNG.normal(size=(count, 28, 28, 1)).astype("float32")}


def words(count):
    x = RNG.integers(1, 50, (count, 12)).astype("int32")
    x[0, 5:] = 0  # a shorter text
    return {"words": x}


MODELS = {"CNN": (cnn, images), "LSTM with masks": (lstm, words)}


def measure(folder):
    """Returns for each model the difference from the browser, its file's size and the times."""
    tasks, expected = [], []
    for number, (make, inputs) in enumerate(MODELS.values()):
        model, given = make(), inputs(3)
        for variable in model.weights:
            values = RNG.normal(size=variable.shape)
            is_variance = variable.name == "moving_variance"
            variable.assign(np.abs(values) + 0.5 if is_variance else 0.5 * values)
        file = f"model_{number}.onnx"
        model.export(folder / file, format="onnx", verbose=False)
        tasks.append((file, given))
        expected.append(np.asarray(model(next(iter(given.values())))))
    result = browser.run_in_browser(folder, tasks)
    rows = {}
    for name, (file, _), found, y in zip(MODELS, tasks, result["found"], expected, strict=True):
        (output,) = found["outputs"].values()
        difference = np.abs(np.reshape(output["values"], output["shape"]) - y).max()
        assert output["shape"] == list(y.shape) and np.ptp(y, axis=0).max() > 1e-3
        times = {key: found[key] for key in ("loading", "first", "each")}
        rows[name] = {"difference": float(difference), "size": (folder / file).stat().st_size}
        rows[name] |= times
    return rows, result["version"], result["agent"]


@pytest.mark.slow
def test_a_browser_computes_the_same(tmp_path):
    if reason := browser.missing():
        pytest.skip(reason)
    rows, _, _ = measure(tmp_path)
    assert all(row["difference"] < 1e-4 for row in rows.values()), rows
