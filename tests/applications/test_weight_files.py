"""The files of weights for ImageNet: names, URLs and hashes are those that Keras asks for."""

import importlib
import inspect
from unittest import mock

import keras
import pytest

from cornu import applications
from cornu.applications import network

# ResNet-18 and ResNet-34 do not exist in Keras.
NAMES = sorted(n for n in dir(keras.applications) if callable(getattr(keras.applications, n)))


# What the modules of Keras build networks with; `_depth` computes with numbers of channels.
PARTS = (
    *("layers", "Functional", "Sequential", "LayerScale", "PreStem", "Head"),
    *("CustomScaleLayer", "_depth"),
)


class Asked(Exception):
    """Raised in place of a download, with what was asked for."""


def record(fname, origin, file_hash=None, cache_subdir=None):
    raise Asked(fname, origin, file_hash, cache_subdir)


def asked_by_keras(name, kwargs):
    """Returns what Keras asks for. Mocks replace its layers, which take seconds to build."""
    function = getattr(keras.applications, name)
    module = importlib.import_module(function.__module__)
    # ResNet V2 is built by the module of version 1.
    modules = [module, importlib.import_module("keras.src.applications.resnet")]
    with mock.patch.object(keras.src.utils.file_utils, "get_file", record):
        for one in modules:
            for part in PARTS:
                if hasattr(one, part):
                    patch = mock.patch.object(one, part, mock.MagicMock())
                    patch.start()
        try:
            with pytest.raises(Asked) as caught:
                function(**kwargs)
        finally:
            mock.patch.stopall()
    return caught.value.args


def asked_by_cornu(name, kwargs, monkeypatch):
    monkeypatch.setattr(network, "get_file", record)
    monkeypatch.setattr(network, "Model", mock.MagicMock())
    with pytest.raises(Asked) as caught:
        getattr(applications, name)(**kwargs)
    return caught.value.args


@pytest.mark.slow
@pytest.mark.parametrize("include_top", [True, False], ids=["top", "no_top"])
@pytest.mark.parametrize("name", NAMES)
def test_files_of_all_networks(name, include_top, monkeypatch):
    shape = (224, 224, 3) if name.startswith("Mobile") else None
    kwargs = {"include_top": include_top, "input_shape": shape}
    assert asked_by_cornu(name, kwargs, monkeypatch) == asked_by_keras(name, kwargs)


WIDTHS = {
    "MobileNet": [0.25, 0.5, 0.75],
    "MobileNetV2": [0.35, 0.5, 0.75, 1.3, 1.4],
    "MobileNetV3Small": [0.75],
    "MobileNetV3Large": [0.75],
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "alpha"), [(n, a) for n, widths in WIDTHS.items() for a in widths]
)
def test_files_of_other_widths_and_sizes(name, alpha, monkeypatch):
    for size in (224,) if "V3" in name else (128, 160, 192, 224):
        kwargs = {"alpha": alpha, "input_shape": (size, size, 3)}
        assert asked_by_cornu(name, kwargs, monkeypatch) == asked_by_keras(name, kwargs)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["MobileNetV3Small", "MobileNetV3Large"])
def test_files_of_minimalistic_networks(name, monkeypatch):
    kwargs = {"minimalistic": True, "input_shape": (224, 224, 3)}
    assert asked_by_cornu(name, kwargs, monkeypatch) == asked_by_keras(name, kwargs)


def test_signatures_equal_keras():
    for name in NAMES:
        ours, theirs = (
            [(p.name, p.default) for p in inspect.signature(f).parameters.values()]
            for f in (getattr(applications, name), getattr(keras.applications, name))
        )
        assert ours == theirs, name
