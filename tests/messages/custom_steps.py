"""Mistakes in training steps, losses and metrics of one's own."""

import numpy as np

import cornu
from cornu import Input, Model, Sequential, layers, ops
from tests.messages.table import wrong

X, Y = np.ones((8, 4), "float32"), np.ones((8, 1), "float32")


def regression(loss="mse", metrics=None):
    model = Sequential([Input((4,), name="x"), layers.Dense(1, name="out")], name="net")
    model.compile("sgd", loss, metrics=metrics)
    return model


@wrong(
    TypeError,
    """
Net.train_step must return a dict of values by name; it returned None.
Use `return {"loss": loss}` or `return self.compute_metrics(x, y, y_pred, sample_weight)`.
fit() was called (at custom_steps.py:9).
""",
)
def a_step_that_returns_nothing():
    """train_step forgets to return logs."""

    class Net(Model):
        def train_step(self, data):
            x, y = data
            self.compute_loss(x, y, self(x))

    x = Input((4,), name="x")
    net = Net(x, layers.Dense(1)(x), name="net")
    net.compile("sgd", "mse")
    net.fit(X, Y, verbose=0)


@wrong(
    TypeError,
    """
Net.train_step must return a dict of values by name; it returned an array.
Use `return {"loss": loss}` or `return self.compute_metrics(x, y, y_pred, sample_weight)`.
fit() was called (at custom_steps.py:9).
""",
)
def a_step_that_returns_a_number():
    """train_step returns the loss instead of a dict."""

    class Net(Model):
        def train_step(self, data):
            x, y = data
            return self.compute_loss(x, y, self(x))

    x = Input((4,), name="x")
    net = Net(x, layers.Dense(1)(x), name="net")
    net.compile("sgd", "mse")
    net.fit(X, Y, verbose=0)


@wrong(
    ValueError,
    """
not enough values to unpack (expected 3, got 2)
A step receives the batch as it was passed: x, (x, y) or (x, y, sample_weight). For all of them \
write `x, y, sample_weight = cornu.utils.unpack_x_y_sample_weight(data)`.
It failed in Net.train_step (at custom_steps.py:3); fit() was called (at custom_steps.py:9).
""",
)
def a_step_of_three():
    """train_step unpacks three parts of two."""

    class Net(Model):
        def train_step(self, data):
            x, y, weight = data
            return {"loss": self.compute_loss(x, y, self(x), weight)}

    x = Input((4,), name="x")
    net = Net(x, layers.Dense(1)(x), name="net")
    net.compile("sgd", "mse")
    net.fit(X, Y, verbose=0)


@wrong(
    TypeError,
    """
Loss 'distance' of output 'out', called on y_true (8, 1), y_pred (8, 1): the loss 'distance' \
returned None instead of values.
Check that the function ends with a `return` statement.
fit() was called (at custom_steps.py:4).
""",
)
def a_loss_that_returns_nothing():
    """A loss forgets its `return`."""

    def distance(y_true, y_pred):
        ops.mean(ops.square(y_true - y_pred))

    regression(distance).fit(X, Y, verbose=0)


@wrong(
    TypeError,
    """
Loss 'distance' of output 'out', called on y_true (8, 1), y_pred (8, 1): distance() takes 1 \
positional argument but 2 were given
A loss function must have the signature loss(y_true, y_pred).
fit() was called (at custom_steps.py:4).
""",
)
def a_loss_of_one_argument():
    """A loss takes one argument."""

    def distance(y_pred):
        return ops.mean(y_pred)

    regression(distance).fit(X, Y, verbose=0)


@wrong(
    TypeError,
    """
Loss 'distance' of output 'out', called on y_true (8, 1), y_pred (8, 1), failed in distance (at \
custom_steps.py:2): a NumPy function was called on a traced value (float32[8,1]), which is not \
known while the function is traced.
Use the function of the same name in cornu.ops or jax.numpy.
fit() was called (at custom_steps.py:4).
""",
)
def a_loss_in_numpy():
    """A loss computes with NumPy."""

    def distance(y_true, y_pred):
        return np.mean(np.square(y_true - y_pred))

    regression(distance).fit(X, Y, verbose=0)


