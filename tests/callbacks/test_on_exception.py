"""OnException saves the model and reraises the error."""

from __future__ import annotations

import numpy as np
import pytest

import cornu
from cornu.callbacks import Callback, OnException

X, Y = np.ones((8, 2), "float32"), np.ones((8, 1), "float32")


def tiny():
    model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("name", ["model.keras", "w.weights.h5", "w.safetensors", "w.npz"])
def test_the_model_is_saved(tmp_path, name):
    keep, model = OnException(tmp_path / name), tiny()
    keep.set_model(model)
    error = ValueError("bad batch")
    keep.on_train_exception(error)
    assert error.__notes__ == [f"OnException: the model was saved to '{tmp_path / name}'."]
    if name.endswith(".keras"):
        other = cornu.saving.load_model(tmp_path / name)
    else:
        other = tiny()
        other.load_weights(tmp_path / name)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_first_error_is_raised_even_if_saving_fails(tmp_path):
    (tmp_path / "file").write_text("")
    keep = OnException(tmp_path / "file" / "model.keras")
    keep.set_model(tiny())
    error = KeyboardInterrupt()
    keep.on_train_exception(error)
    (note,) = error.__notes__
    assert "could not be saved" in note and "Error" in note


def test_other_endings_are_rejected():
    with pytest.raises(ValueError, match=r"filepath must end in .keras .* Received: 'model.pt'"):
        OnException("model.pt")


class Fail(Callback):
    """Raises an error after an epoch."""

    def __init__(self, error):
        self.error = error

    def on_epoch_end(self, epoch, logs=None):
        self.weights = self.model.get_weights()
        raise self.error


@pytest.mark.parametrize("error", [RuntimeError("full"), KeyboardInterrupt()])
def test_through_fit(tmp_path, error):
    path, fail = tmp_path / "model.keras", Fail(error)
    with pytest.raises(type(error)) as caught:
        tiny().fit(X, Y, epochs=2, verbose=0, callbacks=[OnException(path), fail])
    assert any("was saved to" in note for note in caught.value.__notes__)
    saved = cornu.saving.load_model(path).get_weights()
    for a, b in zip(saved, fail.weights, strict=True):
        np.testing.assert_array_equal(a, b)
