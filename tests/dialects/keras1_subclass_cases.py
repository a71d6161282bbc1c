"""Recurrent layers that programs derived from those of Keras 1."""

import functools

import numpy as np

from tests.dialects.keras1_case import numbers

CASES = {}
ROWS, STEPS, WIDTH, UNITS = 4, 5, 3, 4


def case(function):
    CASES[function.__name__] = function
    return function


def set_numbers(model, scale=0.7):
    """Sets all weights; where all are positive numbers, such as scales, they stay positive."""
    model.set_weights(
        [numbers(*w.shape, seed=i) * scale for i, w in enumerate(model.get_weights())]
    )


def trained(keras, model, *given, rate=0.2):
    """Yields losses of three steps, then predictions and all weights."""
    set_numbers(model)
    model.compile(keras.optimizers.SGD(rate), "mse")
    data = given[0] if len(given) == 1 else list(given)
    target = numbers(*model.predict(data).shape, seed=3)
    yield np.array([model.train_on_batch(data, target) for _ in range(3)])
    yield model.predict(data)
    yield dict(enumerate(model.get_weights()))


def words(seed=1):
    return numbers(ROWS, STEPS, WIDTH, seed=seed)


def sequential(keras, layer, *more):
    return keras.models.Sequential([layer, *more])


# --------------------------------------------------------------------------------------- LSTM, GRU


def attention_lstm(keras):
    K = keras.backend

    class AttentionLSTM(keras.layers.LSTM):
        """Scales the output of each step by the attention to a vector, a Tensor of the model."""

        def __init__(self, output_dim, attention_vec, attn_activation="tanh", **kwargs):
            self.attention_vec = attention_vec
            self.attn_activation = keras.activations.get(attn_activation)
            super().__init__(output_dim, **kwargs)

        def build(self, input_shape):
            super().build(input_shape)
            size = self.attention_vec._keras_shape[1]
            n = self.output_dim
            self.U_a = self.inner_init((n, n), name=f"{self.name}_U_a")
            self.b_a = K.zeros((n,), name=f"{self.name}_b_a")
            self.U_m = self.inner_init((size, n), name=f"{self.name}_U_m")
            self.b_m = K.zeros((n,), name=f"{self.name}_b_m")
            self.U_s = self.inner_init((n, n), name=f"{self.name}_U_s")
            self.trainable_weights += [self.U_a, self.U_m, self.U_s, self.b_a, self.b_m]
            if getattr(self, "initial_weights", None) is not None:
                self.set_weights(self.initial_weights)
                del self.initial_weights

        def step(self, x, states):
            h, [h, c] = super().step(x, states)
            m = self.attn_activation(K.dot(h, self.U_a) * states[4] + self.b_a)
            h = h * K.sigmoid(K.dot(m, self.U_s))
            return h, [h, c]

        def get_constants(self, x):
            constants = super().get_constants(x)
            constants.append(K.dot(self.attention_vec, self.U_m) + self.b_m)
            return constants

    return AttentionLSTM


@case
def attention_to_a_tensor(keras):
    layers = keras.layers
    question, answer = layers.Input((2,)), layers.Input((STEPS, WIDTH))
    of_question = layers.Dense(3, activation="tanh")
    vector = of_question(question)
    attention = attention_lstm(keras)(UNITS, vector, return_sequences=True)
    both = layers.merge([layers.Flatten()(attention(answer)), vector], mode="concat")
    of_both = layers.Dense(2)
    model = keras.models.Model([question, answer], of_both(both))
    for layer in (of_question, attention, of_both):
        set_numbers(layer)
    model.compile(keras.optimizers.SGD(0.2), "mse")
    data, target = [numbers(ROWS, 2), words()], numbers(ROWS, 2, seed=3)
    yield np.array([model.train_on_batch(data, target) for _ in range(3)])
    yield model.predict(data)
    for layer in (of_question, attention, of_both):
        yield dict(enumerate(layer.get_weights()))


@case
def peephole(keras):
    K = keras.backend

    class Peephole(keras.layers.LSTM):
        def build(self, input_shape):
            super().build(input_shape)
            self.P = self.add_weight((self.output_dim,), initializer="one", name="P")

        def step(self, x, states):
            n = self.output_dim
            h, c = states[:2]
            gates = [x[:, i * n : (i + 1) * n] for i in range(4)]
            i = self.inner_activation(gates[0] + K.dot(h, self.U_i) + c * self.P)
            f = self.inner_activation(gates[1] + K.dot(h, self.U_f))
            c = f * c + i * self.activation(gates[2] + K.dot(h, self.U_c))
            o = self.inner_activation(gates[3] + K.dot(h, self.U_o) + c * self.P)
            h = o * self.activation(c)
            return h, [h, c]

    for backwards in (False, True):
        layer = Peephole(UNITS, input_dim=WIDTH, input_length=STEPS, go_backwards=backwards)
        yield from trained(keras, sequential(keras, layer), words())


@case
def ways_of_computing(keras):
    for kind in ("SimpleRNN", "GRU", "LSTM"):
        base = getattr(keras.layers, kind)

        class Scaled(base):
            def step(self, x, states):
                output, states = base.step(self, x, states)  # noqa: B023
                return output * 2.0, states

        for how in ("cpu", "mem", "gpu"):
            layer = Scaled(UNITS, consume_less=how, input_shape=(STEPS, WIDTH), inner_init="normal")
            yield from trained(keras, sequential(keras, layer), words())


@case
def inputs_of_steps(keras):
    K = keras.backend

    class Centered(keras.layers.GRU):
        def preprocess_input(self, x):
            return super().preprocess_input(x - K.mean(x, axis=1, keepdims=True))

    model = sequential(keras, Centered(UNITS, return_sequences=True, input_shape=(STEPS, WIDTH)))
    return trained(keras, model, words())


