"""Models in `.h5` files, which Keras 3 reads and writes."""

import h5py
import keras
import numpy as np
import pytest

import cornu

X = np.random.default_rng(0).normal(size=(4, 6, 3)).astype("float32")
TARGETS = [np.ones((4, 2), "float32"), np.zeros((4, 1), "float32")]


def network(library):
    layers = library.layers
    x = library.Input((6, 3))
    y = layers.BatchNormalization()(layers.LSTM(4, return_sequences=True)(x))
    inner = library.Sequential([library.Input((6, 4)), layers.Conv1D(3, 2)], name="inner")
    y = layers.GlobalAveragePooling1D()(inner(y))
    model = library.Model(x, [layers.Dense(2, name="a")(y), layers.Dense(1, name="b")(y * 2)])
    losses = ["mean_squared_error", "mean_absolute_error"]
    model.compile(library.optimizers.Adam(0.01), losses, metrics=[["mae"], ["mse"]])
    model.train_on_batch(X, TARGETS)
    return model


@pytest.mark.parametrize("writer, reader", [(cornu, keras), (keras, cornu), (cornu, cornu)])
def test_models_in_hdf5_files_are_exchanged_with_keras(tmp_path, writer, reader):
    model = network(writer)
    model.save(tmp_path / "model.h5")
    loaded = reader.models.load_model(tmp_path / "model.h5")
    for a, b in zip(model.predict(X, verbose=0), loaded.predict(X, verbose=0), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    if reader is cornu:  # Keras builds the optimizer without Variables
        assert int(np.asarray(loaded.optimizer.iterations)) == 1
        for each in (model, loaded):
            each.train_on_batch(X, TARGETS)
        for a, b in zip(model.predict(X, verbose=0), loaded.predict(X, verbose=0), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)


def test_abbreviations_of_losses_are_written_in_full(tmp_path):
    model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.save(tmp_path / "model.hdf5")
    with h5py.File(tmp_path / "model.hdf5") as file:
        assert '"mean_squared_error"' in file.attrs["training_config"]
    assert cornu.models.load_model(tmp_path / "model.hdf5").loss == "mean_squared_error"
    model.save(tmp_path / "bare.h5", include_optimizer=False)
    assert cornu.models.load_model(tmp_path / "bare.h5").optimizer is None


def test_files_of_layers_do_not_fit_into_hdf5(tmp_path):
    words = cornu.layers.StringLookup(vocabulary=["a", "b"])
    model = cornu.Sequential([cornu.Input((1,), dtype="string"), words])
    with pytest.raises(ValueError, match=r"store files of their own.*ends in '.keras'"):
        model.save(tmp_path / "model.h5")
    assert not list(tmp_path.iterdir())
