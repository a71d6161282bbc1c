"""Cells, recurrent layers and optimizers that programs derived from those of Keras 2."""

import numpy as np

from tests.dialects.keras1_case import numbers
from tests.dialects.keras1_subclass_cases import (
    ROWS,
    STEPS,
    UNITS,
    WIDTH,
    sequential,
    set_numbers,
    trained,
    words,
)

CASES = {}
SHAPE = (STEPS, WIDTH)


def case(function):
    CASES[function.__name__] = function
    return function


def together(keras, made):
    """Yields losses and predictions of layers on the same inputs, in one model."""
    layers = keras.layers
    x = layers.Input(SHAPE)
    outputs = [layer(x) for layer in made.values()]
    model = keras.models.Model(x, outputs)
    set_numbers(model)
    model.compile(keras.optimizers.SGD(0.2), "mse")
    targets = [numbers(ROWS, *y._keras_shape[1:], seed=3) for y in outputs]
    losses = np.array([model.train_on_batch(words(), targets) for _ in range(3)])
    yield dict(zip(made, losses.T[1:]))  # noqa: B905 - also runs on an old Python
    yield dict(zip(made, model.predict(words())))  # noqa: B905


@case
def cells(keras):
    K, layers = keras.backend, keras.layers

    class Scaled(layers.LSTMCell):
        """Calls the base class, and has a weight of its own."""

        def build(self, input_shape):
            super().build(input_shape)
            self.scale = self.add_weight(shape=(self.units,), initializer="ones", name="scale")
            self.built = True

        def call(self, inputs, states, training=None):
            h, (h, c) = super().call(inputs, states, training=training)
            h = h * self.scale
            return h, [h, c]

    class Peephole(layers.LSTMCell):
        """Has formulas of its own, on the weights of single gates."""

        def call(self, inputs, states, training=None):
            h, c = states
            gates = [
                K.dot(inputs, w) + K.dot(h, u) + b
                for w, u, b in (
                    (self.kernel_i, self.recurrent_kernel_i, self.bias_i),
                    (self.kernel_f, self.recurrent_kernel_f, self.bias_f),
                    (self.kernel_c, self.recurrent_kernel_c, self.bias_c),
                    (self.kernel_o, self.recurrent_kernel_o, self.bias_o),
                )
            ]
            c = self.recurrent_activation(gates[1] + c) * c + self.recurrent_activation(
                gates[0] + c
            ) * self.activation(gates[2])
            h = self.recurrent_activation(gates[3]) * self.activation(c)
            return h, [h, c]

    class Slow(layers.GRUCell):
        def call(self, inputs, states, training=None):
            new, _ = super().call(inputs, states, training=training)
            h = 0.5 * states[0] + 0.5 * new
            return h, [h]

    class Squared(layers.SimpleRNNCell):
        def call(self, inputs, states, training=None):
            h = K.square(K.dot(inputs, self.kernel) + self.bias)
            h = K.tanh(h + K.dot(states[0], self.recurrent_kernel))
            return h, [h]

    class Own(layers.Layer):
        """A cell from nothing, with two states of different sizes and a constant."""

        def __init__(self, units, **kwargs):
            self.units = units
            self.state_size = (units, 2)
            super().__init__(**kwargs)

        def build(self, input_shape):
            shape = input_shape[0] if isinstance(input_shape, list) else input_shape
            self.kernel = self.add_weight("kernel", (shape[-1], self.units), initializer="normal")
            self.mix = self.add_weight("mix", (self.units, 2), initializer="normal")
            self.back = self.add_weight("back", (2, self.units), initializer="normal")
            self.built = True

        def call(self, inputs, states):
            h = K.tanh(K.dot(inputs, self.kernel) + K.dot(states[1], self.back) + states[0])
            return h, [h, K.sigmoid(K.dot(h, self.mix))]

    return together(
        keras,
        {
            "scaled": layers.RNN(Scaled(UNITS), return_sequences=True),
            "peephole": layers.RNN(Peephole(UNITS), go_backwards=True),
            "slow": layers.RNN(Slow(UNITS)),
            "squared": layers.RNN(Squared(UNITS), unroll=True),
            "own": layers.RNN(Own(UNITS)),
            "stacked": layers.RNN([Slow(UNITS), Squared(3)]),
        },
    )


