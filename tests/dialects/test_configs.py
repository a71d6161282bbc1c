"""Configs of the layers of the dialects, beside those of the versions themselves.

`scripts/make_dialect_configs.py` wrote the configs in each version.
"""

import json
from pathlib import Path

import pytest

from cornu.dialects import keras1, keras2
from scripts.make_dialect_configs import data

HERE = Path(__file__).parent / "configs"
VERSIONS = ("1.2.2", "2.2.4", "2.3.1", "2.15.0")
_CELLS = "a part of ConvLSTM2D"
_SHAPE = "the output has a random shape"
# Classes that the dialects do not have, with the reason.
LEFT_OUT = {
    "layers.ConvLSTM2DCell": _CELLS,
    "layers.ConvRNN2D": _CELLS,
    "layers.RandomHeight": _SHAPE,
    "layers.RandomWidth": _SHAPE,
}
_LOST = "not written by the version, so that a layer from its config would compute otherwise"
_ADAPTED = "computed from the vocabulary when it is asked for"
# Entries that differ, by class, with the reason.
OTHER = {
    "1.2.2": {
        "BatchNormalization": {"beta_init": _LOST, "gamma_init": _LOST},
        "ConvLSTM2D": {
            **dict.fromkeys(("W_regularizer", "U_regularizer", "b_regularizer"), _LOST),
            **dict.fromkeys(("dropout_W", "dropout_U", "subsample"), _LOST),
            "batch_input_shape": "None in the version until the layer is built",
        },
        **dict.fromkeys(("Cropping2D", "Cropping3D"), {"dim_ordering": _LOST}),
        "Dropout": {"noise_shape": _LOST, "seed": _LOST},
        **dict.fromkeys(("PReLU", "ParametricSoftplus", "SReLU"), {"shared_axes": _LOST}),
        "SeparableConvolution2D": {
            "pointwise_regularizer": "the version writes depthwise_regularizer in its place"
        },
        **dict.fromkeys(("SpatialDropout2D", "SpatialDropout3D"), {"dim_ordering": _LOST}),
        **dict.fromkeys(("UpSampling2D", "UpSampling3D"), {"dim_ordering": _LOST}),
        **dict.fromkeys(("ZeroPadding2D", "ZeroPadding3D"), {"dim_ordering": _LOST}),
    },
    "2.2.4": {
        "AlphaDropout": {"noise_shape": _LOST, "seed": _LOST},
        **dict.fromkeys(
            ("LocallyConnected1D", "SpatialDropout2D", "SpatialDropout3D"), {"data_format": _LOST}
        ),
    },
    "2.15.0": {
        "AlphaDropout": {"noise_shape": _LOST},
        "Conv3DTranspose": {"dilation_rate": _LOST},
        "EinsumDense": {
            "activity_regularizer": "None in the version, whatever was passed",
            "output_shape": "a list in the version",
        },
        **dict.fromkeys(
            ("GRU", "GRUCell", "LSTM", "LSTMCell"),
            {"implementation": "1 in the version with recurrent_dropout"},
        ),
        **dict.fromkeys(
            ("IntegerLookup", "StringLookup", "TextVectorization"), {"vocabulary_size": _ADAPTED}
        ),
        "RandomBrightness": dict.fromkeys(("factor", "value_range"), "lists in the version"),
        **dict.fromkeys(("SpatialDropout2D", "SpatialDropout3D"), {"data_format": _LOST}),
    },
}
OTHER["2.3.1"] = OTHER["2.2.4"]
# Arguments that are refused, with the reason.
REFUSED = {
    **dict.fromkeys(
        (("LocallyConnected1D", "implementation=2"), ("LocallyConnected2D", "implementation=2")),
        "stores its kernel in another layout",
    ),
    ("Hashing", "dtype='float64'"): "hashes are integers",
}
# In all versions.
FUNCTION = "the function itself, where the version has its name or its bytecode"


def load(version):
    return keras1.load() if version == "1.2.2" else keras2.load(version)


def cases_of(row):
    """Yields the arguments of a class and its config."""
    yield row["arguments"], "", row["config"]
    for argument, (changed, *gone) in row["changes"].items():
        kept = {k: v for k, v in row["config"].items() if k not in sum(gone, [])}
        yield f"{row['arguments']}, {argument}", argument, {**kept, **changed}


def layers_of(version):
    """Yields the name of a class, an argument, a layer and its config in the version."""
    keras = load(version)
    for path, row in json.loads((HERE / f"{version}.json").read_text()).items():
        module, _, name = path.partition(".")
        if module != "layers" or path in LEFT_OUT:
            continue
        for arguments, argument, config in cases_of(row):
            if (name, argument) not in REFUSED:
                yield name, argument, eval(f"keras.{path}({arguments})", {"keras": keras}), config


def differences(own, live):
    """Returns the entries in which two configs differ."""
    return {
        key
        for key in own.keys() | live.keys()
        if (key in own) != (key in live) or own[key] != live[key] and not close(own[key], live[key])
    }


def close(own, live):
    return isinstance(own, float) and own == pytest.approx(live, rel=1e-7)


@pytest.mark.parametrize("version", VERSIONS)
def test_configs_are_those_of_the_version(version):
    wrong, used, count = [], set(), 0
    for name, argument, layer, live in layers_of(version):
        count += 1
        found = differences(data(layer.get_config()), live)
        used |= {(name, entry) for entry in found}
        known = {*OTHER[version].get(name, {}), *(["function"] if name == "Lambda" else ())}
        wrong += [(name, argument, found - known)] if found - known else []
    assert wrong == []
    assert count > 500
    assert used >= {(name, entry) for name, found in OTHER[version].items() for entry in found}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_layer_from_its_config_is_one_of_the_version(version):
    wrong = []
    for name, argument, layer, _ in layers_of(version):
        config = layer.get_config()
        again = type(layer).from_config(config)
        if type(again) is not type(layer) or again.get_config() != config:
            wrong.append((name, argument))
        if name == "Lambda":  # of a function of Python, which configs cannot name
            continue
        of_today = type(layer).from_config(layer._stored_config_())
        if type(of_today) is not type(layer):
            wrong.append((name, argument, "today"))
    assert wrong == []
