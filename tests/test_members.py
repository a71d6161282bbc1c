"""Attributes of losses, metrics and optimizers of the user that are named like members of ours."""

import keras
import numpy as np
import pytest

import cornu

X, Y = np.ones((8, 3), "float32"), np.zeros((8, 1), "float32")


class OwnLoss(cornu.losses.Loss):
    def call(self, y_true, y_pred):
        return cornu.ops.mean(cornu.ops.square(y_true - y_pred), axis=-1)


class OwnMetric(cornu.metrics.Metric):
    def __init__(self):
        super().__init__(name="own")
        self.sum = self.add_weight(name="sum")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.sum.assign_add(cornu.ops.sum(y_pred))

    def result(self):
        return self.sum


class OwnOptimizer(cornu.optimizers.Optimizer):
    def __init__(self):
        super().__init__(0.1)

    def update_step(self, gradient, variable, learning_rate):
        self.assign_sub(variable, learning_rate * gradient)


class OwnStopping(cornu.callbacks.EarlyStopping):
    def __init__(self):
        super().__init__("loss")


BASES = {
    OwnLoss: keras.losses.Loss,
    OwnMetric: keras.metrics.Metric,
    OwnOptimizer: keras.optimizers.Optimizer,
    OwnStopping: keras.callbacks.EarlyStopping,
}


@pytest.mark.parametrize("cls", BASES)
def test_members_that_keras_does_not_reserve_can_be_attributes(cls):
    obj, reserved = cls(), {*dir(BASES[cls]), "sum", "best_epoch"}
    own = {name for name in {*dir(obj), "k", "loss"} if not name.startswith("_")}
    # Attributes that Keras's constructor sets are reserved as well.
    theirs = BASES[cls](0.1) if cls is OwnOptimizer else BASES[cls]()
    names = own - reserved - {*vars(theirs)}
    for name in names:
        setattr(obj, name, "of the user")
    model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(1)])
    model.compile(
        obj if cls is OwnOptimizer else "sgd",
        obj if cls is OwnLoss else "mse",
        metrics=[obj] if cls is OwnMetric else None,
    )
    model.fit(
        X,
        Y,
        verbose=0,
        callbacks=[obj] if cls is OwnStopping else None,
        validation_data=(X, Y),
    )
    model.evaluate(X, Y, verbose=0)
    assert {getattr(obj, name) for name in names} == {"of the user"}
