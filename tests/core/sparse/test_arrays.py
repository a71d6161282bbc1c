"""Sparse arrays: ops compute with them, models and layers convert them."""

import numpy as np
import pytest
import scipy.sparse
from jax.experimental.sparse import BCOO, BCSR

import cornu
from cornu import layers, ops
from tests.sampling import slow_except

DENSE = np.array([[0, 0.5, 0], [0.25, 0, -0.75]], "float32")
SPARSE = BCOO.fromdense(DENSE, nse=5)  # padded with entries outside of the array
FORMATS = {
    "BCOO": lambda x: BCOO.fromdense(x),
    "batched BCOO": lambda x: BCOO.fromdense(x, n_batch=1),
    "BCSR": lambda x: BCSR.fromdense(x),
    "SciPy matrix": lambda x: scipy.sparse.csr_matrix(x),
    "SciPy array": lambda x: scipy.sparse.coo_array(x),
}


def test_conversions():
    assert ops.convert_to_tensor(SPARSE) is SPARSE
    assert ops.convert_to_tensor(SPARSE, "float16").dtype == "float16"
    assert ops.is_tensor(SPARSE)
    assert ops.shape(SPARSE) == (2, 3)
    for array in (ops.convert_to_tensor(SPARSE, sparse=False), ops.convert_to_numpy(SPARSE)):
        np.testing.assert_array_equal(array, DENSE)


class Subclassed(cornu.Model):
    def __init__(self):
        super().__init__()
        self.head = layers.Dense(2)

    def call(self, x):
        return self.head(x)


def functional(**kwargs):
    inputs = cornu.Input((3,), name="x", **kwargs)
    return cornu.Model(inputs, layers.Dense(2)(inputs))


@pytest.mark.parametrize("kind", slow_except(FORMATS, ["BCOO", "SciPy matrix"]))
def test_models_and_layers_take_sparse_arrays(kind):
    x = FORMATS[kind](DENSE)
    for model in (functional(), functional(sparse=True), Subclassed(), layers.Dense(2)):
        np.testing.assert_allclose(model(x), model(DENSE), 1e-6)
    model = cornu.Sequential([layers.Dense(2)])
    np.testing.assert_allclose(model(x), model(DENSE), 1e-6)
    a, b = cornu.Input((3,), sparse=True), cornu.Input((3,))
    model = cornu.Model({"a": a, "b": b}, layers.Add()([a, b]))
    np.testing.assert_allclose(model({"a": x, "b": DENSE}), 2 * DENSE, 1e-6)


def test_sparse_arrays_among_further_arguments_become_dense():
    steps = cornu.Input((5, 4))
    states = [cornu.Input((3,), sparse=True), cornu.Input((3,), sparse=True)]
    layer = cornu.layers.LSTM(3)
    model = cornu.Model([steps, *states], layer(steps, initial_state=states))
    rng = np.random.default_rng(0)
    x, h, c = (rng.normal(size=shape).astype("float32") for shape in ((2, 5, 4), (2, 3), (2, 3)))
    expected = np.asarray(layer(x, initial_state=[h, c]))
    got = model([x, BCOO.fromdense(h), BCOO.fromdense(c)])
    np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_sparse_inputs_keep_their_attribute(tmp_path):
    model = functional(sparse=True)
    model.compile("sgd", "mse")
    model.fit(SPARSE, np.ones((2, 2)), verbose=0)
    model.save(tmp_path / "m.keras")
    loaded = cornu.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(loaded.predict(SPARSE, verbose=0), model(DENSE), 1e-5)
    copies = (
        model,
        loaded,
        cornu.models.clone_model(model),
        cornu.Model.from_config(model.get_config()),
    )
    assert all(copy.inputs[0].sparse for copy in copies)
    assert cornu.KerasTensor((2,), sparse=True).sparse
    assert not cornu.Input((3,)).sparse
