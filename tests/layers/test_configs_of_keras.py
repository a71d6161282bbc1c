"""Configs of recurrent, pooling and convolution layers are those of Keras."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import pytest

import cornu

RECURRENT = {
    "SimpleRNN": {"units": 2, "dropout": 0.1},
    "LSTM": {"units": 2, "implementation": 1, "use_cudnn": True, "recurrent_dropout": 0.2},
    "GRU": {"units": 2, "implementation": 2, "use_cudnn": False, "unroll": True},
    "SimpleRNNCell": {"units": 2},
    "LSTMCell": {"units": 2, "implementation": 1},
    "GRUCell": {"units": 2, "implementation": 0},
}
# Keras leaves out the seed of SimpleRNN, and so loses it.
KEPT = {"SimpleRNN": {"seed"}}


def _spatial():
    for rank in (1, 2, 3):
        for kind in ("Max", "Average"):
            name = f"{kind}Pooling{rank}D"
            yield f"Adaptive{name}", {"output_size": 3}
            yield (
                f"Adaptive{name}",
                {
                    "output_size": (2,) * rank,
                    "data_format": "channels_first",
                },
            )
            yield name, {"pool_size": 3}
            yield name, {"pool_size": (3,) * rank, "strides": 2, "padding": "same"}
            yield f"Global{name}", {"keepdims": True}
        for name in (f"Conv{rank}D", f"Conv{rank}DTranspose"):
            yield name, {"filters": 2, "kernel_size": 3, "strides": 2}
    for rank in (1, 2):
        yield f"SeparableConv{rank}D", {"filters": 2, "kernel_size": 3}
        yield f"DepthwiseConv{rank}D", {"kernel_size": 3, "dilation_rate": 2}


CASES = [*RECURRENT.items(), *_spatial()]


def _without_objects(config):
    """Leaves out names, and functions and objects, whose configs have tests of their own."""
    objects = ("name", "dtype", "seed", "activation", "initializer")
    return {name: value for name, value in config.items() if not name.endswith(objects)}


@pytest.mark.parametrize(("name", "arguments"), CASES, ids=[name for name, _ in CASES])
def test_config_is_that_of_keras_and_is_read_by_both(name, arguments):
    ours, theirs = getattr(cornu.layers, name), getattr(keras.layers, name)
    one, other = ours(**arguments).get_config(), theirs(**arguments).get_config()
    assert set(one) - KEPT.get(name, set()) == set(other)
    assert _without_objects(one) == _without_objects(other)
    assert _without_objects(theirs.from_config(one).get_config()) == _without_objects(other)
    assert _without_objects(ours.from_config(other).get_config()) == _without_objects(one)


@pytest.mark.parametrize("inner", ["SimpleRNN", "LSTM", "GRU"])
def test_config_of_bidirectional_layers_is_read_by_both(inner):
    made = {}
    for library in (cornu, keras):
        layer = getattr(library.layers, inner)(**RECURRENT[inner])
        made[library] = library.layers.Bidirectional(layer, merge_mode="sum")
    one, other = made[cornu].get_config(), made[keras].get_config()
    assert set(one) == set(other)
    for library, config in ((keras, one), (cornu, other)):
        read = library.layers.Bidirectional.from_config(config)
        assert read.forward_layer.units == read.backward_layer.units == 2
        assert (read.forward_layer.go_backwards, read.backward_layer.go_backwards) == (False, True)


def test_a_subclass_keeps_the_values_of_its_own_arguments():
    class Doubled(cornu.layers.Conv2D):
        def __init__(self, filters, kernel_size):
            super().__init__(filters, 2 * kernel_size)

    layer = Doubled(3, 2)
    assert layer.get_config()["kernel_size"] == 2
    assert Doubled.from_config(layer.get_config()).kernel_size == (4, 4)
