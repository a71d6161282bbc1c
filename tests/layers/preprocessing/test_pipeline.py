"""Pipeline: phase, masks, and use in a model."""

import numpy as np
import pytest

import cornu
from cornu.layers import Dense, Dropout, Embedding, GlobalAveragePooling1D, Pipeline, Rescaling

X = np.ones((4, 50), "float32")


def test_it_calls_its_layers_with_training_true_by_default():
    pipeline = Pipeline([Rescaling(2.0), Dropout(0.5)])
    assert (np.asarray(pipeline(X)) == 0).any()
    assert (np.asarray(pipeline(X, training=False)) == 2).all()
    model = cornu.Sequential([cornu.Input((50,)), pipeline])
    assert (model.predict(X, verbose=0) == 2).all()


def test_masks_go_through():
    x = np.array([[1, 0, 0], [2, 1, 0]])
    embedding, pool = Embedding(3, 2, mask_zero=True), GlobalAveragePooling1D()
    alone = pool(embedding(x))
    np.testing.assert_allclose(Pipeline([embedding, pool])(x), alone, rtol=1e-6)
    doubled = pool(Pipeline([Rescaling(2.0)])(embedding(x)))
    np.testing.assert_allclose(doubled, 2 * np.asarray(alone), rtol=1e-6)


def test_a_model_keeps_its_weights(tmp_path):
    pipeline = Pipeline([Rescaling(0.5), Dense(3)])
    inputs = cornu.Input((50,))
    model = cornu.Model(inputs, pipeline(inputs))
    model.save(tmp_path / "model.keras")
    loaded = cornu.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(X), model(X))
    assert pytest.approx(model(X)) == pipeline(X)