@wrong(
    ValueError,
    """
Loss 'distance' of output 'out', called on y_true (8, 1), y_pred (8, 1), failed in distance (at \
custom_steps.py:2): the contracted axes of a product have different sizes: 1 and 8.
In x @ w, the last axis of x and the second-to-last axis of w must have the same size.
fit() was called (at custom_steps.py:4).
""",
)
def a_loss_of_shapes_that_do_not_fit():
    """A loss multiplies what does not fit."""

    def distance(y_true, y_pred):
        return ops.matmul(y_true, y_pred)

    regression(distance).fit(X, Y, verbose=0)


@wrong(
    TypeError,
    """
Metric 'within' of output 'out', failed in within (at custom_steps.py:2): a NumPy function was \
called on a traced value (float32[8,1]), which is not known while the function is traced.
Use the function of the same name in cornu.ops or jax.numpy.
fit() was called (at custom_steps.py:4).
""",
)
def a_metric_that_counts_in_python():
    """A metric computes with NumPy."""

    def within(y_true, y_pred):
        return np.mean(np.abs(y_true - y_pred) < 0.5)

    regression(metrics=[within]).fit(X, Y, verbose=0)


@wrong(
    NotImplementedError,
    """
Metric 'nothing' of output 'out': Nothing does not define `update_state`.
fit() was called (at custom_steps.py:5).
""",
)
def a_metric_without_update():
    """A metric's class does not define update_state."""

    class Nothing(cornu.metrics.Metric):
        def result(self):
            return 0.0

    regression(metrics=[Nothing(name="nothing")]).fit(X, Y, verbose=0)


@wrong(
    ValueError,
    """
the differentiated function must return a scalar. Received an array of shape (2,).
Return its mean or sum, such as cornu.ops.mean(losses).
value_and_grad(...)() was called (at custom_steps.py:2).
""",
)
def a_gradient_of_no_scalar():
    """value_and_grad of a function that returns an array."""
    w = cornu.Variable([1.0, 2.0], name="w")
    cornu.value_and_grad(lambda: w * 2, [w])()


@wrong(
    ValueError,
    """
Optimizer 'sgd': grads must be 2 arrays. Received: 1
Pass one for each Variable, in the same order. This happened (at custom_steps.py:3).
""",
)
def too_few_gradients():
    """An optimizer gets fewer gradients than Variables."""
    dense = layers.Dense(2, name="dense")
    dense.build((None, 4))
    cornu.optimizers.SGD().apply([np.ones((4, 2))], dense.trainable_variables)


@wrong(
    TypeError,
    """
Python's `if`, `while`, `and`, `or`, `not` and `assert` require a concrete bool. Received a \
traced value (bool[]), which is not known while the function is traced.
Use cornu.ops.where(condition, a, b) or cornu.ops.cond(condition, f, g). Conditions on shapes \
and on `training` are allowed.
It failed in Net.train_step (at custom_steps.py:5); fit() was called (at custom_steps.py:12).
""",
)
def branch_in_a_step():
    """A training step asks for the value of the loss."""

    class Net(Model):
        def train_step(self, data):
            x, y = data
            loss = self.compute_loss(x, y, self(x))
            if loss > 10:
                return {"loss": 10.0}
            return {"loss": loss}

    x = Input((4,), name="x")
    net = Net(x, layers.Dense(1)(x), name="net")
    net.compile("sgd", "mse")
    net.fit(X, Y, verbose=0)


@wrong(
    KeyError,
    """
'val_loss'
It failed in Watch.on_epoch_end (at custom_steps.py:3); fit() was called (at custom_steps.py:5).
""",
)
def a_callback_that_misspells_a_log():
    """A callback asks for a value that the logs do not have."""

    class Watch(cornu.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["val_loss"]

    regression().fit(X, Y, verbose=0, callbacks=[Watch()])
