"""Custom training loops as documented by Keras for JAX, with `import cornu as keras`."""

import jax
import keras
import numpy as np
import pytest

import cornu

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 6)).astype("float32")
Y = np.eye(3, dtype="float32")[RNG.integers(0, 3, size=40)]
BATCHES = [(X[i : i + 8], Y[i : i + 8]) for i in range(0, 40, 8)]


def net(keras):
    inputs = keras.Input(shape=(6,), name="digits")
    x = keras.layers.Dense(8, activation="tanh")(inputs)
    x = keras.layers.BatchNormalization(momentum=0.9)(x)
    x = keras.layers.Dense(8, activation="tanh", kernel_regularizer="l2")(x)
    return keras.Model(inputs, keras.layers.Dense(3, name="predictions")(x))


def simple_loop(keras, model):
    """A loss, an optimizer and a metric, whose state the loop carries."""
    loss_fn = keras.losses.CategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.Adam(learning_rate=1e-2)
    metric = keras.metrics.CategoricalAccuracy()
    optimizer.build(model.trainable_variables)

    def compute_loss_and_updates(trainable, non_trainable, metric_variables, x, y):
        y_pred, non_trainable, losses = model.stateless_call(
            trainable, non_trainable, x, training=True, return_losses=True
        )
        loss = loss_fn(y, y_pred) + sum(losses)
        metric_variables = metric.stateless_update_state(metric_variables, y, y_pred)
        return loss, (non_trainable, metric_variables)

    grad_fn = jax.value_and_grad(compute_loss_and_updates, has_aux=True)

    @jax.jit
    def train_step(state, data):
        trainable, non_trainable, optimizer_variables, metric_variables = state
        x, y = data
        (loss, (non_trainable, metric_variables)), grads = grad_fn(
            trainable, non_trainable, metric_variables, x, y
        )
        trainable, optimizer_variables = optimizer.stateless_apply(
            optimizer_variables, grads, trainable
        )
        return loss, (trainable, non_trainable, optimizer_variables, metric_variables)

    parts = (
        model.trainable_variables,
        model.non_trainable_variables,
        optimizer.variables,
        metric.variables,
    )
    state = tuple([v.value for v in part] for part in parts)
    losses, accuracies = [], []
    for _ in range(2):
        for data in BATCHES:
            loss, state = train_step(state, data)
            losses.append(float(loss))
        accuracies.append(float(metric.stateless_result(state[3])))
        state = (*state[:3], metric.stateless_reset_state())
    for part, values in zip(parts, state, strict=True):
        for variable, value in zip(part, values, strict=True):
            variable.assign(value)
    return losses, accuracies


def compiled_loop(keras, model):
    """The loss and the metrics of `compile`, in a custom loop."""
    model.compile("sgd", "mse", metrics=["mae"])
    model.optimizer.build(model.trainable_variables)
    model.train_on_batch(X[:8], Y[:8])  # makes the metrics
    model.reset_metrics()

    def loss_of(trainable, non_trainable, metrics, x, y):
        y_pred, non_trainable = model.stateless_call(trainable, non_trainable, x, training=True)
        loss, (trainable, _, metrics) = model.stateless_compute_loss(
            trainable, non_trainable, metrics, x=x, y=y, y_pred=y_pred
        )
        return loss, (non_trainable, metrics)

    grad_fn = jax.jit(jax.value_and_grad(loss_of, has_aux=True))
    apply = jax.jit(model.optimizer.stateless_apply)
    trainable = [v.value for v in model.trainable_variables]
    non_trainable = [v.value for v in model.non_trainable_variables]
    metrics = [v.value for v in model.metrics_variables]
    slots = [v.value for v in model.optimizer.variables]
    losses = []
    for x, y in BATCHES:
        (loss, (non_trainable, metrics)), grads = grad_fn(trainable, non_trainable, metrics, x, y)
        trainable, slots = apply(slots, grads, trainable)
        losses.append(float(loss))
    for variable, value in zip(model.trainable_variables, trainable, strict=True):
        variable.assign(value)
    return losses, [float(np.sum(m)) for m in metrics]


@pytest.mark.parametrize("loop", [simple_loop, compiled_loop])
def test_loops_that_carry_the_state_are_those_of_keras(loop):
    theirs, ours = net(keras), net(cornu)
    ours.set_weights(theirs.get_weights())
    for a, b in zip(loop(keras, theirs), loop(cornu, ours), strict=True):
        np.testing.assert_allclose(a, b, 1e-4, 1e-6)
    for a, b in zip(theirs.get_weights(), ours.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, 1e-3, 1e-5)


def test_variables_are_the_same_in_number_and_order():
    theirs, ours = net(keras), net(cornu)
    for model in (theirs, ours):
        model.compile("adam", "mse", metrics=["mae"])
        model.train_on_batch(X, Y)
    for what in ("variables", "trainable_variables", "non_trainable_variables"):
        named = [[(v.name, v.shape) for v in getattr(model, what)] for model in (theirs, ours)]
        assert named[0] == named[1]
    names = [[v.shape for v in model.metrics_variables] for model in (theirs, ours)]
    assert names[0] == names[1] and len(names[0]) == 4


def test_losses_and_metrics_bind_to_a_subclass_that_was_only_called():
    class Net(cornu.Model):
        def __init__(self):
            super().__init__()
            self.dense = cornu.layers.Dense(3)

        def call(self, x):
            return self.dense(x)

    model = Net()
    y_pred = model(X)
    model.compile("sgd", "mse", metrics=["mae"])
    expected = np.mean((np.asarray(y_pred) - Y) ** 2)
    assert float(model.compute_loss(X, Y, y_pred)) == pytest.approx(float(expected), rel=1e-5)
    logs = model.compute_metrics(X, Y, y_pred)
    assert float(logs["mae"]) == pytest.approx(float(np.abs(y_pred - Y).mean()), rel=1e-5)


def test_a_wrong_number_of_values_is_reported():
    model = net(cornu)
    trained = [v.value for v in model.trainable_variables]
    with pytest.raises(ValueError, match="has 2 non_trainable_variables; received 0 values"):
        model.stateless_call(trained, [], X)
    with pytest.raises(RuntimeError, match="Pass a key"):
        layer = cornu.layers.Dropout(0.5)
        layer(X)
        layer.stateless_call([], [], X, training=True)
