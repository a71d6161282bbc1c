"""Residual networks: sizes, blocks, and the same function as Keras's."""

import numpy as np
import pytest

from cornu.applications import resnet
from tests.sampling import slow_except

# Of keras.applications 3.15 (and of the usual 18 and 34, with moving statistics).
COUNTS = {
    "ResNet18": 11_699_112,
    "ResNet34": 21_814_696,
    "ResNet50": 25_636_712,
    "ResNet101": 44_707_176,
    "ResNet152": 60_419_944,
    "ResNet50V2": 25_613_800,
    "ResNet101V2": 44_675_560,
    "ResNet152V2": 60_380_648,
}


@pytest.mark.parametrize("name", slow_except(COUNTS, ["ResNet18", "ResNet50V2"]))
def test_parameter_counts(name):
    model = getattr(resnet, name)(weights=None)
    assert model.count_params() == COUNTS[name]
    assert model.name == name.lower() and model.output_shape == (None, 1000)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ResNet50", "ResNet50V2"])
def test_equal_to_keras(name):
    import keras

    kwargs = {"weights": None, "include_top": False, "pooling": "avg", "input_shape": (32, 32, 3)}
    theirs = getattr(keras.applications, name)(**kwargs)
    ours = getattr(resnet, name)(**kwargs)
    named = [layer.name for layer in theirs.layers if layer.weights]
    assert [layer.name for layer in ours.layers if layer.weights] == named
    ours.set_weights(theirs.get_weights())
    x = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    expected = theirs.predict(x, verbose=0)
    # Fifty layers of float32 sums in another order: 1e-5 relative to the largest output.
    assert np.abs(ours.predict(x) - expected).max() <= 2e-5 * np.abs(expected).max()


def test_the_blocks_are_those_of_the_file():
    model = resnet.ResNet18(weights=None, input_shape=(32, 32, 3))
    top = [block.function for block in model.blocks.children]
    assert top == ["stem", "stage", "stage", "stage", "stage", "head"]
    stage = model.blocks.children[2]
    assert [block.path for block in stage.children] == [
        "stage_1/basic_block",
        "stage_1/basic_block_1",
    ]
    assert model.get_layer("stage_1/basic_block/conv3_block1_0_conv").filters == 128


def test_heads_and_sizes():
    model = resnet.ResNet50(weights=None, include_top=False)
    assert model.output_shape == (None, None, None, 2048)
    model = resnet.ResNet18(classes=7, input_shape=(64, 64, 1), classifier_activation=None)
    assert model.output_shape == (None, 7)
    assert resnet.resnet(50, include_top=False, pooling="max").output_shape == (None, 2048)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: resnet.ResNet50(), "does not include weights"),
        (lambda: resnet.resnet(20), "unknown depth 20"),
        (lambda: resnet.resnet(18, version=2), "unknown depth 18 for version 2"),
        (lambda: resnet.resnet(18, include_top=False, pooling="sum"), "pooling must be"),
    ],
)
def test_invalid_arguments_are_rejected(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_preprocessing_is_that_of_version_1():
    x = np.arange(12.0).reshape(1, 2, 2, 3)
    y = resnet.preprocess_input(x)
    assert np.allclose(y[0, 0, 0], [2 - 103.939, 1 - 116.779, 0 - 123.68])
    first = resnet.preprocess_input(x.transpose(0, 3, 1, 2), data_format="channels_first")
    assert np.allclose(first.transpose(0, 2, 3, 1), y)


def test_building_compiles_nothing():
    import jax

    compiled = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, seconds, **_: compiled.append(event) if "backend_compile" in event else None
    )
    resnet.ResNet50(weights=None, input_shape=(96, 96, 3))
    jax.monitoring.clear_event_listeners()
    assert len(compiled) <= 2
