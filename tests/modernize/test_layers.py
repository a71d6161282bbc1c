"""Every layer of the old versions: the rewritten call computes what the dialect computes."""

import warnings

import numpy as np
import pytest

from cornu.legacy.keras1.class_mapping import OldClass, parse_signature
from cornu.modernize import load_era, modernize_source

# Texts of arguments without a default.
ARGUMENTS = {
    "activation": "'softsign'",
    "axes": "1",
    "cell": "SimpleRNNCell(3)",
    "cells": "[SimpleRNNCell(3)]",
    "dims": "(2, 1)",
    "function": "abs",
    "input_dim": "5",
    "layer": "SimpleRNN(4)",
    "output_shape": "(None, 9, 10, 2)",
    "target_shape": "(2, 3)",
    **dict.fromkeys(("filters", "n", "nb_filter", "output_dim", "units"), "2"),
    **dict.fromkeys(("filter_length", "kernel_dim1", "kernel_dim2", "kernel_size"), "3"),
    **dict.fromkeys(("kernel_dim3", "nb_col", "nb_row"), "2"),
    **dict.fromkeys(("p", "rate", "sigma", "stddev"), "0.25"),
}
# Layers that have no equal today, and those that are not called on data here.
WITHOUT_EQUAL = {
    *("Highway", "LocallyConnected1D", "LocallyConnected2D", "MaxoutDense"),
    *("ParametricSoftplus", "SReLU"),
}
NOT_CALLED = {
    *("InputLayer", "StackedRNNCells", "Wrapper", "GRUCell", "LSTMCell", "SimpleRNNCell"),
}
MERGING = {
    *("Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract", "Dot"),
}
SHAPES = (
    (("Embedding",), (2, 5)),
    (("ConvLSTM2D",), (2, 3, 8, 9, 2)),
    (("3D",), (2, 5, 6, 7, 2)),
    (("2D",), (2, 8, 9, 3)),
    (("1D", "RNN", "GRU", "LSTM", "Distributed", "Bidir", "Permute"), (2, 6, 4)),
)


def names(era):
    """Returns the layers of a version, each once."""
    found = {
        id(value.mapping): name
        for name, value in sorted(vars(era.find("layers")).items(), reverse=True)
        if isinstance(value, OldClass) and name != "Merge"
    }
    return sorted(found.values())


def call_of(name, era):
    """Returns a call with all required arguments."""
    mapping = era.find(f"layers.{name}").mapping
    parameters = parse_signature(mapping.signature, mapping.keywords).parameters
    required = [key for key, one in parameters.items() if one.default is one.empty]
    given = {key: ARGUMENTS[key] for key in required}
    if name == "TimeDistributed":
        given["layer"] = "Dense(2)"
    return f"{name}({', '.join(given.values())})"


def data_for(name):
    shape = next((shape for ends, shape in SHAPES if any(end in name for end in ends)), (2, 6))
    random = np.random.RandomState(0)
    if name == "Embedding":
        return random.randint(5, size=shape)
    x = random.normal(size=shape).astype("float32")
    return [x, 2 * x] if name in MERGING else x


def compare(name, era):
    """Compares a layer of the dialect with the one of the rewritten call."""
    helpers = [one for one in ("Dense", "SimpleRNN", "SimpleRNNCell") if era.find(f"layers.{one}")]
    imports = ", ".join(dict.fromkeys([name, *helpers]))
    call = call_of(name, era)
    new = modernize_source(f"from keras.layers import {imports}\n\nlayer = {call}\n", era, "cornu")
    is_refused = any("has no equal in Keras 3" in mark.text for mark in new.marks)
    assert is_refused == (name in WITHOUT_EQUAL), (name, new.marks)
    if is_refused or name in NOT_CALLED:
        return
    scope = {}
    exec(new.text, scope)
    layer = scope["layer"]
    old = eval(call, {"abs": abs}, {key: era.find(f"layers.{key}") for key in (name, *helpers)})
    x = data_for(name)
    expected, _ = np.asarray(old(x)), layer(x)
    # The last weight of BatchNormalization of Keras 2.2 counts the updates of its averages.
    extra = int(name == "BatchNormalization" and not era.is_keras_1)
    assert len(old.weights) == len(layer.weights) + extra
    for ours, theirs in zip(layer.weights, old.weights, strict=False):
        ours.assign(theirs.numpy())
    np.testing.assert_allclose(layer(x), expected, rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("dialect", ["keras1", "keras2"])
def test_every_layer(dialect):
    era = load_era(dialect)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # shapes of inputs in a layer
        for name in names(era):
            compare(name, era)
