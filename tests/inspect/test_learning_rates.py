"""What names and patterns mean as Variables, and rates that fall with depth."""

import pytest

import cornu
from cornu import layers
from cornu.inspect import layer_decay, variables_of


def block(x, units=4):
    x = layers.BatchNormalization()(layers.Dense(units)(x))
    return layers.ReLU()(x)


def functional_model():
    x = cornu.Input((4,))
    inner = cornu.Input((4,))
    encoder = cornu.Model(inner, block(block(inner)), name="encoder")
    stem = layers.Dense(4, name="stem")
    return cornu.Model(x, layers.Dense(1, name="head")(stem(encoder(stem(x)))))


def names(model, what):
    return [v.path.rpartition("/")[2] for v in variables_of(model, what)]


def test_variables_of():
    model = functional_model()
    stem, head, encoder = (model.get_layer(name) for name in ("stem", "head", "encoder"))
    assert variables_of(model, "stem") == stem.weights == variables_of(model, stem)
    assert set(variables_of(model, "encoder")) == set(encoder.weights)
    assert variables_of(model, "encoder/**") == variables_of(model, "encoder")
    assert set(variables_of(model, "encoder/block_1")) < set(encoder.weights)
    assert variables_of(model, "head/bias") == [head.bias]
    assert names(model, "encoder/**/gamma") == ["gamma", "gamma"]
    assert names(model, "**/moving_*") == ["moving_mean", "moving_variance"] * 2
    assert set(variables_of(model, ["stem", "head"])) == {*stem.weights, *head.weights}
    assert set(variables_of(model, "**")) == set(model.weights)
    with pytest.raises(ValueError, match="no part 'foot'"):
        variables_of(model, "foot")
    with pytest.raises(ValueError, match="no part 'x/\\*\\*'"):
        variables_of(model, "x/**")
    assert variables_of(model, "re_lu") == []


def test_variables_of_a_model_without_a_functional_graph():
    class Own(cornu.Model):
        def __init__(self):
            super().__init__()
            self.scale = self.add_weight(shape=(), name="scale")
            self.two = [layers.Dense(2, name="a"), layers.Dense(2, name="b")]

        def call(self, x):
            return self.two[1](self.two[0](x)) * self.scale

    model = Own()
    model.build((None, 3))
    assert variables_of(model, "scale") == [model.scale]
    assert variables_of(model, "b") == model.two[1].weights
    assert names(model, "*/bias") == ["bias", "bias"]


def test_layer_decay():
    assert layer_decay(functional_model(), 0.5) == {"/stem": 0.25, "/encoder": 0.5, "/head": 1.0}
    assert layer_decay(functional_model(), 0.5, parts="encoder/block*") == {
        "/stem": 0.125,
        "/encoder/block": 0.25,
        "/encoder/block_1": 0.5,
        "/head": 1.0,
    }
    model = functional_model()
    rates = layer_decay(model, 0.5, parts="encoder/block_1")
    model.compile(cornu.optimizers.SGD().set_rates(rates), "mse")
    source = cornu.data.identify([[1.0] * 4], [[1.0]]).open(cornu.data.ReadOptions(whole=True))
    model.trainer.prepare(source, train=True)
    assert set(model.optimizer.rate_factors) == set(model.weights)
    for decay in (0, 1.5):
        with pytest.raises(ValueError, match="`decay` must be above 0"):
            layer_decay(model, decay)
    with pytest.raises(ValueError, match="has no weights"):
        layer_decay(cornu.Sequential([layers.ReLU()]), 0.5)
