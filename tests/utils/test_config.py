"""Config against Keras's, and invalid operations."""

import copy
import pickle

import keras
import pytest

from cornu.utils import Config


def _used(config_class):
    """The public state of a config after some changes."""
    config = config_class(b=2, a=1)
    config.c = [3]
    config["d"] = 4
    config.update({"e": 5}, f=6)
    popped = config.pop("b"), config.pop("none", 7)
    del config["e"]
    seen = [popped, list(config), len(config), list(config.items()), list(config.keys())]
    seen += [list(config.values()), config.as_dict(), config.to_json(), repr(config)]
    return [
        *seen,
        config.get("a"),
        config.get("x"),
        config.get("x", 8),
        "a" in config,
        "x" in config,
    ]


def test_it_does_what_keras_does():
    assert _used(Config) == _used(keras.utils.Config)


def test_a_frozen_config_keeps_its_values():
    config = Config(a=1)
    config.freeze()
    changes = [
        lambda: setattr(config, "a", 2),
        lambda: config.update(a=2),
        lambda: config.pop("a"),
        lambda: config.__setitem__("a", 2),
        lambda: config.__delitem__("a"),
    ]
    for change in changes:
        with pytest.raises(ValueError, match="is frozen"):
            change()
    assert config.frozen and config.as_dict() == {"a": 1}
    config.unfreeze()
    config.a = 2
    assert config.a == 2


def test_names_that_do_not_exist_or_are_methods():
    config = Config(learning_rate=1)
    with pytest.raises(AttributeError, match="(?s)no value 'learning_rat'.*'learning_rate'"):
        _ = config.learning_rat
    with pytest.raises(ValueError, match="is a method of Config"):
        config.keys = 3
    config["keys"] = 3
    assert list(config.keys()) == ["learning_rate", "keys"]


def test_copies_are_their_own():
    config = Config(a=1)
    for other in (copy.deepcopy(config), pickle.loads(pickle.dumps(config))):
        other.a = 2
        assert config.a == 1 and other.a == 2
