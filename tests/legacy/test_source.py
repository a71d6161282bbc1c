"""Which version of Keras wrote a model."""

import pytest

from cornu.legacy.source import judge_source, parse_version, read_source


@pytest.mark.parametrize(
    "text, version, is_tensorflow",
    [
        ("1.2", (1, 2), False),
        ("2.2.4", (2, 2, 4), False),
        ("2.3.1", (2, 3, 1), False),
        ("2.2.4-tf", (2, 2, 4), True),
        ("2.1.6-tf", (2, 1, 6), True),
        ("2.4.0", (2, 4, 0), True),
        ("2.21.0", (2, 21, 0), True),
        ("tf2", (2,), True),
        ("tf2.4", (2, 4), True),
        ("tf1.15", (2, 1, 6), True),
        ("TF.Keras 2.4", (2, 4), True),
        ("2.13.1rc0", (2, 13, 1), True),
        ("3.15.1", (3, 15, 1), False),
        ("0.3.3", (0, 3, 3), False),
    ],
)
def test_versions_are_parsed(text, version, is_tensorflow):
    source = parse_version(text)
    assert (source.version, source.is_tensorflow) == (version, is_tensorflow)
    assert source.reason is None and source.era == max(version[0], 1)


@pytest.mark.parametrize("text", ["", "two", "4.0", "1.2.3.4.5", "2" * 5000, None, 2])
def test_other_texts_are_no_versions(text):
    with pytest.raises(ValueError, match="keras_version must be a version of Keras"):
        parse_version(text)


def layer(kind="Dense", **config):
    return {"class_name": "Sequential", "config": [{"class_name": kind, "config": config}]}


@pytest.mark.parametrize(
    "config, names, expected, reason",
    [
        (layer(output_dim=3, init="uniform"), [], "Keras 1.2", "the argument 'init'"),
        (layer("Dropout", p=0.5), [], "Keras 1.2", "the argument 'p'"),
        (layer(kernel_initializer="zeros"), [], "Keras 2.2.4", "'kernel_initializer'"),
        (layer("Dropout", rate=0.5), [], "Keras 2.2.4", "the argument 'rate'"),
        (layer("LSTM", time_major=False), [], "tf.keras (Keras 2.4)", "'time_major'"),
        (layer("TFOpLambda"), [], "tf.keras (Keras 2.4)", "the class 'TFOpLambda'"),
        (layer("InputLayer", batch_shape=[None, 2]), [], "Keras 3", "'batch_shape'"),
        (layer("Flatten"), [], "Keras 2.2.4", "a list of layers"),
        ({**layer("Flatten"), "module": "keras"}, [], "Keras 3", "the module of its class"),
        (None, ["dense_1/kernel:0"], "Keras 2.2.4", "'dense_1/kernel:0'"),
        (None, ["dense_1_W"], "Keras 1.2", "'dense_1_W'"),
        (None, ["dense_1_W:0"], "Keras 1.2", "'dense_1_W:0'"),
        (None, [], "Keras 2.2.4", "nothing in it"),
        ({"class_name": ["a"], "config": {"inbound_nodes": 5}}, [], "Keras 2.2.4", "nothing"),
    ],
)
def test_versions_are_judged_by_structure(config, names, expected, reason):
    source = judge_source(config, names)
    assert str(source) == expected
    assert reason in source.reason


def test_what_the_program_says_comes_first_then_the_file_then_its_structure():
    config = layer("Dropout", p=0.5)
    given = read_source("2.2.4", "theano", config, given_version="tf2", given_backend="cntk")
    assert str(given) == "tf.keras (Keras 2)" and given.backend == "cntk"
    stated = read_source("2.2.4", "theano", config)
    assert (str(stated), stated.backend, stated.reason) == ("Keras 2.2.4", "theano", None)
    judged = read_source("of another form", "unknown", config)
    assert str(judged) == "Keras 1.2" and judged.reason and judged.backend is None
    with pytest.raises(ValueError, match="source_backend must be"):
        read_source(None, None, config, given_backend="numba")