@case
def first_states(keras):
    K = keras.backend

    class FromMean(keras.layers.LSTM):
        def get_initial_states(self, x):
            mean = K.dot(K.mean(x, axis=1), self.first)
            return [mean, K.tanh(mean)]

        def build(self, input_shape):
            super().build(input_shape)
            shape = (input_shape[2], self.output_dim)
            self.first = self.add_weight(shape, initializer="uniform", name="first")

    return trained(keras, sequential(keras, FromMean(UNITS, input_shape=(None, WIDTH))), words())


@case
def stateful_subclass(keras):
    K = keras.backend

    class Counting(keras.layers.LSTM):
        """Has a third state, which counts steps, and scales the output by it."""

        def build(self, input_shape):
            super().build(input_shape)
            if not self.stateful:
                self.states.append(None)

        def reset_states(self):
            rows = self.input_spec[0].shape[0]
            zeros = np.zeros((rows, self.output_dim))
            if hasattr(self, "states"):
                for state in self.states:
                    K.set_value(state, zeros)
            else:
                self.states = [K.variable(zeros) for _ in range(3)]

        def step(self, x, states):
            count = states[2] + 1.0
            h, [h, c] = super().step(x, states[:2] + states[3:])
            return h / count, [h, c, count]

    layer = Counting(UNITS, stateful=True, batch_input_shape=(ROWS, STEPS, WIDTH))
    model = sequential(keras, layer)
    set_numbers(model)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    yield np.stack([model.predict(words(), batch_size=ROWS) for _ in range(2)])
    model.reset_states()
    yield np.array([model.train_on_batch(words(i), numbers(ROWS, UNITS)) for i in range(3)])
    yield np.stack([K.get_value(state) for state in layer.states])
    layer.reset_states()
    yield model.predict(words(), batch_size=ROWS)


@case
def masked_and_bidirectional(keras):
    layers = keras.layers

    class Slow(layers.GRU):
        def step(self, x, states):
            output, (new,) = super().step(x, states)
            slow = 0.5 * states[0] + 0.5 * new
            return slow, [slow]

    x = words()
    x[:2, 3:] = 0
    masking = layers.Masking(input_shape=(STEPS, WIDTH))
    for one in trained(keras, sequential(keras, masking, Slow(UNITS)), x):
        yield one
    both = layers.Bidirectional(Slow(UNITS, return_sequences=True), input_shape=(STEPS, WIDTH))
    for one in trained(keras, sequential(keras, both, layers.Flatten(), layers.Dense(2)), words()):
        yield one


@case
def unrolled(keras):
    class Doubled(keras.layers.SimpleRNN):
        def step(self, x, states):
            output, states = super().step(x, states)
            return 2 * output, states

    layer = Doubled(UNITS, unroll=True, activation="relu", input_shape=(STEPS, WIDTH))
    return trained(keras, sequential(keras, layer), words())


@case
def penalties_of_a_subclass(keras):
    class Plain(keras.layers.LSTM):
        pass

    l2 = keras.regularizers.l2
    given = {"W_regularizer": l2(0.1), "U_regularizer": l2(10.0), "b_regularizer": l2(0.3)}
    layer = Plain(UNITS, input_shape=(STEPS, WIDTH), dropout_W=0.0, **given)
    return trained(keras, sequential(keras, layer), words())


# --------------------------------------------------------------------------------------- Recurrent


def decoder(keras):
    K = keras.backend

    class AttentionDecoder(keras.layers.recurrent.Recurrent):
        """Attends to all steps of its input in each step, as in translation."""

        def __init__(self, units, output_dim, **kwargs):
            self.units = units
            self.output_dim = output_dim
            kwargs["return_sequences"] = True
            super().__init__(**kwargs)

        def build(self, input_shape):
            self.input_spec = [keras.engine.InputSpec(shape=input_shape)]
            self.states = [None, None]
            rows, steps, width = input_shape
            add = functools.partial(self.add_weight, initializer="glorot_uniform")
            self.U_a = add((width, self.units), name="U_a")
            self.W_a = add((self.units, self.units), name="W_a")
            self.V_a = add((self.units,), name="V_a", initializer="one")
            self.C = add((width, self.units), name="C")
            self.W_y = add((self.output_dim, self.units), name="W_y")
            self.V_y = add((self.units, self.output_dim), name="V_y")
            self.built = True

        def get_initial_states(self, x):
            state = K.tanh(K.dot(x[:, 0], self.C))
            zeros = K.expand_dims(K.sum(K.zeros_like(x), axis=(1, 2)))
            return [K.tile(zeros, [1, self.output_dim]), state]

        def get_constants(self, x):
            dense = keras.layers.recurrent.time_distributed_dense
            return [x, dense(x, self.U_a, input_dim=WIDTH, output_dim=self.units, timesteps=STEPS)]

        def step(self, x, states):
            y, s, sequence, projected = states
            scores = K.tanh(projected + K.expand_dims(K.dot(s, self.W_a), 1))
            weights = K.exp(K.sum(scores * self.V_a, axis=-1))
            weights = weights / K.sum(weights, axis=1, keepdims=True)
            context = K.sum(K.expand_dims(weights) * sequence, axis=1)
            s = K.tanh(K.dot(context, self.C) + K.dot(y, self.W_y) + s)
            y = K.softmax(K.dot(s, self.V_y))
            return y, [y, s]

    return AttentionDecoder


@case
def attention_decoder(keras):
    model = sequential(keras, decoder(keras)(UNITS, 3, input_shape=(STEPS, WIDTH)))
    return trained(keras, model, words(), rate=1.0)