@case
def subclasses_of_layers(keras):
    K, layers = keras.backend, keras.layers

    class Pooled(layers.LSTM):
        """Averages the outputs of all steps."""

        def call(self, inputs, mask=None, training=None, initial_state=None):
            found = super().call(inputs, mask=mask, training=training, initial_state=initial_state)
            return K.mean(found, axis=1)

        def compute_output_shape(self, input_shape):
            return (input_shape[0], self.units)

        def compute_mask(self, inputs, mask=None):
            return None

    class Shifted(layers.GRU):
        def call(self, inputs, **options):
            return super().call(inputs - K.mean(inputs, axis=1, keepdims=True))

    class Attention(layers.Layer):
        """The attention of the time: weights of steps from a context vector."""

        def build(self, input_shape):
            size = int(input_shape[-1])
            self.W = self.add_weight(shape=(size, size), initializer="normal", name="W")
            self.b = self.add_weight(shape=(size,), initializer="zeros", name="b")
            self.u = self.add_weight(shape=(size,), initializer="uniform", name="u")
            super().build(input_shape)

        def call(self, x, mask=None):
            uit = K.tanh(K.bias_add(K.dot(x, self.W), self.b))
            ait = K.squeeze(K.dot(uit, K.expand_dims(self.u)), axis=-1)
            a = K.exp(ait)
            a /= K.cast(K.sum(a, axis=1, keepdims=True) + K.epsilon(), K.floatx())
            return K.sum(x * K.expand_dims(a), axis=1)

        def compute_output_shape(self, input_shape):
            return input_shape[0], input_shape[-1]

    return together(
        keras,
        {
            "pooled": Pooled(UNITS, return_sequences=True),
            "shifted": Shifted(UNITS, return_sequences=True),
            "attention": Attention(),
        },
    )


@case
def recurrent(keras):
    """The base class of Keras 2.0, which later versions kept."""
    K = keras.backend
    base = keras.layers.Recurrent

    class Minimal(base):
        def __init__(self, units, **kwargs):
            self.units = units
            super().__init__(**kwargs)
            self.state_spec = keras.layers.InputSpec(shape=(None, units))

        def build(self, input_shape):
            if isinstance(input_shape, list):
                input_shape = input_shape[0]
            self.input_spec = [keras.layers.InputSpec(shape=(None, None, input_shape[2]))]
            self.states = [None]
            self.kernel = self.add_weight(
                shape=(input_shape[-1], self.units), name="kernel", initializer="uniform"
            )
            self.recurrent_kernel = self.add_weight(
                shape=(self.units, self.units), name="recurrent", initializer="uniform"
            )
            self.built = True

        def preprocess_input(self, inputs, training=None):
            return inputs * 2.0

        def get_constants(self, inputs, training=None):
            return [K.mean(inputs, axis=1)]

        def step(self, inputs, states):
            h, mean = states
            h = K.tanh(K.dot(inputs + mean, self.kernel) + K.dot(h, self.recurrent_kernel))
            return h, [h]

    layer = Minimal(UNITS, input_shape=SHAPE)
    # Keras reads these attributes, which the constructor of the base class does not set.
    layer.dropout = layer.recurrent_dropout = 0.0
    yield from trained(keras, sequential(keras, layer), words())


