"""What a layer remembers of the call of `build`."""

import numpy as np
import pytest

import cornu


class Even(cornu.Layer):
    """Requires an even number of features."""

    def build(self, input_shape):
        if input_shape[-1] % 2:
            raise ValueError("odd")
        self.scale = self.add_weight((input_shape[-1],), "ones")

    def call(self, x):
        return x * self.scale


def test_build_config_contains_the_shape_of_a_build_that_succeeded():
    layer = Even()
    assert layer.get_build_config() is None
    with pytest.raises(ValueError, match="odd"):
        layer.build((None, 3))
    assert not layer.built and layer.get_build_config() is None
    layer.build((None, 4))
    assert layer.get_build_config() == {"input_shape": (None, 4)}


class Inner(cornu.Layer):
    """Builds its layer when it is called."""

    def __init__(self):
        super().__init__(name="inner")
        self.dense = cornu.layers.Dense(2, name="dense")

    def call(self, x):
        return self.dense(x)


class Outer(cornu.Model):
    def __init__(self, inner):
        super().__init__(name="outer")
        self.inner = inner

    def call(self, x):
        return self.inner(x)


@pytest.mark.parametrize(
    "build",
    [
        lambda model: model(np.ones((1, 3))),
        lambda model: model(cornu.Input((3,))),
        lambda model: model.build((None, 3)),
        lambda model: model.predict(np.ones((1, 3)), verbose=0),
    ],
)
def test_paths_of_weights_do_not_depend_on_how_a_model_was_built(build):
    model = Outer(Inner())
    build(model)
    assert [w.path for w in model.weights] == [
        "outer/inner/dense/kernel",
        "outer/inner/dense/bias",
    ]
