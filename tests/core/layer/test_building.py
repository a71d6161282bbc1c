"""What a layer remembers of the call of `build`."""

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
