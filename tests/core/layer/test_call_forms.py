"""Arguments of a layer by position and by name; output shapes from the shapes of all inputs."""

import numpy as np
import pytest

from cornu import Layer, layers

X = np.ones((1, 3, 4), "float32")


class Gate(Layer):
    def call(self, x, training=None, scale=1.0, shift=0.0):
        return x * scale + shift + (100.0 if training else 0.0)


def test_arguments_behind_training_by_position():
    gate = Gate()
    one = np.ones(1, "float32")
    assert gate(one, True, 2.0, 3.0).tolist() == [105.0]
    assert gate(one, False, 2.0, shift=3.0).tolist() == [5.0]
    with pytest.raises(TypeError, match="multiple values for argument 'scale'"):
        gate(one, True, 2.0, scale=3.0)
    attention = layers.MultiHeadAttention(2, 2)
    outputs, scores = attention(X, X, X, None, None, None, None, True, False, True)
    assert outputs.shape == (1, 3, 4) and scores.shape == (1, 2, 3, 3)
    assert np.triu(scores[0, 0], 1).max() == 0  # the last argument is use_causal_mask
    assert layers.LSTM(2)(X, None, None, False).shape == (1, 2)


@pytest.mark.parametrize(
    ("layer", "args", "kwargs", "expected"),
    [
        (layers.Dense(2), (), {"input_shape": (None, 4)}, (None, 2)),
        (layers.Concatenate(), ([(None, 4), (None, 3)],), {}, (None, 7)),
        (layers.LSTM(2), (), {"sequences_shape": (None, 3, 4)}, (None, 2)),
        (layers.LSTM(2), ((None, 3, 4), [(None, 2), (None, 2)]), {}, (None, 2)),
        (layers.GRU(2), ((None, 3, 4), None), {}, (None, 2)),
        (
            layers.Bidirectional(layers.GRU(2)),
            (),
            {"sequences_shape": (None, 3, 4), "initial_state_shape": None},
            (None, 4),
        ),
        (
            layers.MultiHeadAttention(2, 2),
            (),
            {"query_shape": (None, 3, 4), "value_shape": (None, 5, 4)},
            (None, 3, 4),
        ),
        (layers.MultiHeadAttention(2, 2), ((None, 3, 4), (None, 5, 4)), {}, (None, 3, 4)),
        (layers.ReversibleEmbedding(5, 2), ((None, 2),), {"reverse": True}, (None, 5)),
        (Gate(), (), {"x_shape": (None, 4), "scale": 2.0}, (None, 4)),
    ],
)
def test_output_shapes(layer, args, kwargs, expected):
    assert layer.compute_output_shape(*args, **kwargs) == expected


def test_add_variable_by_position():
    layer = Layer(name="layer")
    weight = layer.add_variable((2,), "ones", "float16", False, True, None, None, "scale")
    assert (weight.path, weight.dtype, weight.trainable) == ("layer/scale", "float16", False)


def test_a_config_with_custom_objects():
    def twice(x):
        return 2 * x

    for layer in (layers.Dense(1, activation=twice), layers.Activation(twice)):
        config = layer.get_config()
        again = type(layer).from_config(config, {"twice": twice})
        assert again.activation is twice
    layers.TextVectorization(vocabulary=["a"]).build()
