"""Every public name of Keras 1.2.2 exists in the dialect, with the same parameters.

`scripts/make_keras2_names.py` wrote the names, methods and parameters from Keras 1.2.2 itself.
"""

import inspect
import json
from pathlib import Path

import numpy as np
import pytest

from cornu.dialects.keras1 import load
from cornu.dialects.keras1.module_tree import MISSING

HERE = Path(__file__).parent
NAMES = json.loads((HERE / "keras1_names.json").read_text())
METHODS = json.loads((HERE / "keras1_methods.json").read_text())
# Names that are not there, with the reason.
LEFT_OUT = {
    "keras.applications.audio_conv_utils": dict.fromkeys(
        ("decode_predictions", "preprocess_input"), "belongs to MusicTaggerCRNN"
    ),
    "keras.applications.music_tagger_crnn": {"MusicTaggerCRNN": "its weights no longer exist"},
    "keras.applications.inception_v3": {"conv2d_bn": "a part of InceptionV3"},
    "keras.applications.resnet50": dict.fromkeys(
        ("conv_block", "identity_block"), "a part of ResNet50"
    ),
    "keras.datasets.cifar": {"load_batch": "a part of load_data"},
    "keras.layers": dict.fromkeys(
        ("func_dump", "func_load"), "bytecode is neither stored nor loaded"
    ),
}
# Functions and classes with other parameters, with the reason.
OTHER_PARAMETERS = {
    "function": "the default of updates is None, not a list",
    "Input": "dtype=None is the float type of the settings when it is called",
    "Node": "the description of a call is cornu's own",
    "Recurrent": "the base class is RNN",
    "DirectoryIterator": "made by ImageDataGenerator",
    "NumpyArrayIterator": "made by ImageDataGenerator",
    "layer_test": "the default of kwargs is None, not a dict",
}
# Methods that are not there, with the reason, by class or name.
LEFT_OUT_METHODS = {
    **dict.fromkeys(
        (
            *("conv_step", "conv_step_hidden", "get_constants", "get_initial_states"),
            *("preprocess_input", "step"),
        ),
        "a part of a recurrent layer, which computes otherwise",
    ),
    **dict.fromkeys(
        ("add_inbound_node", "create_input_layer", "run_internal_graph"), "a part of the graph"
    ),
    **dict.fromkeys(
        (
            *("load_weights_from_hdf5_group", "load_weights_from_hdf5_group_by_name"),
            "save_weights_to_hdf5_group",
        ),
        "a part of save_weights and load_weights",
    ),
    **dict.fromkeys(("set_layer", "set_param"), "a regularizer does not know its weight"),
    **dict.fromkeys(("training_data", "validation_data"), "fit does not keep its data"),
    "append": "made by fit",
    "get_config": "an InputLayer, a Node and constraints of the tables are plain objects",
}
# Methods whose parameters may be named otherwise: programs override them, or call them by position.
BY_POSITION = ("build", "call", "compute_mask", "on_train_end")


def module(path):
    found = load()
    for name in path.split(".")[1:]:
        found = getattr(found, name)
    return found


def positional(value):
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [
        p.name if p.default is p.empty else f"{p.name}={p.default!r}"
        for p in inspect.signature(value).parameters.values()
        if p.kind not in kinds and p.name != "self"
    ]


@pytest.mark.parametrize("path", NAMES)
def test_every_name_exists_with_its_parameters(path):
    known = {**LEFT_OUT.get(path, {}), **MISSING.get(path.partition(".")[2], {})}
    wanted = {name: expected for name, expected in NAMES[path].items() if name not in known}
    present = vars(module(path)) if wanted else {}
    assert [name for name in wanted if name not in present] == []
    for name, expected in wanted.items():
        if name not in OTHER_PARAMETERS:
            assert positional(present[name])[: len(expected)] == expected, name


def class_of(path):
    home, _, name = path.rpartition(".")
    found = vars(module(home))[name]
    if isinstance(found, type) or inspect.isfunction(found):  # a function that makes objects
        return found if isinstance(found, type) else None
    return found.__mro_entries__(())[0]


def test_every_method_exists_with_its_parameters():
    count, wrong = 0, []
    for path, methods in METHODS.items():
        home, _, name = path.rpartition(".")
        known = {**LEFT_OUT.get(home, {}), **MISSING.get(home.partition(".")[2], {})}
        if name in known or name in ("Merge", "TFOptimizer", "Node", "ConvRecurrent2D"):
            continue
        cls = class_of(path)
        if cls is None:
            continue
        for method, expected in methods.items():
            if method in LEFT_OUT_METHODS:
                continue
            count += 1
            member = getattr(cls, method, None)
            if not hasattr(cls, method):
                wrong.append((path, method))
            elif callable(member) and expected and method not in BY_POSITION:
                names = [p.partition("=")[0] for p in positional(member)][: len(expected)]
                if names != [p.partition("=")[0] for p in expected]:
                    wrong.append((path, method, names, expected))
    assert wrong == []
    assert count > 400


def test_what_is_left_out_exists_in_keras_1():
    for path, names in LEFT_OUT.items():
        assert set(names) <= set(NAMES[path]), path
    everything = {name for names in NAMES.values() for name in names}
    assert set(OTHER_PARAMETERS) <= everything
    methods = {method for found in METHODS.values() for method in found}
    assert set(LEFT_OUT_METHODS) <= methods


def test_functions_of_training_and_utilities():
    keras = load()
    training, utils = keras.engine.training, keras.utils
    rows = np.arange(6)
    assert [x.tolist() for x in training.slice_X([rows, -rows], [0, 2])] == [[0, 2], [0, -2]]
    assert training.slice_X(rows, 1, 3).tolist() == [1, 2]
    assert sorted(training.batch_shuffle(rows, 4)[:4]) == [0, 1, 2, 3]
    assert training.standardize_input_data({"a": rows}, ["a"])[0].shape == (6, 1)
    assert utils.np_utils.conv_input_length(4, 3, "valid", 2) == 9
    kernel = np.arange(9.0).reshape(3, 3, 1, 1)
    assert utils.np_utils.convert_kernel(kernel, "tf").ravel().tolist() == [*range(8, -1, -1)]
    assert keras.initializations.get_fans((16, 8, 3, 3)) == (72, 144)
    layer = keras.layers.Dense(2, input_dim=3)
    again = utils.layer_utils.layer_from_config(
        {"class_name": "Dense", "config": layer.get_config()}
    )
    assert again.units == 2


def test_metrics_of_a_batch():
    metrics, K = load().metrics, load().backend
    true, predicted = np.array([1.0, 1.0, 0.0, 0.0]), np.array([0.9, 0.2, 0.8, 0.1])
    found = {
        name: float(K.eval(getattr(metrics, name)(true, predicted)))
        for name in ("precision", "recall", "fmeasure", "matthews_correlation")
    }
    np.testing.assert_allclose(list(found.values()), [0.5, 0.5, 0.5, 0.0], atol=1e-6)


def test_a_step_of_an_optimizer_as_an_update():
    keras = load()
    K, model = keras.backend, keras.models.Sequential([keras.layers.Dense(1, input_dim=2)])
    target = K.placeholder((None, 1))
    loss = K.mean(K.square(model.output - target))
    steps = keras.optimizers.SGD(lr=0.1).get_updates(model.trainable_weights, {}, loss)
    train = K.function([model.input, target], [loss], updates=steps)
    x, y = np.eye(2), np.array([[1.0], [2.0]])
    losses = [float(train([x, y])[0]) for _ in range(30)]
    assert losses[-1] < 0.2 * losses[0]
