"""Configs and clones of models."""

import json

import numpy as np
import pytest

import cornu
from cornu import Input, Model, layers, ops
from cornu.layers import Dense
from cornu.models import clone_model

X = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")


def branched():
    x = Input((4,), name="x")
    shared = Dense(4, activation="relu")
    y = shared(shared(x)) + 1
    z = layers.Concatenate()([y[:, :2], ops.relu(x * 2)])
    inner_in = Input((6,))
    inner = Model(inner_in, Dense(3)(inner_in), name="inner")
    return Model({"x": x}, {"out": inner(z), "raw": ops.concatenate([x, y], axis=-1)})


def sequence():
    ids = Input((5,), dtype="int32")
    x = layers.Embedding(7, 4, mask_zero=True)(ids)
    return Model(ids, layers.LSTM(3)(layers.Dropout(0.2)(x)))


def same(a, b, value):
    b.set_weights(a.get_weights())
    first, second = a.predict(value), b.predict(value)
    if isinstance(first, dict):
        return all(np.allclose(first[key], second[key], atol=1e-6) for key in first)
    return np.allclose(first, second, atol=1e-6)


IDS = np.array([[1, 2, 3, 0, 0], [4, 0, 0, 0, 0]])
CASES = [(branched, {"x": X}), (sequence, IDS)]


@pytest.mark.parametrize(("build", "value"), CASES)
def test_config_round_trip_through_json(build, value):
    model = build()
    config = json.loads(json.dumps(model.get_config()))
    copy = Model.from_config(config)
    assert copy.name == model.name and copy.output_names == model.output_names
    assert same(model, copy, value)


@pytest.mark.parametrize(("build", "value"), CASES)
def test_clones_have_weights_of_their_own(build, value):
    model = build()
    copy = clone_model(model)
    assert not {id(w) for w in model.weights} & {id(w) for w in copy.weights}
    assert [layer.name for layer in copy.layers] == [layer.name for layer in model.layers]
    assert same(model, copy, value)


def test_clone_keeps_the_blocks():
    def unit(x):
        return Dense(3)(x)

    x = Input((4,))
    model = Model(x, Dense(1)(unit(unit(x))))
    names = [block.path for block in clone_model(model).blocks.walk()]
    assert names == ["", "unit", "unit_1"]


def test_clone_function_replaces_layers():
    x = Input((4,))
    model = Model(x, Dense(2)(layers.Dropout(0.5)(x)))

    def swap(layer):
        if isinstance(layer, layers.Dropout):
            return layers.GaussianDropout(0.1)
        return type(layer).from_config(layer.get_config())

    copy = clone_model(model, clone_function=swap)
    assert [type(layer).__name__ for layer in copy.layers][1] == "GaussianDropout"


def test_clone_a_sequential_and_a_subclass():
    model = cornu.Sequential([Input((4,)), Dense(2)])
    assert same(model, clone_model(model), X)

    class Net(Model):
        def __init__(self, units):
            super().__init__()
            self.dense = Dense(units)

        def call(self, x):
            return self.dense(x)

    net = Net(3)
    net.build((None, 4))
    copy = clone_model(net)
    copy.build((None, 4))
    assert same(net, copy, X)


def test_an_unknown_op_in_a_config_is_rejected():
    x = Input((4,))
    odd = cornu.op(lambda v: v + 1, name="plus_one")
    config = Model(x, odd(x)).get_config()
    with pytest.raises(ValueError, match="Unknown op 'plus_one'"):
        Model.from_config(config)
    copy = Model.from_config(config, custom_objects={"plus_one": odd})
    assert np.allclose(copy.predict(X), X + 1)


def test_the_clone_of_a_compiled_model_is_compiled():
    x = cornu.Input((3,))
    models = [
        cornu.Sequential([x, cornu.layers.Dense(1)]),
        cornu.Model(x, cornu.layers.Dense(1)(x)),
    ]
    for model in models:
        assert not cornu.models.clone_model(model).compiled
        model.compile(cornu.optimizers.Adam(0.5), "mse", metrics=["mae"])
        copy = cornu.models.clone_model(model)
        assert copy.optimizer is not model.optimizer and copy.get_compile_config() is not None
        assert float(copy.optimizer.learning_rate) == 0.5
        assert len(copy.evaluate(np.ones((2, 3)), np.ones((2, 1)), verbose=0)) == 2


class Unregistered(layers.Layer):
    def call(self, inputs):
        return inputs + 1


def own_loss(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred))


def test_classes_and_functions_of_the_program_need_no_registration():
    inner = cornu.Sequential([Input((4,)), Unregistered(), Dense(1)])
    model = cornu.Sequential([Input((4,)), inner])
    model.compile("sgd", own_loss, metrics=[own_loss])
    copy = clone_model(model)
    assert copy.loss is own_loss and type(copy.layers[0].layers[0]) is Unregistered
    assert same(model, copy, X)
