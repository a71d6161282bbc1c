"""All networks: the layers and weights of Keras, its outputs, and its files of weights."""

import contextlib
import json

import h5py
import numpy as np
import pytest

import cornu
from cornu import applications
from cornu.applications import network
from cornu.core.state import initial_value
from scripts.make_applications_reference import COMPUTED, REFERENCE, compute_outputs, describe
from tests.sampling import slow_except

EXPECTED = json.loads(REFERENCE.read_text())
QUICK = ["EfficientNetV2B0", "MobileNetV3Small", "Xception"]


@pytest.mark.parametrize("name", slow_except(EXPECTED, QUICK))
def test_layers_and_weights_are_those_of_keras(name):
    expected = {key: value for key, value in EXPECTED[name].items() if key != "outputs"}
    assert describe(getattr(applications, name)(weights=None)) == expected


@pytest.mark.slow
@pytest.mark.parametrize("name", COMPUTED)
def test_outputs_are_those_of_keras(name):
    expected = np.array(EXPECTED[name]["outputs"])
    # Hundreds of layers of float32 sums in another order: relative to the largest output.
    got = compute_outputs(applications, name)
    assert np.abs(got - expected).max() <= 1e-4 * np.abs(expected).max()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of Keras, and no network."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    cornu.utils.disable_interactive_logging()
    (tmp_path / "models").mkdir()
    yield tmp_path / "models"
    cornu.utils.enable_interactive_logging()


def write_in_order(path, model):
    """Writes weights in the layout of the files for ImageNet; their names do not matter."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        for layer in model.layers:
            group = file.create_group(layer.name)
            weights = [*layer.trainable_weights, *layer.non_trainable_weights]
            names = [f"{layer.name}/weight_{i}:0" for i in range(len(weights))]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, weight in zip(names, weights, strict=True):
                group.create_dataset(name, data=weight.numpy())


def test_weights_of_imagenet_come_from_the_cache_of_keras(cache):
    kwargs = {"alpha": 0.25, "include_top": False, "input_shape": (128, 128, 3)}
    model = applications.MobileNet(weights=None, **kwargs)
    write_in_order(cache / "mobilenet_2_5_128_tf_no_top.h5", model)
    loaded = applications.MobileNet(**kwargs)
    assert loaded.name == "mobilenet_0.25_128"
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(OSError, match="could not be read") as caught:
        applications.VGG16()
    name = "vgg16_weights_tf_dim_ordering_tf_kernels.h5"
    assert f"copy the file to '{cache / name}'" in str(caught.value)


def test_random_weights_are_computed_when_they_are_read(tmp_path, monkeypatch):
    kwargs = {"alpha": 0.25, "include_top": False, "input_shape": (32, 32, 3)}
    cornu.utils.set_random_seed(3)
    model = applications.MobileNet(weights=None, **kwargs)
    cornu.utils.set_random_seed(3)
    monkeypatch.setattr(network, "defer_values", contextlib.nullcontext)
    at_once = applications.MobileNet(weights=None, **kwargs)
    monkeypatch.undo()
    for later, once in zip(model.weights, at_once.weights, strict=True):
        np.testing.assert_array_equal(later.numpy(), once.numpy())
    model.save_weights(tmp_path / "m.weights.h5")
    monkeypatch.setattr(initial_value.DeferredValue, "compute", None)  # a call would be an error
    loaded = applications.MobileNet(weights=tmp_path / "m.weights.h5", **kwargs)
    for weight, expected in zip(loaded.weights, model.weights, strict=True):
        np.testing.assert_array_equal(weight.numpy(), expected.numpy())


def test_sizes_without_weights_are_reported(cache):
    with (
        pytest.warns(UserWarning, match="no weights for images of 100 x 100 pixels"),
        pytest.raises(OSError, match="mobilenet_1_0_224_tf_no_top"),
    ):
        applications.MobileNet(include_top=False, input_shape=(100, 100, 3))


MOBILE = applications.MobileNetV2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: applications.VGG16(classes=10), "1000 classes. Received: classes=10"),
        (lambda: applications.VGG16(weights="none.h5"), "path of an existing file"),
        (lambda: applications.VGG16(classifier_activation="relu"), "must be 'softmax' or None"),
        (lambda: applications.Xception(None, None, None, (32, 32, 3)), "must be at least 71"),
        (lambda: MOBILE((96, 96, 1), include_top=False), "for images with 3 channels"),
        (lambda: MOBILE((96, 96), weights=None), r"must be \(height, width, channels\)"),
        (lambda: MOBILE(alpha=0.6), r"alpha in \(0.35, .*Received: alpha=0.6"),
        (lambda: applications.MobileNetV3Large(alpha=0.5), "alpha=1.0, and for alpha=0.75"),
        (lambda: MOBILE(weights=None, pooling="sum"), "pooling must be"),
    ],
)
def test_invalid_arguments_are_rejected(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_network_may_follow_other_layers():
    images = cornu.Input((32, 32, 1))
    x = cornu.layers.Conv2D(3, 1, name="colors")(images)
    model = applications.MobileNet(None, 0.25, include_top=False, weights=None, input_tensor=x)
    assert model.layers[1].name == "colors" and model.input_shape == (None, 32, 32, 1)


def test_blocks_are_recorded():
    model = applications.VGG16(weights=None, include_top=False)
    features = model.blocks.children[0]
    assert features.function == "features"
    assert [block.function for block in features.children] == ["convolutions"] * 5
