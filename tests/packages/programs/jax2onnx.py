"""jax2onnx: models as ONNX, compared with ONNX Runtime."""

import keras
import numpy as np
import onnxruntime
from jax2onnx import to_onnx

from tests.packages.steps import data, fix_weights, step


def export(model, *shapes):
    """Returns the largest difference of the exported model."""
    exported = to_onnx(
        lambda *x: model(x[0] if len(x) == 1 else list(x)), [("B", *s) for s in shapes]
    )
    session = onnxruntime.InferenceSession(exported.SerializeToString())
    inputs = [data(3, *shape) for shape in shapes]
    names = [item.name for item in session.get_inputs()]
    found = session.run(None, dict(zip(names, inputs, strict=True)))[0]
    expected = np.asarray(model(inputs[0] if len(inputs) == 1 else inputs))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    return found


layers = keras.layers


@step
def dense_model():
    stack = [
        keras.Input((4,)),
        layers.Dense(8, "relu"),
        layers.LayerNormalization(),
        layers.Dense(2, "softmax"),
    ]
    return export(fix_weights(keras.Sequential(stack)), (4,))


@step
def convolutional_model():
    inputs = keras.Input((8, 8, 3))
    x = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same")(inputs))
    x = layers.Add()([x, layers.Conv2D(4, 1)(inputs)])
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    return export(fix_weights(keras.Model(inputs, layers.Dense(3)(x))), (8, 8, 3))


@step
def attention():
    inputs = keras.Input((5, 8))
    outputs = layers.MultiHeadAttention(2, 4)(inputs, inputs)
    return export(fix_weights(keras.Model(inputs, outputs)), (5, 8))


@step
def two_inputs():
    left, right = keras.Input((3,)), keras.Input((3,))
    model = keras.Model([left, right], layers.Dense(2)(layers.Concatenate()([left, right])))
    return export(fix_weights(model), (3,), (3,))
