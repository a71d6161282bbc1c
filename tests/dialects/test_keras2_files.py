"""Files that the dialect of Keras 2 writes, beside those of Keras 2.2.4 and 2.3.1."""

import json

import pytest

from cornu import names
from cornu.dialects.keras2 import load
from scripts.old_models.keras2_graph_cases import CASES
from tests.dialects.written_files import assert_as_live, assert_survives
from tests.saving.old_files import archives

VERSIONS = ("2.2.4", "2.3.1")
# Keras writes the bytecode of lambdas. Names of cells in a list, and the activation of a case that
# changed after its file was recorded.
OWN = {
    "anonymous_function": ("function", "function_type"),
    "cells": ("cell",),
    "convolution_2d": ("activation",),
}
CASES_BY_VERSION = [
    (version, old) for version in VERSIONS for old in archives.models(f"keras-{version}-tensorflow")
]


@pytest.mark.parametrize(
    "version, old", CASES_BY_VERSION, ids=[f"{v}-{old.name}" for v, old in CASES_BY_VERSION]
)
def test_a_model_is_written_as_keras_2_writes_it(version, old, tmp_path):
    names.reset()
    keras = load(version)
    case = CASES[old.name]
    model = case.build(keras)
    if case.optimizer is not None:
        model.compile(case.optimizer(keras), case.loss, **case.compiled)
        model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "model")
    config = assert_as_live(tmp_path / "model", old, OWN.get(old.name, ()), names_of_arrays=False)
    assert json.loads(model.to_json()) == {
        **config,
        "keras_version": version,
        "backend": "tensorflow",
    }


@pytest.mark.parametrize(
    "version, name",
    [
        ("2.2.4", "cosine"),
        ("2.2.4", "logcosh"),
        ("2.2.4", "rmsprop"),
        ("2.2.4", "sgd_clipped"),
        ("2.3.1", "gru"),
        ("2.3.1", "nadam"),
    ],
)
def test_a_model_of_keras_2_is_written_as_it_was(version, name, tmp_path):
    old = next(o for v, o in CASES_BY_VERSION if (v, o.name) == (version, name))
    assert_survives(load(version).models.load_model, old, tmp_path / "model")
