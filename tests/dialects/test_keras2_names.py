"""Every public name of Keras 2.2.4 exists in the dialect, with the same parameters.

`scripts/make_keras2_names.py` wrote the names and their parameters from Keras 2.2.4 itself.
"""

import inspect
import json
from pathlib import Path

import pytest

from cornu.dialects.keras2 import load
from cornu.dialects.keras2.implementation.missing import MISSING

HERE = Path(__file__).parent
NAMES = json.loads((HERE / "keras2_names.json").read_text())
METHODS = json.loads((HERE / "keras2_methods.json").read_text())
# Names that are not there, with the reason.
LEFT_OUT = {
    "keras.engine.base_layer": {"Node": "the nodes of a graph are cornu's own"},
    "keras.engine.saving": {
        **dict.fromkeys(
            (
                *("load_weights_from_hdf5_group", "load_weights_from_hdf5_group_by_name"),
                *("save_weights_to_hdf5_group", "preprocess_weights_for_loading"),
                *("load_attributes_from_hdf5_group", "save_attributes_to_hdf5_group"),
            ),
            "parts of save_weights and load_weights",
        ),
        **dict.fromkeys(("pickle_model", "unpickle_model"), "models can be pickled"),
    },
    "keras.optimizers": {"clip_norm": "a part of the optimizers"},
    "keras.utils.data_utils": dict.fromkeys(
        ("get_index", "init_pool", "init_pool_generator", "next_sample"), "parts of the queues"
    ),
    "keras.layers": dict.fromkeys(
        (
            *("deserialize_keras_object", "func_dump", "func_load", "has_arg", "to_list"),
            *("object_list_uid", "transpose_shape"),
        ),
        "imported by accident; they belong to keras.utils.generic_utils",
    ),
    "keras.models": dict.fromkeys(("has_arg", "to_list"), "as in keras.layers"),
    "keras.backend": dict.fromkeys(("has_arg", "transpose_shape"), "as in keras.layers"),
    "keras.datasets.cifar": {"load_batch": "a part of load_data"},
}
# Classes and functions whose parameters are other ones, with the reason.
OTHER_PARAMETERS = {
    "Model": "arguments of several forms",
    "Optimizer": "the base class, which has none in Keras 2",
    "Recurrent": "the base class of Keras 1, which is RNN today",
    "get_source_inputs": "needs the tensor only",
    "Sequence": "has no constructor in Keras 2",
    "Layer": "keyword arguments only",
    "CallbackList": "made by fit",
    "Progbar": "has more arguments today",
    "Iterator": "private part of preprocessing",
    "DirectoryIterator": "made by ImageDataGenerator",
    "CustomObjectScope": "any number of dicts",
    "custom_object_scope": "any number of dicts",
}
# Methods and attributes that are not there, with the reason.
LEFT_OUT_METHODS = {
    "append": "CallbackList is made by fit",
    "get_config": "of initializers of cornu in other classes",
    "built": "an attribute of the layer",
    "run_internal_graph": "a part of the graph",
    "constraints": "an attribute of Keras 1, which constraints of the weights replaced",
    "cell": "CuDNN layers are LSTM and GRU",
    "implementation": "the choice among equivalent algorithms",
    "states": "an attribute of the layer",
    "activity_regularizer": "an attribute of the layer",
    **dict.fromkeys(("get_constants", "preprocess_input", "step"), "parts of Keras 1's Recurrent"),
}
# Methods whose parameters may be named otherwise: programs override them, or call them by position.
OTHER_METHODS = (
    *("assert_input_compatibility", "build", "call", "compute_mask", "compute_output_shape"),
    *("on_train_end", "get_initial_state"),
)


def module(path):
    found = load()
    for name in path.split(".")[1:]:
        found = getattr(found, name)
    return found


def positional(value):
    parameters = inspect.signature(value).parameters.values()
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY)
    return [
        p.name if p.default is p.empty else f"{p.name}={p.default!r}"
        for p in parameters
        if p.kind in kinds
    ]


def missing_names(path):
    known = {**LEFT_OUT.get(path, {}), **MISSING.get(path.partition(".")[2], {})}
    present = vars(module(path)) if path not in LEFT_OUT or NAMES[path].keys() - known else {}
    return [name for name in NAMES[path] if name not in present and name not in known]


@pytest.mark.parametrize("path", NAMES)
def test_every_name_exists(path):
    assert missing_names(path) == []


def test_names_that_are_left_out_do_not_exist():
    for path, names in LEFT_OUT.items():
        for name in names:
            assert name in NAMES[path], (path, name)


@pytest.mark.parametrize("path", ["keras.layers", "keras.optimizers", "keras.callbacks"])
def test_classes_have_the_parameters_of_their_version(path):
    found = {}
    for name, expected in NAMES[path].items():
        value = vars(module(path)).get(name)
        if value is None or not name[0].isupper() or name in OTHER_PARAMETERS:
            continue
        given = positional(value)
        if name == "ReduceLROnPlateau":
            given.remove("epsilon=None")  # accepted by keyword
        if given != expected:
            found[name] = (given, expected)
    assert found == {}


@pytest.mark.parametrize(
    "path", ["keras.preprocessing.text", "keras.utils", "keras.utils.generic_utils"]
)
def test_functions_accept_the_parameters_of_their_version(path):
    for name, expected in NAMES[path].items():
        value = vars(module(path)).get(name)
        if value is not None and name not in OTHER_PARAMETERS:
            names = [p.partition("=")[0] for p in expected]
            assert [p.partition("=")[0] for p in positional(value)][: len(names)] == names, name


def class_of(path):
    """Returns the class of the objects that a name makes; None if it is a function."""
    home, _, name = path.rpartition(".")
    found = vars(module(home)).get(name)
    mapping = getattr(found, "mapping", None)
    if mapping is not None:
        return found.class_for(mapping.target)
    return found if inspect.isclass(found) else None


def test_every_method_exists_with_its_parameters():
    count, wrong = 0, []
    for path, methods in METHODS.items():
        home, _, name = path.rpartition(".")
        known = {**LEFT_OUT.get(home, {}), **MISSING.get(home.partition(".")[2], {})}
        cls = None if name in known else class_of(path)
        if cls is None:
            continue
        for method, expected in methods.items():
            if method in LEFT_OUT_METHODS:
                continue
            count += 1
            member = getattr(cls, method, None)
            if not hasattr(cls, method):
                wrong.append((path, method))
            elif callable(member) and expected and method not in OTHER_METHODS:
                names = [p.partition("=")[0] for p in positional(member) if p != "self"]
                if names[: len(expected)] != [p.partition("=")[0] for p in expected]:
                    wrong.append((path, method, names, expected))
    assert wrong == []
    assert count > 500


def test_methods_that_are_left_out_are_those_of_keras_2():
    methods = {method for found in METHODS.values() for method in found}
    assert set(LEFT_OUT_METHODS) | set(OTHER_METHODS) <= methods


def test_a_missing_name_says_why():
    with pytest.raises(NotImplementedError, match="open the file with h5py"):
        load().utils.H5Dict  # noqa: B018
    with pytest.raises(AttributeError, match="Keras 2.2 has no attribute 'Dence'"):
        load().layers.Dence  # noqa: B018
