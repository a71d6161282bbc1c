"""Classes of the program with a `get_config` of their own, written as for Keras."""

import functools
import json

import numpy as np
import pytest

import cornu
from cornu import constraints, initializers, layers, losses, metrics, optimizers, regularizers
from cornu.models import clone_model, load_model
from tests.conformance.table import all_rows
from tests.saving.models import close, floats

X = floats(2, 3)

# For each base class: what a subclass defines besides its constructor, and what the base gives.
BASES = {
    layers.Layer: {"name", "trainable", "dtype"},
    cornu.Model: {"name", "trainable", "dtype"},
    losses.Loss: {"name", "reduction", "dtype"},
    metrics.Metric: {"name", "dtype"},
    initializers.Initializer: set(),
    regularizers.Regularizer: set(),
    constraints.Constraint: set(),
    optimizers.schedules.LearningRateSchedule: set(),
}


@pytest.mark.parametrize("base", BASES)
def test_the_base_of_a_class_gives_only_its_own_arguments(base):
    class Own(base):
        def __init__(self, alpha=0.5, **kwargs):
            super().__init__(**kwargs)
            self.alpha = alpha

        def get_config(self):
            return dict(alpha=self.alpha, **super().get_config())

    class OwnOfOwn(Own):
        def __init__(self, alpha, beta, **kwargs):
            super().__init__(alpha, **kwargs)
            self.beta = beta

        def get_config(self):
            return dict(beta=self.beta, **super().get_config())

    assert set(Own(0.25).get_config()) == {"alpha"} | BASES[base]
    config = json.loads(json.dumps(OwnOfOwn(0.25, beta=2).get_config()))
    assert set(config) == {"alpha", "beta"} | BASES[base]
    made = OwnOfOwn.from_config(config)
    assert (made.alpha, made.beta) == (0.25, 2)


def test_the_base_of_an_optimizer_gives_its_arguments():
    class Own(optimizers.SGD):
        def __init__(self, gamma=1.0, **kwargs):
            super().__init__(**kwargs)
            self.gamma = gamma

        def get_config(self):
            return dict(gamma=self.gamma, **super().get_config())

    made = Own.from_config(Own(2.0, momentum=0.9, learning_rate=0.5).get_config())
    assert (made.gamma, made.momentum, float(made.learning_rate)) == (2.0, 0.9, 0.5)


# Arguments without effect, and those that only a part of the layer holds.
NOT_HELD = {"activity_regularizer", "lora_rank", "lora_alpha", "quantization_config", "seed"}
NOT_HELD |= {"gptq_unpacked_column_size", "weights", "output_shape", "autocast"}


@functools.cache
def classes_of_layers():
    found = {}
    for row in all_rows():
        layer = row.make(cornu)
        found.setdefault(type(layer), layer)
    return found


def test_subclasses_of_every_layer_pass_the_arguments_of_its_constructor():
    for cls, layer in classes_of_layers().items():
        if cls is layers.Lambda:
            continue  # the row has a function without a name

        def get_config(self, cls=cls):
            return dict(cls.get_config(self), extra=7)

        def __init__(self, *args, extra=0, cls=cls, **kwargs):
            cls.__init__(self, *args, **kwargs)

        own = type(cls.__name__, (cls,), {"get_config": get_config, "__init__": __init__})
        args, kwargs = layer._constructor_call_
        config = own(*args, **{"name": "own", **kwargs}).get_config()
        expected = own.from_config({**layer.get_config(), "name": "own"}).get_config()
        plain = [
            {k: v for k, v in json.loads(json.dumps(c, default=str)).items() if k not in NOT_HELD}
            for c in (config, expected)
        ]
        assert plain[0] == plain[1], cls.__name__
        assert set(layer.get_config()) - set(config) <= NOT_HELD, cls.__name__


class Bare(layers.Layer):
    """Its config has no name, and its constructor takes none."""

    def __init__(self, units):
        super().__init__()
        self.units = units

    def build(self, input_shape):
        self.kernel = self.add_weight((input_shape[-1], self.units))

    def call(self, inputs):
        return inputs @ self.kernel

    def get_config(self):
        return {"units": self.units}


class Forgetful(layers.Dense):
    """Its config lacks an argument of its constructor, which is known from the call."""

    def __init__(self, scale, units=4, **kwargs):
        super().__init__(units, **kwargs)
        self.scale = scale

    def call(self, inputs):
        return super().call(inputs) * self.scale

    def get_config(self):
        config = super().get_config()
        config.pop("units")
        return config


class Stars(layers.Layer):
    def __init__(self, *factors, **kwargs):
        super().__init__(**kwargs)
        self.factors = factors

    def call(self, inputs):
        return inputs * float(np.prod(self.factors))

    def get_config(self):
        return {**super().get_config(), "factors": self.factors}

    @classmethod
    def from_config(cls, config):
        factors = config.pop("factors")
        return cls(*factors, **config)


class AllStars(layers.Dense):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)


OWN = [lambda: Bare(2), lambda: Forgetful(3.0, 2), lambda: Stars(2, 3), lambda: AllStars(2)]


@pytest.mark.parametrize("make", OWN)
def test_configs_are_taken_as_they_are(make, tmp_path):
    inputs = cornu.Input((3,))
    layer = make()
    objects = {type(layer).__name__: type(layer)}
    stacked = cornu.Sequential([inputs, layer, layers.Dense(2)])
    functional = cornu.Model(inputs, make()(make()(layers.Dense(2)(inputs))))
    for model in (stacked, functional):
        model.save(tmp_path / "m.keras")
        close(load_model(tmp_path / "m.keras", objects)(X), model(X))
        copy = clone_model(model)
        copy.set_weights(model.get_weights())
        close(copy(X), model(X))
