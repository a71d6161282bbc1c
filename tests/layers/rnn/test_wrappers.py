"""TimeDistributed and Bidirectional: how the inner layers are made and called."""

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.core.graph.graph import Graph
from cornu.layers.rnn.bidirectional import Bidirectional
from cornu.layers.rnn.cells import LSTMCell
from cornu.layers.rnn.gru import GRU
from cornu.layers.rnn.lstm import LSTM
from cornu.layers.rnn.rnn import RNN
from cornu.layers.rnn.time_distributed import TimeDistributed
from cornu.layers.wrapper import Wrapper

RNG = np.random.default_rng(0)


def array(*shape):
    return RNG.normal(size=shape).astype("float32")


def test_bidirectional_in_a_functional_graph():
    tokens = np.array([[3, 1, 0, 0], [2, 1, 1, 0]])
    x = cornu.Input((None,), dtype="int32")
    embedded = cornu.layers.Embedding(4, 4, mask_zero=True)(x)
    y = Bidirectional(LSTM(3, return_sequences=True))(embedded)
    z = Bidirectional(GRU(3), merge_mode=None)(y)
    assert y.shape == (None, None, 6) and [one.shape for one in z] == [(None, 3)] * 2
    sequences, mask = Graph([x], [y, y.mask]).run([tokens])
    np.testing.assert_array_equal(mask, tokens != 0)
    assert not sequences[tokens == 0].any() and sequences[tokens != 0].all()


def test_states_of_one_bidirectional_layer_begin_another():
    x = cornu.Input((None, 4))
    encoder = Bidirectional(LSTM(3, return_state=True))
    encoded, *states = encoder(x)
    decoded = Bidirectional(LSTM(3))(x, initial_state=states)
    assert decoded.node.inputs == (x, *states)
    assert Graph([x], [decoded]).run([array(2, 5, 4)])[0].shape == (2, 6)


def test_the_inner_layers_are_new_and_named():
    inner = LSTM(3, name="forward_reader", recurrent_activation=lambda x: x)
    layer = Bidirectional(inner, name="both")
    layer(array(2, 5, 4))
    assert not inner.built
    assert layer.forward_layer.name == "forward_reader"
    assert layer.backward_layer.name == "backward_forward_reader"
    assert layer.backward_layer.go_backwards and not layer.forward_layer.go_backwards
    forward, backward = layer.get_weights()[:3], layer.get_weights()[3:]
    assert not np.array_equal(forward[0], backward[0])
    assert layer.weights[3].path == "both/backward_forward_reader/lstm_cell/kernel"


def test_cells_of_the_user_need_not_be_registered():
    class Own(LSTMCell):
        pass

    layer = Bidirectional(RNN(Own(3)))
    assert layer(array(2, 5, 4)).shape == (2, 6)
    assert type(layer.backward_layer.cell) is Own
    assert layer.backward_layer.cell is not layer.forward_layer.cell


def test_given_weights_are_taken():
    first = Bidirectional(GRU(3))
    x = array(2, 5, 4)
    expected = first(x)
    np.testing.assert_array_equal(Bidirectional(GRU(3), weights=first.get_weights())(x), expected)


def test_bidirectional_layers_can_be_stateful():
    layer = Bidirectional(LSTM(3, stateful=True))
    x = array(2, 5, 4)
    assert layer.states is None
    first = layer(x)
    assert len(layer.states) == 4 and not np.allclose(first, layer(x))
    layer.reset_state()
    np.testing.assert_allclose(layer(x), first, rtol=1e-6)
    with pytest.raises(AttributeError, match="is not stateful"):
        Bidirectional(LSTM(3)).reset_states()


def test_bidirectional_rejects_layers_that_do_not_belong_together():
    with pytest.raises(ValueError, match="unknown merge_mode 'concatenate'. Did you mean 'concat'"):
        Bidirectional(LSTM(3), merge_mode="concatenate")
    with pytest.raises(ValueError, match="one layer must have go_backwards=True"):
        Bidirectional(LSTM(3), backward_layer=LSTM(3))
    with pytest.raises(ValueError, match="the same return_sequences"):
        Bidirectional(LSTM(3), backward_layer=LSTM(3, go_backwards=True, return_sequences=True))
    with pytest.raises(TypeError, match="layer must be a layer. Received: 3"):
        Bidirectional(3)


