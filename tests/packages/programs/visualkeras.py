"""visualkeras: pictures of the architecture of models."""

import keras
import numpy as np
import visualkeras

from tests.packages.steps import step

layers = keras.layers


def sequential():
    return keras.Sequential(
        [
            *(keras.Input((16, 16, 3)), layers.Conv2D(4, 3, activation="relu")),
            *(layers.MaxPooling2D(), layers.Flatten(), layers.Dense(10), layers.Dense(2)),
        ]
    )


def functional():
    inputs = keras.Input((8,), name="x")
    left, right = layers.Dense(4, name="a")(inputs), layers.Dense(4, name="b")(inputs)
    return keras.Model(inputs, layers.Dense(2, name="y")(layers.Add(name="add")([left, right])))


@step
def graph_view():
    images = [visualkeras.graph_view(model) for model in (functional(), sequential())]
    return [np.asarray(image).mean(axis=(0, 1)) for image in images]


@step
def graph_view_with_options():
    image = visualkeras.graph_view(
        functional(), to_file="graph.png", layer_spacing=50, show_neurons=False, node_size=20
    )
    return image.size


@step
def inputs_and_outputs():
    left, right = keras.Input((4,)), keras.Input((4,))
    shared = layers.Dense(3)
    merged = layers.Concatenate()([shared(left), shared(right)])
    model = keras.Model([left, right], [layers.Dense(2)(merged), layers.Dense(1)(merged)])
    return np.asarray(visualkeras.graph_view(model)).mean(axis=(0, 1))