def optimizers(keras):
    K, base = keras.backend, keras.optimizers
    try:
        from keras.legacy import interfaces

        support = interfaces.legacy_get_updates_support
    except ImportError:  # not imported as `keras`, in the tests
        support = keras.legacy.interfaces.legacy_get_updates_support

    class DecoupledAdam(base.Optimizer):
        """Adam with decay of the weights, written after the source of Keras."""

        def __init__(self, lr=0.01, beta_1=0.9, beta_2=0.999, epsilon=None, decay=0.0, **kwargs):
            super().__init__(**kwargs)
            with K.name_scope(self.__class__.__name__):
                self.iterations = K.variable(0, dtype="int64", name="iterations")
                # In Keras 2.3, `lr` cannot be set.
                name = "lr" if keras.__version__ < "2.3" else "learning_rate"
                setattr(self, name, K.variable(lr, name=name))
                self.beta_1 = K.variable(beta_1, name="beta_1")
                self.beta_2 = K.variable(beta_2, name="beta_2")
                self.decay = K.variable(decay, name="decay")
            self.epsilon = K.epsilon() if epsilon is None else epsilon
            self.initial_decay = decay

        @support
        def get_updates(self, loss, params):
            grads = self.get_gradients(loss, params)
            self.updates = [K.update_add(self.iterations, 1)]
            lr = self.lr
            if self.initial_decay > 0:
                lr = lr * (1.0 / (1.0 + self.decay * K.cast(self.iterations, K.dtype(self.decay))))
            t = K.cast(self.iterations, K.floatx()) + 1
            lr_t = lr * (K.sqrt(1.0 - K.pow(self.beta_2, t)) / (1.0 - K.pow(self.beta_1, t)))
            ms = [K.zeros(K.int_shape(p), dtype=K.dtype(p)) for p in params]
            vs = [K.zeros(K.int_shape(p), dtype=K.dtype(p)) for p in params]
            self.weights = [self.iterations] + ms + vs
            for p, g, m, v in zip(params, grads, ms, vs):  # noqa: B905
                m_t = (self.beta_1 * m) + (1.0 - self.beta_1) * g
                v_t = (self.beta_2 * v) + (1.0 - self.beta_2) * K.square(g)
                p_t = p - lr_t * m_t / (K.sqrt(v_t) + self.epsilon) - lr * 0.1 * p
                self.updates.append(K.update(m, m_t))
                self.updates.append(K.update(v, v_t))
                new_p = p_t
                if getattr(p, "constraint", None) is not None:
                    new_p = p.constraint(new_p)
                self.updates.append(K.update(p, new_p))
            return self.updates

    class Centered(base.SGD):
        """Gradient centralization."""

        def get_gradients(self, loss, params):
            grads = super().get_gradients(loss, params)
            return [
                g - K.mean(g, axis=0, keepdims=True) if len(K.int_shape(g)) > 1 else g
                for g in grads
            ]

    class Accumulating(base.Adam):
        """Trains with the mean gradient of two batches."""

        def get_updates(self, loss, params):
            count = K.variable(0.0)
            sums = [K.zeros(K.int_shape(p)) for p in params]
            grads = super().get_gradients(loss, params)
            full = K.cast(K.equal(count, 1.0), "float32")
            means = [(s + g) / 2.0 for s, g in zip(sums, grads)]  # noqa: B905
            self.get_gradients = lambda loss, params: [m * full for m in means]
            updates = super().get_updates(loss, params)
            updates += [K.update(count, 1.0 - count)]
            updates += [
                K.update(s, (1.0 - full) * g)
                for s, g in zip(sums, grads)  # noqa: B905
            ]
            return updates

    found = {
        "decoupled": DecoupledAdam(decay=0.1),
        "decoupled_clipped": DecoupledAdam(clipnorm=0.3),
        "centered": Centered(lr=0.1, momentum=0.9),
        "accumulating": Accumulating(lr=0.05),
    }
    for name in ("SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "Adamax", "Nadam"):
        found["plain_" + name] = calling(getattr(base, name))(clipvalue=0.5)
    found["plain_amsgrad"] = calling(base.Adam)(amsgrad=True, decay=0.1)
    return found


def calling(base):
    """Returns a subclass of an optimizer whose method calls that of the base class."""

    class Plain(base):
        def get_updates(self, loss, params):
            return super().get_updates(loss, params)

    return Plain


@case
def derived_optimizers(keras):
    K, layers = keras.backend, keras.layers
    x, y = numbers(8, 3), numbers(8, 2)
    for name, optimizer in optimizers(keras).items():
        limit = keras.constraints.max_norm(0.9)
        model = keras.models.Sequential(
            [
                layers.Dense(4, activation="tanh", input_dim=3, kernel_constraint=limit),
                layers.Dense(2),
            ]
        )
        set_numbers(model)
        model.compile(optimizer, "mse")
        losses = [model.train_on_batch(x, y) for _ in range(4)]
        K.set_value(optimizer.lr, 0.5 * K.get_value(optimizer.lr))
        model.fit(x, y, batch_size=8, epochs=1, verbose=0, shuffle=False)
        yield {name: np.array(losses)}
        yield {name: model.predict(x)}
