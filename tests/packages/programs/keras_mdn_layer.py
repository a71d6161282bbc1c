"""keras-mdn-layer: a mixture density network, whose targets have another shape than its outputs."""

import keras
import keras_mdn_layer as mdn
import numpy as np

from tests.packages.steps import data, fix_weights, step

x, y = data(20, 3), data(20, 2, seed=1)


def make_model():
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(8, "relu"), mdn.MDN(2, 3, name="mdn")]
    )
    model.compile(keras.optimizers.Adam(), loss=mdn.get_mixture_loss_func(2, 3))
    return fix_weights(model)


@step
def fit():
    history = make_model().fit(x, y, batch_size=20, epochs=3, verbose=0, shuffle=False)
    return history.history["loss"]


@step
def sample():
    outputs = make_model().predict(x[:4], verbose=0)
    np.random.seed(1)
    samples = np.apply_along_axis(mdn.sample_from_output, 1, outputs, 2, 3, temp=1.0)
    return outputs, mdn.split_mixture_params(outputs[0], 2, 3), samples.shape


@step
def save_and_load():
    model = make_model()
    model.save("mdn.keras")
    objects = {"MDN": mdn.MDN, "mdn_loss_func": mdn.get_mixture_loss_func(2, 3)}
    loaded = keras.models.load_model("mdn.keras", custom_objects=objects)
    return loaded.predict(x, verbose=0)
