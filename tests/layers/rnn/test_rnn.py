"""Recurrent layers: states that are given, kept and returned; cells of the user; errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.core.graph.graph import Graph
from cornu.core.state import scope
from cornu.layers.rnn.cells import GRUCell, LSTMCell, SimpleRNNCell, StackedRNNCells
from cornu.layers.rnn.gru import GRU
from cornu.layers.rnn.lstm import LSTM
from cornu.layers.rnn.rnn import RNN
from cornu.layers.rnn.simple_rnn import SimpleRNN

RNG = np.random.default_rng(0)


def array(*shape):
    return RNG.normal(size=shape).astype("float32")


class Sum(cornu.Layer):
    """The smallest cell: one state, no weights."""

    state_size = 2

    def call(self, inputs, states):
        total = inputs + states[0]
        return total, [total]


def test_initial_states_are_inputs_of_the_graph_node():
    x, h, c = cornu.Input((None, 4)), cornu.Input((3,)), cornu.Input((3,))
    layer = LSTM(3, return_sequences=True, return_state=True)
    outputs = layer(x, initial_state=[h, c])
    assert [y.shape for y in outputs] == [(None, None, 3), (None, 3), (None, 3)]
    assert outputs[0].node.inputs == (x, h, c)
    arrays = [array(2, 5, 4), array(2, 3), array(2, 3)]
    symbolic = Graph([x, h, c], list(outputs)).run(arrays)
    eager = layer(arrays[0], initial_state=arrays[1:])
    for a, b in zip(symbolic, eager, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_a_single_initial_state_need_not_be_a_list():
    x, h = array(2, 5, 4), array(2, 3)
    for layer in (GRU(3), SimpleRNN(3)):
        alone = layer(x, initial_state=h)
        np.testing.assert_array_equal(alone, layer(x, initial_state=[h]))
        assert not np.allclose(alone, layer(x))


def test_a_sequence_in_two_halves_is_the_whole_one():
    x = array(2, 6, 4)
    layer = LSTM(3, return_sequences=True, return_state=True)
    whole, *_ = layer(x)
    first, *states = layer(x[:, :4])
    second, *_ = layer(x[:, 4:], initial_state=states)
    np.testing.assert_allclose(np.concatenate([first, second], 1), whole, rtol=1e-5, atol=1e-6)


def test_stateful_layers_continue_where_they_ended():
    x = array(2, 6, 4)
    for make in (LSTM, GRU, lambda units, **k: RNN([LSTMCell(units), GRUCell(2)], **k)):
        layer = make(3, stateful=True)
        layer(x[:, :4])
        continued = layer(x[:, 4:])
        layer.reset_state()
        np.testing.assert_allclose(continued, layer(x), rtol=1e-5, atol=1e-6)
        assert all(v.role == "state" for v in layer.non_trainable_variables)
        layer.reset_states()
        assert not any(v.numpy().any() for v in layer.non_trainable_variables)


def test_compiled_steps_keep_states_too():
    x = array(2, 6, 4)
    layer = LSTM(3, stateful=True)
    layer(x)
    layer.reset_state()
    step = jax.jit(scope.pure(layer, layer.variables))
    _, values, _ = step(tuple(v.value for v in layer.variables), None, x[:, :3])
    continued, _, _ = step(values, None, x[:, 3:])
    np.testing.assert_allclose(continued, layer(x), rtol=1e-5, atol=1e-6)


def test_stateful_layers_need_one_batch_size():
    with pytest.raises(ValueError, match=r"requires a known batch size.*\n.*batch_size=32"):
        LSTM(3, stateful=True)(cornu.Input((5, 4)))
    layer = LSTM(3, stateful=True)
    layer(array(2, 5, 4))
    with pytest.raises(ValueError, match="batch size 2; received 3"):
        layer(array(3, 5, 4))


def test_masks_reach_the_loop_in_a_functional_graph():
    tokens = np.array([[3, 1, 0, 0], [2, 0, 1, 0]])
    x = cornu.Input((None,), dtype="int32")
    embedded = cornu.layers.Embedding(4, 4, mask_zero=True)(x)
    layer = LSTM(3, return_sequences=True)
    outputs = layer(embedded)
    assert outputs.mask is not None
    last = LSTM(2)(outputs)
    assert last.mask is None
    y, mask = Graph([x], [outputs, outputs.mask]).run([tokens])
    np.testing.assert_array_equal(mask, tokens != 0)
    np.testing.assert_array_equal(y[0, 1], y[0, 3])
    assert not np.array_equal(y[0, 0], y[0, 1])


def test_a_custom_cell_runs_masked_backwards_and_unrolled():
    x = np.ones((1, 4, 2), "float32")
    mask = np.array([[True, False, True, True]])
    for unroll in (False, True):
        layer = RNN(Sum(), return_sequences=True, go_backwards=True, unroll=unroll)
        assert layer(x, mask=mask)[0, :, 0].tolist() == [1, 2, 2, 3]
    assert RNN(Sum())(cornu.Input((None, 2))).shape == (None, 2)


def test_a_cell_need_not_be_a_layer():
    class Plain:
        state_size = [2, 1]

        def call(self, inputs, states, training=False):
            total, steps = states
            return total * (2 if training else 1), [total + inputs, steps + 1]

    layer = RNN(Plain(), return_state=True)
    for training, factor in ((False, 1), (True, 2)):
        output, total, steps = layer(np.ones((1, 3, 2), "float32"), training=training)
        assert (float(output[0, 0]), float(total[0, 0]), float(steps[0, 0])) == (2 * factor, 3, 3)
    assert layer._rowwise_ is None


def test_layers_within_a_cell_are_built_and_trained():
    class Deep(cornu.Layer):
        state_size = 3

        def __init__(self):
            super().__init__()
            self.dense = cornu.layers.Dense(3)

        def call(self, inputs, states):
            h = self.dense(jnp.concatenate([inputs, states[0]], -1))
            return h, [h]

        def get_initial_state(self, batch_size):
            return jnp.ones((batch_size, 3))

    layer = RNN(Deep())
    assert layer(cornu.Input((None, 4))).shape == (None, 3)
    assert [v.path for v in layer.weights] == ["rnn/deep/dense/kernel", "rnn/deep/dense/bias"]
    assert layer(array(2, 5, 4)).shape == (2, 3)


def test_cells_cannot_have_effects():
    class Counting(Sum):
        def build(self, input_shape):
            self.count = self.add_weight((), "zeros", trainable=False, name="count")

        def call(self, inputs, states):
            self.count.assign(self.count + 1)
            return super().call(inputs, states)

    class Losing(Sum):
        def call(self, inputs, states):
            self.add_loss(jnp.sum(inputs))
            return super().call(inputs, states)

    x = np.ones((1, 3, 2), "float32")
    for run in (lambda layer: layer(x), lambda layer: layer(cornu.Input((3, 2)))):
        with pytest.raises(RuntimeError, match=r"assigns '.*count' in its step"):
            run(RNN(Counting()))
        with pytest.raises(RuntimeError, match="adds a loss in its step"):
            run(RNN(Losing()))


def test_non_cells_are_rejected():
    with pytest.raises(ValueError, match="must have an attribute `state_size`"):
        RNN(cornu.layers.Dense(3))
    with pytest.raises(ValueError, match="must have a method `call"):
        RNN([object()])
    with pytest.raises(ValueError, match="at least one cell"):
        StackedRNNCells([])


def test_errors_name_the_remedy():
    with pytest.raises(ValueError, match="units must be a positive integer. Received: 0"):
        LSTM(0)
    with pytest.raises(ValueError, match=r"known number of time steps.*\n.*Input\(\(20, 8\)\)"):
        LSTM(3, unroll=True)(cornu.Input((None, 4)))
    with pytest.raises(ValueError, match="expected 3 axes"):
        GRU(3)(array(2, 4))
    with pytest.raises(ValueError, match="expected 2 states in initial_state, received 1"):
        LSTM(3)(array(2, 5, 4), initial_state=[array(2, 3)])
    with pytest.raises(ValueError, match="`use_cudnn` must be 'auto', True or False"):
        GRU(3, use_cudnn="yes")


def test_dropout_masks_are_the_same_in_all_steps_and_others_in_each_call():
    x = np.ones((4, 6, 8), "float32")
    layer = SimpleRNN(8, None, False, "identity", "zeros", dropout=0.5, return_sequences=True)
    one, other = layer(x, training=True), layer(x, training=True)
    np.testing.assert_array_equal(one, np.broadcast_to(one[:, :1], one.shape))
    assert set(np.unique(one)) == {0, 2} and not np.array_equal(one, other)
    np.testing.assert_array_equal(layer(x), x)


def test_each_gate_has_a_mask_of_its_own_with_recurrent_dropout():
    cell = LSTMCell(3, recurrent_dropout=0.5, dropout=0.5)
    assert len(cell.get_dropout_mask(jnp.ones((2, 4)))) == 4
    held = cell.get_recurrent_dropout_mask(jnp.ones((2, 3)))
    assert cell.get_recurrent_dropout_mask(jnp.ones((2, 3))) is held
    cell.reset_dropout_mask()
    cell.reset_recurrent_dropout_mask()
    layer = RNN(cell)
    layer(array(2, 5, 4), training=True)
    assert cell.get_recurrent_dropout_mask(jnp.ones((2, 3))) is not held


def test_dropout_in_a_compiled_step_depends_on_its_key():
    x = array(2, 5, 4)
    layer = RNN([LSTMCell(3, dropout=0.4), GRUCell(3, recurrent_dropout=0.4)])
    layer(x)

    @jax.jit
    def run(key):
        return scope.pure(lambda: layer(x, training=True), layer.variables)(
            tuple(v.value for v in layer.variables), key
        )[0]

    one, same, other = (run(jax.random.key(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_unrolled_dropout_and_looped_are_equal():
    x = array(2, 5, 4)
    outputs = []
    for unroll in (False, True):
        layer = LSTM(
            3,
            dropout=0.3,
            seed=5,
            unroll=unroll,
            kernel_initializer="ones",
            recurrent_initializer="identity",
        )
        outputs.append(layer(x, training=True))
    np.testing.assert_allclose(*outputs, rtol=1e-5)


def test_subclasses_of_cells_are_called():
    class Doubled(SimpleRNNCell):
        def call(self, sequence, states, training=False):
            output, states = super().call(sequence, states, training)
            return 2 * output, states

    x = array(2, 5, 4)
    layer, plain = RNN(Doubled(3)), SimpleRNN(3)
    layer(x), plain(x)
    layer.set_weights(plain.get_weights())
    np.testing.assert_allclose(layer(x), 2 * plain(x), rtol=1e-5)


def test_weights_have_the_paths_and_the_beginning_of_keras():
    layer = LSTM(2)
    layer(array(1, 3, 4))
    assert [v.path for v in layer.weights] == [
        "lstm/lstm_cell/kernel",
        "lstm/lstm_cell/recurrent_kernel",
        "lstm/lstm_cell/bias",
    ]
    kernel, recurrent, bias = layer.get_weights()
    assert bias.tolist() == [0, 0, 1, 1, 0, 0, 0, 0]
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(2), atol=1e-5)
    assert (
        layer.units == 2 and layer.unit_forget_bias and not LSTM(2, trainable=False).cell.trainable
    )


@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("unroll", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU", "RNN", "Bidirectional"])
def test_zero_output_for_mask_leaves_the_last_output(name, unroll, go_backwards):
    """It affects sequences only; the last output is that of the last unmasked step."""
    x = np.random.default_rng(0).normal(size=(4, 5, 3)).astype("float32")
    mask = np.array([[1, 1, 1, 0, 0], [0, 1, 0, 1, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]], bool)
    kwargs = {"unroll": unroll, "go_backwards": go_backwards, "return_state": True}

    def make(zero):
        options = {**kwargs, "zero_output_for_mask": zero}
        if name == "RNN":
            return layers.RNN(layers.LSTMCell(2), **options)
        if name == "Bidirectional":
            # It runs over a sequence in both directions.
            return layers.Bidirectional(layers.GRU(2, **{**options, "go_backwards": False}))
        return getattr(layers, name)(2, **options)

    plain, zero = make(False), make(True)
    expected = plain(x, mask=mask)
    zero(x)
    zero.set_weights(plain.get_weights())
    for found, target in zip(zero(x, mask=mask), expected, strict=True):
        np.testing.assert_array_equal(found, target)
    if name in ("SimpleRNN", "LSTM", "GRU"):
        output, state, *_ = expected
        np.testing.assert_array_equal(output, state)
