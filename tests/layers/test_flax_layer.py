"""FlaxLayer: modules of flax.linen as layers."""

import keras
import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.saving import register_keras_serializable
from tests.conformance.faults import fault

linen = pytest.importorskip("flax.linen")

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
Y = X[:, :1] ** 2


class Net(linen.Module):
    """A module with state and dropout, described by its fields."""

    width: int = 4
    activation: object = linen.relu
    param_dtype: object = np.float32
    inner: linen.Module | None = None

    @linen.compact
    def __call__(self, inputs, training):
        x = linen.Dense(self.width, param_dtype=self.param_dtype)(inputs)
        x = linen.BatchNorm(use_running_average=not training)(x)
        x = linen.Dropout(0.5, deterministic=not training)(self.activation(x))
        if self.inner is not None:
            x = self.inner(x)
        return linen.Dense(1)(x)

    def double(self, inputs):
        return 2 * inputs


@register_keras_serializable()
class Plain(linen.Module):
    """A module without state, with a config of its own as Keras requires it."""

    width: int = 4

    @linen.compact
    def forward(self, inputs):
        return linen.Dense(1)(linen.relu(linen.Dense(self.width)(inputs)))

    def get_config(self):
        return {"width": self.width}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@register_keras_serializable()
def forward(module, inputs):
    return module.forward(inputs) + 1.0


def model_of(layer, library=cornu):
    x = library.Input((3,))
    return library.Model(x, layer(x))


def test_outputs_and_training_are_those_of_keras():
    module = Plain()
    ours, theirs = (
        model_of(k.layers.FlaxLayer(module, method=module.forward), k) for k in (cornu, keras)
    )
    theirs.set_weights(ours.get_weights())
    np.testing.assert_allclose(ours(X), theirs(X), atol=1e-6)
    losses = []
    for model in (ours, theirs):
        model.compile("sgd", "mse")
        history = model.fit(X, Y, batch_size=4, epochs=3, shuffle=False, verbose=0)
        losses.append(history.history["loss"])
    np.testing.assert_allclose(*losses, rtol=1e-5)


def test_state_is_updated_in_training_only():
    layer = layers.FlaxLayer(Net(), seed=1)
    model = model_of(layer)
    assert [w.name for w in layer.non_trainable_weights] == [
        "batch_stats.BatchNorm_0.mean",
        "batch_stats.BatchNorm_0.var",
    ]
    before = layer.state["batch_stats"]["BatchNorm_0"]["mean"].numpy()
    model.predict(X, verbose=0)
    np.testing.assert_array_equal(layer.non_trainable_weights[0], before)
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    assert not np.allclose(layer.non_trainable_weights[0], before)
    assert not np.allclose(layer(X, training=True), layer(X, training=True))


METHODS = {
    "bound": lambda module: module.forward,
    "name": lambda module: "forward",
    "function": lambda module: forward,
}


@pytest.mark.parametrize("method", METHODS)
def test_saved_and_loaded_with_a_method(method, tmp_path):
    module = Plain(width=3)
    model = model_of(layers.FlaxLayer(module, method=METHODS[method](module)))
    model.save(tmp_path / "model.keras")
    loaded = cornu.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(X), model(X))


def test_modules_without_get_config_are_described_by_their_fields(tmp_path):
    module = Net(width=5, param_dtype="float16", inner=linen.Dense(2, use_bias=False))
    model = model_of(layers.FlaxLayer(module))
    model.save(tmp_path / "model.keras")
    loaded = cornu.models.load_model(tmp_path / "model.keras", {"Net": Net})
    assert loaded.layers[-1].module.inner.features == 2
    np.testing.assert_array_equal(loaded(X), model(X))


def test_variables_of_the_program():
    variables = Plain().init({"params": np.zeros(2, "uint32")}, X, method="forward")
    layer = layers.FlaxLayer(Plain(), method="forward", variables=variables)
    assert layer.built
    np.testing.assert_allclose(layer(X), Plain().apply(variables, X, method="forward"), atol=1e-6)


@pytest.mark.slow
def test_files_are_exchanged_with_keras(tmp_path):
    for i, (writer, reader) in enumerate([(cornu, keras), (keras, cornu)]):
        module = Plain()
        model = model_of(writer.layers.FlaxLayer(module, method=module.forward), writer)
        path = str(tmp_path / f"{i}.keras")
        model.save(path)
        names = {"Plain": Plain, "Custom>Plain": Plain}
        loaded = reader.models.load_model(path, custom_objects=names)
        np.testing.assert_allclose(loaded(X), model(X), atol=1e-6)


@fault("layers.FlaxLayer")
def test_intermediate_values_are_discarded():
    class Sowing(linen.Module):
        @linen.compact
        def __call__(self, inputs):
            self.sow("intermediates", "x", inputs)
            return inputs

    np.testing.assert_array_equal(layers.FlaxLayer(Sowing())(X), X)
    with pytest.raises(Exception, match="(?i)mismatch|expected|structure"):
        keras.layers.FlaxLayer(Sowing())(X)


def test_errors():
    with pytest.raises(TypeError, match="must be an instance of flax.linen.Module"):
        layers.FlaxLayer(linen.Dense)
    with pytest.raises(ValueError, match="Plain has no method '__call__'"):
        layers.FlaxLayer(Plain())
    with pytest.raises(ValueError, match="Plain has no method '_private'"):
        layers.FlaxLayer(Plain(), method="_private")
