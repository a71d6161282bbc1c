"""Files that the dialect of Keras 1 writes, beside those of Keras 1.2.2.

The files of Keras 1.2.2 are those that cornu reads, in tests/saving/old_models: the same functions
built the models. `python -m scripts.dialect_files` loads what the dialect writes with the running
library.
"""

import json

import pytest

from cornu import names
from cornu.dialects.keras1 import load
from scripts.old_models.keras1_graph_cases import CASES
from tests.dialects.written_files import assert_as_live, assert_survives
from tests.saving.old_files import archives

K = load()
# Keras 1 writes bytecode of lambdas, and no dim_ordering of ZeroPadding2D, which it needs to read.
OWN = {
    "anonymous_function": ("function", "function_type", "output_shape", "output_shape_type"),
    "convolution_2d_other_ordering": ("dim_ordering",),
}
OLD = {old.name: old for old in archives.models("keras-1.2.2-tensorflow")}


def written(name, path):
    """Writes a model that is compiled and has made no step; returns the model."""
    names.reset()
    case = CASES[name]
    model = case.build(K)
    if case.optimizer is not None:
        model.compile(case.optimizer(K), case.loss, **case.compiled)
        model.optimizer.build(model.trainable_variables)
    model.save(path)
    return model


@pytest.mark.parametrize("name", OLD)
def test_a_model_is_written_as_keras_1_writes_it(name, tmp_path):
    path = tmp_path / "model"
    model = written(name, path)
    config = assert_as_live(path, OLD[name], OWN.get(name, ()))
    assert json.loads(model.to_json()) == {**config, "keras_version": "1.2.2"}


@pytest.mark.parametrize(
    "name", ["adadelta", "adamax", "bidirectional", "nested", "nested_sequential", "sgd_clipped"]
)
def test_a_model_of_keras_1_is_written_as_it_was(name, tmp_path):
    assert_survives(K.models.load_model, OLD[name], tmp_path / "model")
