"""TFSMLayer: endpoints of SavedModels of TensorFlow and of cornu as layers."""

import sys

import numpy as np
import pytest

import cornu
from cornu import layers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 3)).astype("float32")
OBJECTS = {"TFSMLayer": layers.TFSMLayer}


@pytest.fixture(scope="module")
def tensorflow():
    return pytest.importorskip("tensorflow", reason="TensorFlow is not installed")


@pytest.fixture(scope="module")
def saved(tensorflow, tmp_path_factory):
    """Returns the folder of a SavedModel with several endpoints."""
    spec = tensorflow.TensorSpec

    class Module(tensorflow.Module):
        def __init__(self):
            self.kernel = tensorflow.Variable(np.eye(3, 2, dtype="float32"), name="kernel")
            self.bias = tensorflow.Variable([1.0, 2.0], trainable=False, name="bias")

        @tensorflow.function(input_signature=[spec((None, 3))])
        def serve(self, x):
            return tensorflow.nn.relu(x @ self.kernel + self.bias)

        @tensorflow.function(input_signature=[spec((None, 3))])
        def double(self, x):
            return 2 * self.serve(x)

        @tensorflow.function(input_signature=[spec((None, 3), name="a"), spec((None,), name="b")])
        def two(self, a, b):
            return {"sum": a @ self.kernel + b[:, None], "b": b}

        @tensorflow.function(input_signature=[spec((None,), tensorflow.string)])
        def text(self, x):
            return tensorflow.strings.length(x)

    path = tmp_path_factory.mktemp("saved") / "module"
    module = Module()
    tensorflow.saved_model.save(module, str(path), signatures={"two": module.two})
    return path


def expected(x, kernel=None):
    kernel = np.eye(3, 2) if kernel is None else kernel
    return np.maximum(x @ kernel + [1, 2], 0)


pytestmark = pytest.mark.slow  # importing TensorFlow takes ten seconds


def test_a_layer_in_a_model(saved, tmp_path):
    layer = layers.TFSMLayer(saved, call_training_endpoint="double")
    assert [(w.name, w.trainable) for w in layer.weights] == [("kernel", True), ("bias", False)]
    np.testing.assert_allclose(layer(X), expected(X), rtol=1e-6)
    np.testing.assert_allclose(layer(X, training=True), 2 * expected(X), rtol=1e-6)

    inputs = cornu.Input((3,))
    model = cornu.Model(inputs, layers.Dense(1)(layer(inputs)))
    assert layer(inputs).shape == (None, 2)
    model.compile(cornu.optimizers.SGD(0.01), "mse")
    before = np.asarray(layer.weights[0].value)
    model.fit(X, X[:, :1], epochs=2, batch_size=4, verbose=0)
    after = np.asarray(layer.weights[0].value)
    assert np.abs(after - before).max() > 1e-4
    np.testing.assert_allclose(layer(X), expected(X, after), rtol=1e-5, atol=1e-6)

    model.save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="If you trust it, pass"):
        cornu.models.load_model(tmp_path / "model.keras")
    other = cornu.models.load_model(tmp_path / "model.keras", custom_objects=OBJECTS)
    np.testing.assert_array_equal(other.predict(X, verbose=0), model.predict(X, verbose=0))
    copied = cornu.models.clone_model(model)
    assert copied.count_params() == model.count_params()


def test_gradients_are_those_of_tensorflow(saved, tensorflow):
    import jax

    layer = layers.TFSMLayer(saved)
    found = jax.grad(lambda x: (layer(x) ** 2).sum())(X)
    loaded = tensorflow.saved_model.load(str(saved))
    with tensorflow.GradientTape() as tape:
        x = tensorflow.constant(X)
        tape.watch(x)
        y = tensorflow.reduce_sum(loaded.serve(x) ** 2)
    np.testing.assert_allclose(found, tape.gradient(y, x), rtol=1e-6)


def test_several_inputs_and_outputs(saved):
    layer = layers.TFSMLayer(saved, "two")
    b = X[:, 0]
    for inputs in ({"b": b, "a": X}, [X, b]):
        found = layer(inputs)
        assert set(found) == {"sum", "b"}
        np.testing.assert_allclose(found["sum"], X[:, :2] + b[:, None], rtol=1e-6)
    with pytest.raises(ValueError, match="the endpoint has the inputs"):
        layer(X)
    with pytest.raises(ValueError, match="expected inputs with the names"):
        layer({"a": X, "c": b})


def test_what_cornu_exported(tensorflow, tmp_path):
    inputs = cornu.Input((None, 3))
    model = cornu.Model(inputs, layers.Dense(2)(layers.LSTM(4, return_sequences=True)(inputs)))
    model.export(tmp_path / "saved", verbose=False)
    layer = layers.TFSMLayer(tmp_path / "saved")
    other = cornu.Sequential([cornu.Input((None, 3)), layer])
    for shape in ((2, 4, 3), (3, 1, 3)):
        x = RNG.normal(size=shape).astype("float32")
        np.testing.assert_allclose(other.predict(x, verbose=0), model(x), rtol=1e-5, atol=1e-6)


def test_what_is_refused(saved, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="no endpoint 'serves'. Did you mean 'serve'"):
        layers.TFSMLayer(saved, "serves")
    with pytest.raises(NotImplementedError, match="'text' has strings, which XLA cannot compile"):
        layers.TFSMLayer(saved, "text")
    with pytest.raises(FileNotFoundError, match="is not a directory"):
        layers.TFSMLayer(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="is damaged or no SavedModel"):
        layers.TFSMLayer(tmp_path / "empty")
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(ImportError, match=r"pip install 'cornu\[ecosystem\]'"):
        layers.TFSMLayer(saved)
