"""Two optimizers for the groups of a model's variables, in a loop over batches with `assign`

The embedding trains by Adagrad, the rest by AdamW with its own schedule.
"""

import jax
import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(0)
IDS = rng.integers(0, 20, (60, 5))
TARGET = (IDS.mean(1, keepdims=True) / 10 - 1).astype("float32")


def build():
    ids = keras.Input((5,), dtype="int32")
    x = layers.Embedding(20, 6, name="table")(ids)
    x = layers.GlobalMaxPooling1D()(layers.Conv1D(8, 2, activation="gelu")(x))
    return keras.Model(ids, layers.Dense(1)(x))


def train(model, log):
    table = model.get_layer("table")
    sparse = table.trainable_variables
    dense = [v for v in model.trainable_variables if not any(v is one for one in sparse)]
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([4, 8], [0.02, 0.01, 0.005])
    optimizers = [
        (keras.optimizers.Adagrad(0.2), sparse),
        (keras.optimizers.AdamW(schedule, weight_decay=0.02), dense),
    ]
    for optimizer, variables in optimizers:
        optimizer.build(variables)
    loss_fn = keras.losses.MeanAbsoluteError()
    metric = keras.metrics.MeanAbsoluteError()

    def loss_of(groups, x, y):
        values = {id(v): g for (_, vs), gs in zip(optimizers, groups) for v, g in zip(vs, gs)}
        weights = [values[id(v)] for v in model.trainable_variables]
        y_pred, _ = model.stateless_call(weights, [], x)
        return loss_fn(y, y_pred), y_pred

    compute = jax.jit(jax.value_and_grad(loss_of, has_aux=True))
    for step in range(12):
        rows = slice(20 * (step % 3), 20 * (step % 3) + 20)
        groups = [[v.value for v in variables] for _, variables in optimizers]
        (loss, y_pred), gradients = compute(groups, IDS[rows], TARGET[rows])
        for (optimizer, variables), group in zip(optimizers, gradients):
            optimizer.apply_gradients(zip(group, variables))
        metric.update_state(TARGET[rows], y_pred)
        log(loss)
        if step == 5:
            metric.reset_state()
    rates = [float(optimizer.learning_rate) for optimizer, _ in optimizers]
    return rates, float(metric.result()), table.get_weights()
