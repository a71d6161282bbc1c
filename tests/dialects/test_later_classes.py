"""Losses and metrics of Keras 2.3 and tf.keras: constructors and methods of the time."""

import numpy as np
import pytest

from cornu import losses as modern_losses
from cornu.dialects.keras2 import load

VERSIONS = ("2.3.1", "2.15.0")


@pytest.mark.parametrize("version", VERSIONS)
def test_losses_of_programs(version):
    losses = load(version).losses

    class Own(losses.Loss):
        def call(self, y_true, y_pred):
            return abs(y_true - y_pred)

    own = Own("sum", "own")
    assert own.name == "own" and float(own(np.ones(3), np.zeros(3))) == 3.0
    smooth = losses.BinaryCrossentropy(False, 0.1, reduction=losses.Reduction.NONE)
    assert isinstance(own, losses.Loss) and isinstance(smooth, losses.Loss)
    stored = {"class_name": "BinaryCrossentropy", "config": smooth._stored_config_()}
    assert modern_losses.get(stored)
    again = losses.deserialize(losses.serialize(smooth))
    assert type(again) is losses.BinaryCrossentropy and again.get_config() == smooth.get_config()
    np.testing.assert_array_equal(again(np.eye(2), np.eye(2)), smooth(np.eye(2), np.eye(2)))
    with pytest.raises(TypeError, match="has no argument 'dtype'"):
        losses.Loss(dtype="float32")


def test_automatic_reduction():
    losses = load("2.15.0").losses
    automatic = losses.MeanSquaredError(reduction=losses.Reduction.AUTO)
    assert automatic.get_config()["reduction"] == "auto"
    assert automatic.reduction == automatic._stored_config_()["reduction"] == "sum_over_batch_size"
    assert float(automatic([[1.0], [3.0]], [[0.0], [0.0]])) == 5.0
    with pytest.raises(ValueError, match="reduction must be in"):
        losses.Reduction.validate("average")


@pytest.mark.parametrize("version", VERSIONS)
def test_metrics_of_programs(version):
    metrics = load(version).metrics

    class Counted(metrics.Metric):
        resets = 0

        def __init__(self, name="counted", **kwargs):
            super().__init__(name, **kwargs)
            self.total = self.add_weight("total", initializer="zeros")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.total.assign_add(1.0)

        def result(self):
            return self.total

        def reset_states(self):
            self.resets += 1
            super().reset_states()

    metric = Counted()
    metric.update_state(1, 1)
    metric.reset_state()
    metric.reset_states()
    assert metric.resets == 2 and float(metric.result()) == 0.0

    class Renamed(metrics.Mean):
        was_reset = False

        def reset_state(self):
            self.was_reset = True
            super().reset_state()

    renamed = Renamed()
    renamed.reset_states()
    assert renamed.was_reset
    assert isinstance(metrics.AUC(), metrics.Metric) and isinstance(metric, metrics.Metric)
    assert metrics.KLDivergence().name == "kullback_leibler_divergence"


def test_metrics_are_not_kept_between_batches():
    keras = load("2.3.1")
    model = keras.models.Sequential([keras.layers.Dense(1, input_dim=2)])
    model.compile("sgd", "mse")
    x, y = np.ones((2, 2)), np.ones((2, 1))
    with pytest.warns(UserWarning, match="reset_metrics=False has no effect"):
        model.test_on_batch(x, y, reset_metrics=False)
    with pytest.raises(TypeError, match="another"):
        model.train_on_batch(x, y, another=1)
    seen = []
    callback = keras.callbacks.LambdaCallback()
    callback.on_test_end = lambda logs=None: seen.append("test")
    callback.on_predict_end = lambda logs=None: seen.append("predict")
    model.evaluate_generator(iter([(x, y)]), steps=1, callbacks=[callback])
    model.predict_generator(iter([x]), steps=1, callbacks=[callback])
    assert seen == ["test", "predict"]


def test_parts_of_tensorflow():
    keras = load("2.15.0")
    assert keras.regularizers.l1(l1=0.5).l1 == 0.5
    assert keras.initializers.get("glorot_uniform").__class__.__name__ == "GlorotUniform"
    found = keras.activations.deserialize("mine", custom_objects={"mine": abs})
    assert found is abs
    with pytest.warns(UserWarning, match="use_legacy_format has no effect"):
        keras.layers.serialize(keras.layers.Dense(2), use_legacy_format=True)
    assert keras.optimizers.Adam(0.1, jit_compile=True).get_config()["learning_rate"] > 0
    with pytest.raises(TypeError, match=r"deserialize\(\) .*its parameters are \(config"):
        keras.layers.deserialize()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("by_name", [True, False])
def test_models_take_labels_as_indices(version, by_name):
    keras = load(version)
    name = "sparse_categorical_crossentropy"
    loss = name if by_name else getattr(keras.losses, name)
    model = keras.models.Sequential(
        [keras.layers.Dense(3, activation="softmax", input_shape=(4,), use_bias=False)]
    )
    model.compile("sgd", loss, metrics=["accuracy", name])
    x = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
    probabilities = model.predict(x)
    labels = np.arange(6)[:, None] % 3
    expected = -np.log(np.take_along_axis(probabilities, labels, 1)).mean()
    found = model.test_on_batch(x, labels)
    np.testing.assert_allclose(found[0], expected, rtol=1e-5)
    np.testing.assert_allclose(found[1], (probabilities.argmax(1) == labels[:, 0]).mean())
    np.testing.assert_allclose(found[2], expected, rtol=1e-5)


