"""Subclasses of Layer and Model: build, sublayers, losses, configs."""

import inspect

import keras
import numpy as np
import pytest

import cornu
from cornu import Input, Model, Sequential, layers
from cornu.layers import Dense

X = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
Y = np.ones((6, 2), "float32")


class Scale(cornu.Layer):
    def __init__(self, start=1.0, **kwargs):
        super().__init__(**kwargs)
        self.start = start

    def build(self, input_shape):
        self.factor = self.add_weight(
            shape=input_shape[-1:], initializer=cornu.initializers.Constant(self.start)
        )

    def call(self, inputs):
        return inputs * self.factor


class Lazy(Model):
    """Makes its layers in `call`."""

    def __init__(self):
        super().__init__()
        self.parts = {}

    def call(self, x, training=None):
        if "a" not in self.parts:
            self.parts["a"] = Dense(5, activation="relu")
            self.parts["b"] = [Dense(2), layers.Dropout(0.1)]
        return self.parts["b"][1](self.parts["b"][0](self.parts["a"](x)))


class Forgetful(Model):
    """Does not call super().__init__()."""

    def __init__(self, units):
        self.dense = Dense(units)

    def call(self, x):
        return self.dense(x)


def test_a_custom_layer():
    layer = Scale(2.0)
    assert layer(X).tolist() == (X * 2).tolist()
    assert layer.get_config() == {
        "name": "scale",
        "trainable": True,
        "dtype": "float32",
        "start": 2.0,
    }
    again = Scale.from_config(layer.get_config())
    assert again.start == 2.0 and not again.built
    x = Input((4,))
    model = Model(x, Dense(2)(Scale()(x)))
    assert model.count_params() == 14 and model.weights[0].path.startswith("scale_1/")


@pytest.mark.parametrize("make", [Lazy, lambda: Forgetful(2)])
def test_lazily_built_sublayers_train(make):
    model = make()
    model.compile("adam", "mse")
    before = model.evaluate(X, Y, verbose=0)
    model.fit(X, Y, epochs=20, verbose=0)
    assert model.evaluate(X, Y, verbose=0) < before
    assert model.predict(X).shape == (6, 2)
    assert len(model.trainable_weights) in (2, 4)


def test_a_symbolic_call_builds_everything():
    x = Input((4,))
    inner = Lazy()
    model = Model(x, inner(x))
    assert model.output_shape == (None, 2) and len(model.weights) == 4
    paths = [w.path for w in model.weights]
    assert paths[0] == "lazy/dense/kernel"


def test_training_reaches_sublayers():
    class Net(Model):
        def __init__(self):
            super().__init__()
            self.drop = layers.Dropout(0.5)

        def call(self, x):
            return self.drop(x)

    net = Net()
    ones = np.ones((8, 8), "float32")
    assert np.array_equal(net(ones), ones)
    assert not np.array_equal(net(ones, training=True), ones)
    assert not np.array_equal(net(ones, training=True), net(ones, training=True))


def test_add_loss_and_regularizers_are_counted():
    class Net(Model):
        def __init__(self):
            super().__init__()
            self.dense = Dense(2, kernel_regularizer=cornu.regularizers.L2(0.5))

        def call(self, x):
            self.add_loss(7.0)
            return self.dense(x)

    net = Net()
    net.compile("sgd", "mse")
    total = net.evaluate(X, Y, verbose=0)
    plain = float(np.mean((net.predict(X) - Y) ** 2))
    penalty = 0.5 * float(np.sum(net.weights[0].numpy() ** 2))
    assert total == pytest.approx(plain + penalty + 7.0, rel=1e-5)
    net(X)
    assert len(net.losses) == 2


def test_multiple_inputs_and_build_by_name():
    class Mix(cornu.Layer):
        def build(self, a_shape, b_shape):
            self.kernel = self.add_weight(shape=(a_shape[-1], b_shape[-1]))

        def call(self, a, b):
            return a @ self.kernel + b

    a, b = Input((3,)), Input((2,))
    assert Mix()(a, b).shape == (None, 2)
    assert Mix()(a, b=b).shape == (None, 2)


