"""ncps: liquid time-constant networks and closed-form continuous-time networks."""

import keras
from ncps import wirings
from ncps.keras import LTC, CfC

from tests.packages.steps import data, fix_weights, step

x, y = data(6, 8, 2), data(6, 8, 1, seed=1)


def make_model(cell):
    model = keras.Sequential([keras.Input((None, 2)), cell, keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    return fix_weights(model)


def train(cell):
    model = make_model(cell)
    history = model.fit(x, y, batch_size=6, epochs=2, verbose=0, shuffle=False)
    return history.history["loss"], model.predict(x, verbose=0)


@step
def closed_form_network():
    return train(CfC(5, return_sequences=True))


@step
def modes():
    kinds = ("default", "pure", "no_gate")
    return [
        make_model(CfC(5, mode=kind, return_sequences=True)).predict(x, verbose=0) for kind in kinds
    ]


@step
def liquid_network():
    return train(LTC(5, return_sequences=True))


@step
def wired_network():
    wiring = wirings.AutoNCP(8, 1)
    return train(LTC(wiring, return_sequences=True)), train(CfC(wiring, return_sequences=True))


@step
def save_and_load():
    model = make_model(CfC(5, return_sequences=True))
    model.save("cfc.keras")
    return keras.models.load_model("cfc.keras").predict(x, verbose=0)
