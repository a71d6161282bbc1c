"""Configs of the classes of the dialects, beside those of the versions themselves.

`scripts/make_dialect_configs.py` wrote the configs in each version.
"""

import copy
import json
import operator
import pickle
from pathlib import Path

import pytest

from cornu import names
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
    "constraints.RadialConstraint": "does not exist in Keras 3",
    "metrics.MeanRelativeError": "does not exist in Keras 3",
    **dict.fromkeys(
        ("losses.LossFunctionWrapper", "metrics.MeanMetricWrapper"), "of a function without a name"
    ),
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
_AUC = dict.fromkeys(
    ("thresholds", "from_logits", "label_weights", "multi_label", "num_labels"),
    "given by num_thresholds in the version, or an argument that it does not have",
)
# The same for other classes, by module and class.
OTHER_PARTS = {
    "1.2.2": {"regularizers.EigenvalueRegularizer": {"k": _LOST}},
    "2.2.4": {},
    "2.15.0": {
        "metrics.AUC": {"thresholds": _AUC["thresholds"]},
        "metrics.BinaryIoU": {"target_class_ids": "a list in the version"},
    },
}
OTHER_PARTS["2.3.1"] = OTHER_PARTS["2.2.4"] | {
    "metrics.AUC": _AUC,
    "metrics.CategoricalCrossentropy": {"axis": "an argument of later versions"},
}
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
        arguments = ", ".join(part for part in (row["arguments"], argument) if part)
        yield arguments, argument, {**kept, **changed}


def objects_of(version, layers):
    """Yields the name of a class, an argument, an object and its config in the version.

    Args:
        version: the version.
        layers: whether the objects are layers; others are named with their module.
    """
    keras = load(version)
    for path, row in json.loads((HERE / f"{version}.json").read_text()).items():
        module, _, name = path.partition(".")
        if (module == "layers") is not layers or path in LEFT_OUT:
            continue
        for arguments, argument, config in cases_of(row):
            if (name, argument) not in REFUSED:
                made = eval(f"keras.{path}({arguments})", {"keras": keras})
                yield name if layers else path, argument, made, config


def differences(own, live):
    """Returns the entries in which two configs differ."""
    return {
        key
        for key in own.keys() | live.keys()
        if (key in own) != (key in live) or own[key] != live[key] and not close(own[key], live[key])
    }


def close(own, live):
    # Variables and some arguments of the versions have the precision of float32.
    return isinstance(own, float) and own == pytest.approx(live, rel=1e-7)


@pytest.mark.parametrize("version", VERSIONS)
def test_configs_of_layers_are_those_of_the_version(version):
    wrong, used, count = [], set(), 0
    for name, argument, layer, live in objects_of(version, layers=True):
        count += 1
        config = layer.get_config()
        found = differences(data(config), live)
        used |= {(name, entry) for entry in found}
        found -= {*OTHER[version].get(name, {}), *(["function"] if name == "Lambda" else ())}
        again = [type(layer).from_config(config)]
        if not argument and name != "Lambda":  # of a function that configs of today cannot name
            again.append(type(layer).from_config(layer._stored_config_()))
        if found or again[0].get_config() != config or {*map(type, again)} != {type(layer)}:
            wrong.append((name, argument, found))
    assert wrong == []
    assert count > 500
    assert used >= {(name, entry) for name, found in OTHER[version].items() for entry in found}


def subclass_of(cls):
    """Returns a class of a program, which is derived from a class of the version."""

    class Own(cls):
        pass

    return Own


@pytest.mark.parametrize("version", VERSIONS)
def test_configs_of_other_classes_are_those_of_the_version(version):
    wrong, used, created, count = [], set(), [], 0
    others = OTHER_PARTS[version]
    names.reset()
    for name, argument, made, live in objects_of(version, layers=False):
        count += 1
        config = made.get_config()
        found = differences(data(config), live)
        used |= {(name, entry) for entry in found}
        found -= {*others.get(name, {})}
        cls = operator.attrgetter(name)(load(version))
        assert isinstance(made, cls) and isinstance(subclass_of(cls), type), name
        again = cls.from_config(config)
        if found or type(again) is not type(made) or again.get_config() != config:
            wrong.append((name, argument, found))
        if version != "1.2.2":  # which has no such functions in most modules
            of_module = vars(load(version))[name.partition(".")[0]]
            again = of_module.deserialize(of_module.serialize(made))
            assert type(again) is type(made) and again.get_config() == config
        created.append((made, config, not argument))
    for made, config, is_first in created:  # afterwards, since copies are counted in names
        copies = [copy.deepcopy(made), *([pickle.loads(pickle.dumps(made))] if is_first else [])]
        for copied in copies:
            assert type(copied) is type(made) and copied.get_config() == config
    assert wrong == []
    assert count > 60
    assert used >= {(name, entry) for name, found in others.items() for entry in found}


def classes_of_program(keras):
    layers = keras.layers

    class Scaled(layers.Layer):
        def __init__(self, factor, **kwargs):
            super().__init__(**kwargs)
            self.factor = factor

        def call(self, x, mask=None):
            return x * self.factor

        def get_config(self):
            return dict(super().get_config(), factor=self.factor)

    class Plain(layers.Dense):
        pass

    class Named(layers.Dense):
        def __init__(self, *args, label="none", **kwargs):
            super().__init__(*args, **kwargs)
            self.label = label

        def get_config(self):
            return dict(super().get_config(), label=self.label)

    class Recurrent(layers.LSTM):
        def get_config(self):
            return super().get_config()

    return [
        (Scaled(3.0, input_shape=(4,)), {"factor": 3.0}),
        (Plain(3, activation="relu", input_shape=(4,)), {"activation": "relu"}),
        (Named(3, label="a", input_shape=(4,)), {"label": "a"}),
        (Recurrent(3, input_shape=(4, 5)), {"activation": "tanh"}),
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_classes_of_programs_have_configs_in_the_words_of_the_version(version):
    keras = load(version)
    size = "output_dim" if version == "1.2.2" else "units"
    for made, expected in classes_of_program(keras):
        config = made.get_config()
        assert expected.items() <= config.items()
        assert (size in config) is isinstance(made, (keras.layers.Dense, keras.layers.LSTM))
        assert config["batch_input_shape"][0] is None
        for again in (type(made).from_config(config), copy.deepcopy(made)):
            assert type(again) is type(made) and again.get_config() == config
        model = keras.models.Sequential([made])
        copied = copy.deepcopy(model)
        assert type(copied.layers[0]) is type(made)
        assert copied.layers[0].get_config() == made.get_config()
