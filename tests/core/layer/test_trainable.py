"""Which Variables are trained if some of the layers within others are frozen."""

import keras
import numpy as np
import pytest

import cornu


def nested(library):
    """The last layer of a frozen model is trained again, as in fine-tuning."""
    x = library.Input((4,))
    hidden = library.layers.Dense(3, name="a")(x)
    base = library.Model(x, library.layers.Dense(2, name="b")(hidden))
    inputs = library.Input((4,))
    model = library.Model(inputs, library.layers.Dense(1)(base(inputs)))
    base.trainable = False
    base.layers[-1].trainable = True
    return model, base


def composite(library):
    class Composite(library.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.dense = library.layers.Dense(2)

        def build(self, shape):
            self.dense.build(shape)
            self.w = self.add_weight(shape=(2,))
            self.built = True

        def call(self, x):
            return self.dense(x) + self.w

    return Composite


def frozen_by_its_constructor(library):
    x = library.Input((4,))
    layer = composite(library)(trainable=False)
    return library.Model(x, layer(x)), layer


def trained_inside_a_frozen_layer(library):
    x = library.Input((4,))
    layer = composite(library)()
    model = library.Model(x, layer(x))
    layer.trainable = False
    layer.dense.trainable = True
    return model, layer


def frozen_as_a_whole(library):
    model, layer = trained_inside_a_frozen_layer(library)
    model.trainable = False
    return model, layer


def sequential(library):
    layers = [library.layers.Dense(2), library.layers.Dense(2)]
    inner = library.Sequential([library.Input((4,)), *layers])
    inner.trainable = False
    inner.layers[0].trainable = True
    return library.Sequential([library.Input((4,)), inner]), inner


def bidirectional(library):
    layer = library.layers.Bidirectional(library.layers.LSTM(2))
    model = library.Sequential([library.Input((3, 2)), layer])
    layer.trainable = False
    layer.forward_layer.trainable = True
    return model, layer


CASES = (
    *(nested, frozen_by_its_constructor, trained_inside_a_frozen_layer, frozen_as_a_whole),
    *(sequential, bidirectional),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_trained_variables_are_those_of_keras(case):
    counts = [
        [(len(part.trainable_variables), len(part.non_trainable_weights)) for part in case(library)]
        for library in (keras, cornu)
    ]
    assert counts[0] == counts[1]


def test_a_layer_within_a_frozen_model_is_trained():
    model, base = nested(cornu)
    model.compile("sgd", "mse")
    before = [weight.numpy() for weight in base.weights]
    model.fit(np.ones((4, 4)), np.ones((4, 1)), verbose=0)
    changed = [bool((b != w.numpy()).any()) for b, w in zip(before, base.weights, strict=True)]
    assert changed == [False, False, True, True]
