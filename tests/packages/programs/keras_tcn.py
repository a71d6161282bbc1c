"""Keras TCN: temporal convolutional networks, saved and loaded."""

from tcn import TCN, tcn_full_summary
from tensorflow import keras
from tensorflow.keras import Input, Model
from tensorflow.keras.layers import Dense
from tensorflow.keras.models import Sequential, load_model

from tests.packages.steps import data, fix_weights, step

x, y = data(12, 10, 3), data(12, 1, seed=1)


def make_model(**kwargs):
    layers = [Input((10, 3)), TCN(4, kernel_size=2, dilations=(1, 2), name="tcn", **kwargs)]
    model = Sequential([*layers, Dense(1)])
    model.compile("adam", "mse")
    return fix_weights(model)


@step
def fit():
    model = make_model()
    history = model.fit(x, y, batch_size=12, epochs=3, verbose=0, shuffle=False)
    return history.history["loss"], model.predict(x, verbose=0), model.layers[0].receptive_field


@step
def variants():
    kinds = [
        *({"use_batch_norm": True}, {"use_layer_norm": True}, {"return_sequences": True}),
        *({"use_skip_connections": False}, {"padding": "same"}),
    ]
    return [make_model(**kind).predict(x, verbose=0) for kind in kinds]


@step
def save_and_load():
    model = make_model()
    model.save("tcn.keras")
    loaded = load_model("tcn.keras")
    model.save_weights("tcn.weights.h5")
    loaded.load_weights("tcn.weights.h5")
    return loaded.predict(x, verbose=0) - model.predict(x, verbose=0)


@step
def functional_model():
    inputs = Input((None, 3))
    hidden = TCN(4, kernel_size=2, dilations=(1, 2), return_sequences=True)(inputs)
    model = Model(inputs, Dense(1)(TCN(4, kernel_size=2, dilations=(1, 2))(hidden)))
    return fix_weights(model).predict(x, verbose=0)


@step
def full_summary():
    tcn_full_summary(make_model(), expand_residual_blocks=True)


assert keras.__version__.startswith("3.")
