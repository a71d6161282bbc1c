"""Files that the dialect of Keras 1 writes, beside those of Keras 1.2.2.

The files of Keras 1.2.2 are those that cornu reads, in tests/saving/old_models: the same functions
built the models. `python -m scripts.dialect_files` loads what the dialect writes with the running
library.
"""

import io
import json

import h5py
import pytest

from cornu import names
from cornu.dialects.keras1 import load
from scripts.old_models.keras1_graph_cases import CASES
from tests.saving.old_files import archives

K = load()
# Keras 1 writes bytecode of lambdas, and no dim_ordering of ZeroPadding2D, which it needs to read.
OWN = {
    "anonymous_function": ("function", "function_type", "output_shape", "output_shape_type"),
    "convolution_2d_other_ordering": ("dim_ordering",),
}
OLD = {old.name: old for old in archives.models("keras-1.2.2-tensorflow")}


def flattened(value, path=()):
    """Returns the values of plain data by path; without None, which is the default."""
    if isinstance(value, (dict, list)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        found = [flattened(item, (*path, key)) for key, item in items]
        return {k: v for part in found for k, v in part.items()} or {path: type(value)()}
    return {} if value is None else {path: value}


def assert_equal(own, live, without=()):
    own, live = flattened(own), flattened(live)
    own, live = ({p: v for p, v in one.items() if not {*p} & {*without}} for one in (own, live))
    assert {p: pytest.approx(v) if isinstance(v, float) else v for p, v in own.items()} == live


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
    with h5py.File(path) as own, h5py.File(io.BytesIO(OLD[name].file(".h5"))) as live:
        configs = [json.loads(file.attrs["model_config"]) for file in (own, live)]
        assert_equal(*configs, OWN.get(name, ()))
        assert layout(own["model_weights"], "layer_names") == layout(
            live["model_weights"], "layer_names"
        )
        assert ("training_config" in own.attrs) == ("training_config" in live.attrs)
        if "training_config" in live.attrs:
            assert_equal(*(json.loads(file.attrs["training_config"]) for file in (own, live)))
            own_state, live_state = (
                [(file[n].shape, file[n].dtype) for n in file.attrs["weight_names"]]
                for file in (own["optimizer_weights"], live["optimizer_weights"])
            )
            assert own_state == live_state
    assert json.loads(model.to_json()) == {**configs[0], "keras_version": "1.2.2"}


def layout(group, names):
    """Returns the layers in order, with the names and shapes of their arrays."""
    return [
        (layer, [(n.decode(), group[layer][n].shape) for n in group[layer].attrs["weight_names"]])
        for layer in group.attrs[names].astype(str)
    ]
