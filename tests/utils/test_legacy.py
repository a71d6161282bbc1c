"""Configs of objects as in Keras 2, by the functions of `keras.utils.legacy`."""

import keras
import pytest

import cornu
from cornu.utils import legacy


class Choice:
    """A class of another package, with a config of its own."""

    def __init__(self, name, values=()):
        self.name, self.values = name, values

    def get_config(self):
        return {"name": self.name, "values": self.values}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def test_configs_are_those_of_keras():
    mine = legacy.serialize_keras_object(Choice("units", [1, 2]))
    assert mine == keras.utils.legacy.serialize_keras_object(Choice("units", [1, 2]))
    assert mine == {"class_name": "Choice", "config": {"name": "units", "values": [1, 2]}}
    assert legacy.serialize_keras_object(None) is None
    assert legacy.serialize_keras_object(max) == "max"
    for kind in ("module_objects", "custom_objects"):
        for library in (keras, cornu):
            deserialize = library.utils.legacy.deserialize_keras_object
            assert deserialize(mine, **{kind: {"Choice": Choice}}).values == [1, 2]
        # Keras fails for names in `module_objects`.
        assert legacy.deserialize_keras_object("max", **{kind: {"max": max}}) is max
    assert legacy.deserialize_keras_object(None) is None
    assert legacy.deserialize_keras_object(test_configs_are_those_of_keras)
    layer = legacy.serialize_keras_object(cornu.layers.Dense(3, name="d"))
    assert legacy.deserialize_keras_object(layer, vars(cornu.layers)).units == 3


@pytest.mark.parametrize(
    ("identifier", "words"),
    [
        ("Choise", "Unknown tuner 'Choise'. Did you mean 'Choice'?"),
        ({"class_name": "Choice"}, "must have the entries 'class_name' and 'config'"),
        (3, "A tuner must be a config, a name or a function. Received: 3"),
    ],
)
def test_errors(identifier, words):
    with pytest.raises(ValueError) as error:
        legacy.deserialize_keras_object(identifier, {"Choice": Choice}, None, "tuner")
    assert words in str(error.value)
    with pytest.raises(ValueError, match="Expected an object with a `get_config"):
        legacy.serialize_keras_object(3)