def test_time_distributed_takes_any_number_of_steps():
    x = cornu.Input((None, 6, 4))
    layer = TimeDistributed(LSTM(3, return_sequences=True))
    y = layer(x)
    assert y.shape == (None, None, 6, 3)
    value = array(2, 3, 6, 4)
    symbolic = Graph([x], [y]).run([value])[0]
    np.testing.assert_allclose(symbolic[:, 1], layer.layer(value[:, 1]), rtol=1e-5, atol=1e-6)


def test_time_distributed_passes_masks_on():
    layer = TimeDistributed(LSTM(3))
    x, mask = array(2, 3, 4, 5), RNG.random((2, 3, 4)) > 0.4
    y = layer(x, mask=mask)
    np.testing.assert_allclose(y[:, 2], layer.layer(x[:, 2], mask=mask[:, 2]), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match=r"must be \(batch, time\) of the input, \(2, 3\)"):
        layer(x, mask=mask[:1])


def test_models_of_independent_rows_compute_all_steps_at_once():
    calls = []
    inner = cornu.Sequential(
        [cornu.Input((4,)), cornu.layers.Dense(3), cornu.layers.Activation(record(calls))]
    )
    fixed = cornu.Sequential([cornu.Input(batch_shape=(2, 4)), cornu.layers.Dense(3)])
    x = array(2, 5, 4)
    for model in (inner, fixed):
        y = TimeDistributed(model)(x)
        np.testing.assert_allclose(y[:, 2], model(x[:, 2]), rtol=1e-5, atol=1e-6)
    assert (10, 3) in calls


def record(calls):
    def activation(x):
        calls.append(tuple(x.shape))
        return x

    return activation


def test_layers_with_statistics_see_one_step_after_the_other():
    layer = TimeDistributed(cornu.layers.BatchNormalization(momentum=0.5))
    x = np.stack([np.full((2, 3), t, "float32") for t in (2.0, 4.0)], axis=1)
    np.testing.assert_allclose(layer(x, training=True), 0, atol=1e-6)
    moving_mean = layer.layer.moving_mean.numpy()
    np.testing.assert_allclose(moving_mean, 2 * 0.5 * 0.5 + 4 * 0.5)


def test_shapes_are_those_of_one_step():
    # A file may declare any number of steps.
    calls = []

    class Counted(cornu.layers.BatchNormalization):
        def call(self, inputs, training=None, mask=None):
            calls.append(inputs.shape)
            return super().call(inputs, training=training, mask=mask)

    outputs = TimeDistributed(Counted())(cornu.Input((10**6, 2)))
    assert outputs.shape == (None, 10**6, 2) and len(calls) <= 3


def test_time_distributed_takes_several_inputs():
    layer = TimeDistributed(cornu.layers.Concatenate())
    inputs = [array(2, 3, 4), array(2, 3, 5)]
    np.testing.assert_array_equal(layer(inputs), np.concatenate(inputs, -1))


def test_errors_name_the_expected_value():
    with pytest.raises(ValueError, match="at least 3 axes; received the shape"):
        TimeDistributed(cornu.layers.Dense(3))(array(2, 3))
    with pytest.raises(TypeError, match="must be a layer"):
        Wrapper("dense")


class OwnCell(layers.Layer):
    """A cell with a config of its own; `scale` is not an attribute of the name."""

    def __init__(self, units, scale=2.0, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = units
        self.factor = scale

    def build(self, shape):
        self.kernel = self.add_weight((shape[-1], self.units), "ones")

    def call(self, x, states):
        h = states[0] + self.factor * (x @ self.kernel)
        return h, [h]

    def get_config(self):
        return {**super().get_config(), "units": self.units, "scale": self.factor}


class OwnLayer(layers.SimpleRNN):
    """A layer whose constructor differs from that of its base class."""

    def __init__(self, width, **kwargs):
        super().__init__(kwargs.pop("units", width), **kwargs)
        self.width = width

    def get_config(self):
        return {**super().get_config(), "width": self.width}


@pytest.mark.parametrize(
    "make", [lambda: layers.RNN(OwnCell(3, scale=0.5)), lambda: OwnLayer(3, activation="relu")]
)
def test_bidirectional_copies_classes_of_the_program_by_their_configs(make):
    layer = layers.Bidirectional(make())
    assert layer(np.ones((2, 4, 5), "float32")).shape == (2, 6)
    forward, backward = layer.forward_layer, layer.backward_layer
    assert (forward.go_backwards, backward.go_backwards) == (False, True)
    assert forward is not backward and type(forward) is type(backward)
    if isinstance(forward, OwnLayer):
        assert backward.width == 3 and backward.activation is cornu.activations.relu
    else:
        assert forward.cell is not backward.cell and backward.cell.factor == 0.5
