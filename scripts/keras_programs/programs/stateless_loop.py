"""A whole loop of one's own in one `jax.lax.scan`: models, metrics and a loss without side effects

A convolutional classifier. Evaluation uses `stateless_update_state` and `stateless_result`.
"""

import jax
import keras
import numpy as np
from keras import layers, ops

rng = np.random.default_rng(0)
LABELS = rng.integers(0, 4, 80)
X = (rng.normal(size=(4, 6, 6, 1))[LABELS] + rng.normal(0, 1, (80, 6, 6, 1))).astype("float32")
BATCHES = X[:40].reshape(2, 20, 6, 6, 1), LABELS[:40].reshape(2, 20)


def build():
    return keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.Conv2D(6, 3, use_bias=False),
            layers.BatchNormalization(scale=False),
            layers.PReLU(shared_axes=[1, 2]),
            layers.DepthwiseConv2D(3, depth_multiplier=2),
            layers.Flatten(),
            layers.Dense(4),
        ]
    )


def train(model, log):
    loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.Adam(
        keras.optimizers.schedules.PolynomialDecay(0.02, 10, 0.001), global_clipnorm=1.0
    )
    optimizer.build(model.trainable_variables)
    metrics = [keras.metrics.SparseCategoricalAccuracy(), keras.metrics.Mean(name="loss")]

    def loss_of(trainable, non_trainable, x, y):
        logits, non_trainable = model.stateless_call(trainable, non_trainable, x, training=True)
        return loss_fn(y, logits), non_trainable

    def step(state, batch):
        trainable, non_trainable, slots = state
        (loss, non_trainable), gradients = jax.value_and_grad(loss_of, has_aux=True)(
            trainable, non_trainable, *batch
        )
        trainable, slots = optimizer.stateless_apply(slots, gradients, trainable)
        return (trainable, non_trainable, slots), loss

    @jax.jit
    def epoch(state):
        return jax.lax.scan(step, state, BATCHES)

    state = tuple(
        [v.value for v in variables]
        for variables in (
            model.trainable_variables,
            model.non_trainable_variables,
            optimizer.variables,
        )
    )
    for _ in range(10):
        state, losses = epoch(state)
        log(losses.mean())

    @jax.jit
    def evaluate(values, x, y):
        logits, _ = model.stateless_call(state[0], state[1], x, training=False)
        return [
            metrics[0].stateless_update_state(values[0], y, logits),
            metrics[1].stateless_update_state(values[1], loss_fn(y, logits), sample_weight=len(x)),
        ]

    values = [[v.value for v in metric.variables] for metric in metrics]
    for start in range(0, 80, 30):
        values = evaluate(values, X[start : start + 30], LABELS[start : start + 30])
    for variable, value in zip(model.trainable_variables, state[0]):
        variable.assign(value)
    results = [float(m.stateless_result(v)) for m, v in zip(metrics, values)]
    return results, [float(ops.norm(w)) for w in model.trainable_variables]