def test_methods_of_tensorflow(tmp_path):
    keras = load("2.15.0")
    model = keras.models.Sequential([keras.layers.Dense(1, input_shape=(2,))])
    model.compile(keras.optimizers.SGD(0.5), "mse", ["mae"], None, None, True)
    assert model.run_eagerly
    model.compile(keras.optimizers.SGD(0.5), "mse", ["mae"])
    x, y = np.ones((4, 2)), np.zeros((4, 1))
    assert model.evaluate(x, y, 4, 0, return_dict=True).keys() == {"loss", "mae"}
    assert model.train_on_batch(x, y, return_dict=True).keys() == {"loss", "mae"}
    assert model.test_on_batch(x, y, None, True, True).keys() == {"loss", "mae"}
    assert model.predict(x, 4, 0, None, None, 10, 1).shape == (4, 1)
    history = model.fit(x, y, 2, 1, 0, None, 0.0, (x, y), True, None, None, 0, None, 1, 2)
    assert "val_loss" in history.history
    with pytest.raises(TypeError, match=r"evaluate\(\) .*its parameters are"):
        model.evaluate(x, y, x=x)
    with pytest.warns(UserWarning, match="save_format has no effect"):
        keras.models.save_model(model, tmp_path / "model.h5", save_format="h5")
    again = keras.models.load_model(tmp_path / "model.h5", safe_mode=True)
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_optimizers_of_tensorflow():
    keras = load("2.15.0")
    adam = keras.optimizers.Adam(0.25, 0.5)
    assert float(adam.lr) == 0.25 and adam.beta_1 == 0.5
    adam.lr = 0.5
    config = adam.get_config()
    assert (config["learning_rate"], config["name"], config["jit_compile"]) == (0.5, "Adam", False)
    assert float(keras.optimizers.Lion().lr) == np.float32(0.0001)
    old = keras.optimizers.legacy.Adam(0.25)
    assert old.get_weights() == [v.numpy() for v in old.variables] and float(old.lr) == 0.25
    assert old.get_config()["learning_rate"] == 0.25


def test_layers_of_tensorflow_by_position():
    layers = load("2.15.0").layers
    attention = layers.MultiHeadAttention(2, 3, None, 0.0, True, None, None, "zeros")
    assert attention.get_config()["kernel_initializer"]["class_name"] == "Zeros"
    discretization = layers.Discretization(num_bins=2)
    discretization.adapt(np.array([1.0, 2.0, 3.0, 4.0]), 2)
    assert len(discretization.get_config()["bin_boundaries"]) == 1
    utils = load("2.15.0").utils
    found = utils.serialize_keras_object(layers.LeakyReLU(0.5))
    assert found["config"]["alpha"] == 0.5 and found["module"] == "keras.layers"
    again = utils.deserialize_keras_object(found)
    assert isinstance(again, layers.LeakyReLU) and again.get_config() == found["config"]


def test_optimizers_of_tf_keras_are_classes_that_programs_derive_from():
    keras = load("2.15.0")

    class Scaled(keras.optimizers.Adam):
        def __init__(self, learning_rate=0.1, factor=2, name="Scaled", **kwargs):
            super().__init__(learning_rate=learning_rate, name=name, **kwargs)
            self.factor = factor

        def get_config(self):
            return dict(super().get_config(), factor=self.factor)

    config = Scaled(factor=3).get_config()
    assert config["factor"] == 3 and config["name"] == "Scaled" and "lr" not in config
    again = Scaled.from_config(config)
    assert again.get_config() == config and isinstance(again, keras.optimizers.Adam)
    decaying = keras.optimizers.SGD(0.5, decay=0.5)
    for made in (again, decaying, keras.optimizers.legacy.SGD()):
        assert isinstance(made, keras.optimizers.Optimizer)
    assert isinstance(decaying, keras.optimizers.SGD) and not isinstance(again, type(decaying))
    serialized = keras.optimizers.serialize(keras.optimizers.Adam(0.5))
    assert type(keras.optimizers.deserialize(serialized)) is keras.optimizers.Adam


def test_registered_classes_precede_those_of_the_version():
    # One table for all kinds of objects: `deserialize` returns the class of the program.
    keras = load("2.15.0")
    for module, name in (
        ("initializers", "HeNormal"),
        ("losses", "MeanSquaredError"),
        ("metrics", "Mean"),
        ("optimizers", "SGD"),
    ):
        known = getattr(vars(keras)[module], name)
        config = known().get_config()
        described = {"class_name": name, "config": config}
        deserialize = vars(keras)[module].deserialize
        assert type(deserialize(described)) is type(known())
        own = type(name, (known,), {"__module__": __name__})
        found = deserialize(described, custom_objects={name: own})
        assert type(found) is own, (module, type(found))