def test_dtype_policies():
    x = Input((4,))
    layer = Dense(3, dtype="mixed_bfloat16")
    assert layer(x).dtype == "bfloat16" and layer.kernel.dtype == "float32"
    assert Dense(3, dtype="bfloat16")(x).dtype == "bfloat16"
    assert layer(X).dtype == "bfloat16"


def test_the_class_captures_its_constructor_call():
    class Block(cornu.Layer):
        def __init__(self, units, activation="relu", *, rate=0.1, **kwargs):
            super().__init__(**kwargs)
            self.dense = Dense(units, activation=activation)

        def call(self, x):
            return self.dense(x)

    config = Block(4, rate=0.3, name="b").get_config()
    assert config["units"] == 4 and config["rate"] == 0.3 and config["name"] == "b"
    assert Block.from_config(config).get_config() == config


def test_an_unknown_argument_is_named():
    with pytest.raises(TypeError, match="Dense has no argument 'actvation'. Did you mean 'activ"):
        Dense(3, actvation="relu")


def test_set_weights_rejects_and_changes_nothing():
    layer = Dense(3)
    layer(X)
    before = layer.get_weights()
    with pytest.raises(ValueError, match="No weight was changed"):
        layer.set_weights([np.zeros((4, 3)), np.zeros(2)])
    with pytest.raises(ValueError, match="has 2 weights; received 1"):
        layer.set_weights([np.zeros((4, 3))])
    assert all(np.array_equal(a, b) for a, b in zip(before, layer.get_weights(), strict=True))
    with pytest.raises(ValueError, match="is not built"):
        Dense(3).count_params()


def test_stateless_call():
    layer = layers.BatchNormalization()
    layer.build((None, 4))
    trained = [v.value for v in layer.trainable_variables]
    rest = [v.value for v in layer.non_trainable_variables]
    outputs, after = layer.stateless_call(trained, rest, X, training=True)
    assert outputs.shape == X.shape
    assert not np.array_equal(after[0], rest[0])
    assert np.array_equal(layer.moving_mean.numpy(), rest[0])


def test_build_by_shape_and_compute_output_shape():
    model = Lazy()
    model.build((None, 4))
    assert model.built and model.count_params() == 37
    assert Dense(3).compute_output_shape((None, 4)) == (None, 3)
    assert layers.Concatenate().compute_output_shape([(None, 2), (None, 3)]) == (None, 5)


def test_layers_that_are_never_reached_are_named():
    class Net(Model):
        def __init__(self):
            super().__init__()
            self.used, self.unused = Dense(2), [Dense(3, name="idle")]

        def call(self, x):
            return self.used(x)

    net = Net()
    net.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="does not use: 'idle'"):
        net.fit(X, Y, verbose=0)


def test_the_signature_of_a_model_is_that_of_its_constructor():
    class Net(Model):
        def __init__(self, units, depth=2):
            super().__init__()

    assert list(inspect.signature(Net).parameters) == ["units", "depth"]
    assert next(iter(inspect.signature(Model).parameters)) == "inputs"
    assert next(iter(inspect.signature(Sequential).parameters)) == "layers"


@pytest.mark.parametrize("library", [cornu, keras], ids=["cornu", "keras"])
def test_an_own_build_may_call_that_of_the_base_class(library):
    class Scaled(library.Model):
        def __init__(self):
            super().__init__()
            self.dense = library.layers.Dense(2)
            self.builds = 0

        def build(self, input_shape):
            self.builds += 1
            self.scale = self.add_weight(shape=(2,), name="scale", initializer="ones")
            super().build(input_shape)

        def call(self, x):
            return self.dense(x) * self.scale

    called, fitted, built = Scaled(), Scaled(), Scaled()
    assert called(np.ones((4, 3), "float32")).shape == (4, 2)
    fitted.compile("sgd", "mse")
    fitted.fit(np.ones((4, 3), "float32"), np.ones((4, 2), "float32"), verbose=0)
    built.build((None, 3))
    built(np.ones((4, 3), "float32"))
    for model in (called, fitted, built):
        assert model.built and model.builds == 1 and len(model.weights) == 3
