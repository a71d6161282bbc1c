"""Optimizers that programs derived from those of Keras 1: `get_updates`, `get_gradients`."""

import numpy as np

from tests.dialects.keras1_case import numbers
from tests.dialects.keras1_subclass_cases import set_numbers

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def optimizers(keras):
    K, base = keras.backend, keras.optimizers
    get = K.get_variable_shape

    class Momentum(base.Optimizer):
        """Written from nothing, with slots, a counter, decay and constraints."""

        def __init__(self, lr=0.1, momentum=0.9, decay=0.1, **kwargs):
            super().__init__(**kwargs)
            self.lr = K.variable(lr)
            self.momentum = K.variable(momentum)
            self.decay = K.variable(decay)
            self.iterations = K.variable(0.0)

        def get_updates(self, params, constraints, loss):
            grads = self.get_gradients(loss, params)
            rate = self.lr * (1.0 / (1.0 + self.decay * self.iterations))
            self.updates = [K.update_add(self.iterations, 1)]
            moments = [K.zeros(get(p)) for p in params]
            self.weights = [self.iterations] + moments
            for p, g, m in zip(params, grads, moments):  # noqa: B905
                v = self.momentum * m - rate * g
                self.updates.append(K.update(m, v))
                new = p + v
                if p in constraints:
                    new = constraints[p](new)
                self.updates.append(K.update(p, new))
            return self.updates

        def get_config(self):
            return dict(super().get_config(), lr=float(K.get_value(self.lr)))

    class Signs(base.SGD):
        """Changes gradients, and leaves the rest to the base class."""

        def get_gradients(self, loss, params):
            return [K.sign(g) for g in super().get_gradients(loss, params)]

    class Shrinking(base.Adam):
        """Adds to what the base class returns, with a slot of its own."""

        def get_updates(self, params, constraints, loss):
            updates = super().get_updates(params, constraints, loss)
            count = K.variable(0.0)
            self.weights = self.weights + [count]
            updates.append(K.update_add(count, 1.0))
            return updates

    class TwoRates(base.RMSprop):
        """Another rate for vectors: all formulas again, from `K.gradients`."""

        def get_updates(self, params, constraints, loss):
            grads = K.gradients(loss, params)
            self.weights = [K.zeros(get(p)) for p in params]
            self.updates = []
            for p, g, a in zip(params, grads, self.weights):  # noqa: B905
                new_a = self.rho * a + (1.0 - self.rho) * K.square(g)
                rate = self.lr * (10.0 if len(get(p)) == 1 else 1.0)
                self.updates.append(K.update(a, new_a))
                self.updates.append(K.update(p, p - rate * g / (K.sqrt(new_a) + self.epsilon)))
            return self.updates

    found = {
        "momentum": Momentum(),
        "momentum_clipped": Momentum(clipnorm=0.3, clipvalue=0.2),
        "signs": Signs(lr=0.01, momentum=0.9, nesterov=True, decay=0.1),
        "shrinking": Shrinking(lr=0.05),
        "two_rates": TwoRates(lr=0.01),
    }
    for name in ("SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "Adamax", "Nadam"):
        found["plain_" + name] = calling(getattr(base, name))(clipnorm=0.5)
    return found


def calling(base):
    """Returns a subclass of an optimizer whose method calls that of the base class."""

    class Plain(base):
        def get_updates(self, *args):
            return super().get_updates(*args)

    return Plain


@case
def derived_optimizers(keras):
    K, layers = keras.backend, keras.layers
    x, y = numbers(8, 3), numbers(8, 2)
    for name, optimizer in optimizers(keras).items():
        limit = keras.constraints.maxnorm(0.9)
        model = keras.models.Sequential(
            [layers.Dense(4, activation="tanh", input_dim=3, W_constraint=limit), layers.Dense(2)]
        )
        set_numbers(model)
        model.compile(optimizer, "mse")
        losses = [model.train_on_batch(x, y) for _ in range(4)]
        K.set_value(optimizer.lr, 0.5 * K.get_value(optimizer.lr))
        model.fit(x, y, batch_size=8, nb_epoch=1, verbose=0, shuffle=False)
        yield {name: np.array(losses)}
        yield {name: model.predict(x)}
        yield {name: np.array([w.shape for w in optimizer.get_weights() if w.ndim == 2])}
