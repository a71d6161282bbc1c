"""Lambda: a function as a layer, and what of it can be described as data."""

import json

import keras
import numpy as np
import pytest

from cornu import ops
from cornu.layers import Dense, Embedding, Input, Lambda
from cornu.registry import custom_object_scope, get_custom_objects, register_keras_serializable

X = np.array([[1.0, 2.0, 3.0]], "float32")


def test_shapes_are_inferred():
    x = Input((None, 4))
    assert Lambda(lambda x: ops.mean(x, axis=1))(x).shape == (None, 4)
    assert Lambda(lambda x: x[:, -1] * 2, output_shape=(4,))(x).shape == (None, 4)
    assert Lambda(lambda pair: pair[0] + pair[1])([x, x]).shape == (None, None, 4)


def test_arguments_training_and_mask_are_passed():
    seen = {}

    def function(x, power, mask=None, training=None):
        seen.update(mask=mask, training=training)
        return x**power

    layer = Lambda(function, mask=lambda x, mask: mask, arguments={"power": 2})
    assert layer(X, training=True, mask=np.array([True])).tolist() == [[1.0, 4.0, 9.0]]
    assert seen["training"] is True and seen["mask"].tolist() == [True]
    layer(X)
    assert seen == {"mask": None, "training": False}


def test_masks():
    x = Embedding(5, 2, mask_zero=True)(Input((3,), dtype="int32"))
    with pytest.warns(UserWarning, match="does not support masking"):
        assert Lambda(lambda x: x)(x).mask is None
    assert Lambda(lambda x: x, mask=lambda x, mask: mask)(x).mask.shape == (None, 3)
    assert Lambda(lambda x: x, mask=lambda x, mask: ~mask)(x).mask.shape == (None, 3)


def test_errors_name_the_layer():
    with pytest.raises(TypeError, match="Lambda layer 'lambda': function must be callable"):
        Lambda(3)
    with pytest.raises(ValueError, match=r"'lambda_1' .*\(at .*test_lambda_layer.py:\d+\)"):
        Lambda(lambda x: x @ np.ones((4, 4)))(Input((3,)))


def test_a_named_function_is_described_by_its_name():
    @register_keras_serializable(package="test_lambda")
    def triple(x):
        return 3 * x

    try:
        config = json.loads(json.dumps(Lambda(triple, name="t").get_config()))
        assert Lambda.from_config(config)(X).tolist() == [[3.0, 6.0, 9.0]]
    finally:
        del get_custom_objects()["test_lambda>triple"]


def test_code_is_never_loaded():
    ours = Lambda(lambda x: 3 * x).get_config()
    theirs = keras.layers.Lambda(lambda x: 3 * x).get_config()
    for config in (ours, theirs):
        config = json.loads(json.dumps(config))
        with pytest.raises(
            ValueError,
            match=r"cannot be loaded from a config\.\n.*custom_objects={'lambda.*': function}",
        ):
            Lambda.from_config(config)
        clone = Lambda.from_config(config, custom_objects={"<lambda>": lambda x: 5 * x})
        assert clone(X).tolist() == [[5.0, 10.0, 15.0]]
        with custom_object_scope({"<lambda>": lambda x: 7 * x}):
            assert Lambda.from_config(config)(X).tolist() == [[7.0, 14.0, 21.0]]


def test_other_errors_of_a_config_are_unchanged():
    config = Lambda(Dense(2).activation).get_config()
    config["function"]["config"] = "linaer"
    with pytest.raises(ValueError, match="Did you mean 'linear'"):
        Lambda.from_config(config)
