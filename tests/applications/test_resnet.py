"""Residual networks: sizes, blocks and arguments."""

import pytest

from cornu import applications
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
    model = getattr(applications, name)(weights=None)
    assert model.count_params() == COUNTS[name]
    assert model.name == name.lower() and model.output_shape == (None, 1000)


def test_the_blocks_are_those_of_the_file():
    model = resnet.ResNet18(weights=None, input_shape=(32, 32, 3))
    assert [block.function for block in model.blocks.children] == ["features", "classify"]
    parts = model.blocks.children[0].children
    assert [block.function for block in parts] == ["stem", "stage", "stage", "stage", "stage"]
    assert [block.path for block in parts[2].children] == [
        "features/stage_1/basic_block",
        "features/stage_1/basic_block_1",
    ]
    path = "features/stage_1/basic_block/conv3_block1_0_conv"
    assert model.get_layer(path).filters == 128
    assert model.block("features").output_shape == (None, 1, 1, 512)


def test_heads_and_sizes():
    model = resnet.ResNet50(weights=None, include_top=False)
    assert model.output_shape == (None, None, None, 2048)
    model = resnet.ResNet18(classes=7, input_shape=(64, 64, 1), classifier_activation=None)
    assert model.output_shape == (None, 7)
    assert resnet.resnet(50, include_top=False, pooling="max").output_shape == (None, 2048)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: resnet.ResNet18(weights="imagenet"), "there are no weights of ImageNet"),
        (lambda: resnet.resnet(20), "unknown depth 20"),
        (lambda: resnet.resnet(18, version=2), "unknown depth 18 for version 2"),
        (lambda: resnet.resnet(18, include_top=False, pooling="sum"), "pooling must be"),
    ],
)
def test_invalid_arguments_are_rejected(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_building_compiles_nothing():
    import jax

    compiled = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, seconds, **_: compiled.append(event) if "backend_compile" in event else None
    )
    resnet.ResNet50(weights=None, input_shape=(96, 96, 3))
    jax.monitoring.clear_event_listeners()
    assert len(compiled) <= 2
