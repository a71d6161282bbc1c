"""Every public name of Keras 2.3.1 and tf_keras 2.21 exists in the dialect, with its parameters.

`scripts/make_keras2_names.py` wrote the names and their parameters from the libraries themselves.
"""

import ast
import functools
import json
from pathlib import Path

import pytest

from cornu.dialects.keras2 import load
from cornu.dialects.keras2.implementation.missing import MISSING, TENSORFLOW_MISSING
from tests.dialects import test_keras2_names as names_of_2_2

HERE = Path(__file__).parent
FILES = {"2.3.1": "keras2.3_names.json", "2.15.0": "tf_keras_names.json"}
NAMES = {version: json.loads((HERE / file).read_text()) for version, file in FILES.items()}
METHODS = json.loads((HERE / "keras2.3_methods.json").read_text())
METHODS_OF_TENSORFLOW = json.loads((HERE / "tf_keras_methods.json").read_text())
NOT_SUPPORTED = {"2.3.1": MISSING, "2.15.0": TENSORFLOW_MISSING}
_PARTS = "parts of the implementation of Keras"
_OF_TENSORFLOW = "belongs to TensorFlow"
# Modules that are not there, with the reason.
LEFT_OUT_MODULES = {
    "keras.applications.regnet": "these networks do not exist in Keras 3",
    "keras.applications.resnet_rs": "these networks do not exist in Keras 3",
    "keras.backend.experimental": _OF_TENSORFLOW,
    "keras.datasets.cifar": "a part of load_data",
    "keras.dtensor": _OF_TENSORFLOW,
    "keras.dtensor.experimental": _OF_TENSORFLOW,
    "keras.dtensor.experimental.optimizers": _OF_TENSORFLOW,
    "keras.estimator": _OF_TENSORFLOW,
    "keras.export": "cornu.export.ExportArchive exports",
    "keras.metrics.experimental": _OF_TENSORFLOW,
    "keras.models.experimental": "SharpnessAwareMinimization does not exist in Keras 3",
    "keras.utils.experimental": _OF_TENSORFLOW,
    "keras.utils.metrics_utils": _PARTS,
}
# Further names that are not there, with the reason.
LEFT_OUT = {
    "keras.engine.base_layer": {"disable_tracking": _PARTS},
    "keras.engine.saving": dict.fromkeys(
        ("allow_read_from_gcs", "allow_write_to_gcs"), "decorators for Google Cloud Storage"
    ),
    "keras.utils.generic_utils": dict.fromkeys(("check_for_unexpected_keys", "getargspec"), _PARTS),
    "keras.utils.io_utils": dict.fromkeys(
        ("load_from_binary_h5py", "save_to_binary_h5py"), "bytes of HDF5 files are not read"
    ),
    "keras.utils.test_utils": {"tf_file_io_proxy": "belongs to the tests of Keras"},
}
# Classes and functions with other parameters, with the reason.
OTHER_PARAMETERS = {
    "DataFrameIterator": "made by ImageDataGenerator",
    "get_file": "fname and origin are optional, as today",
    **dict.fromkeys(("plot_model", "model_to_dot"), "further arguments by name"),
}
OTHER_PARAMETERS_OF_2_3 = {
    "ImageDataGenerator": "the defaults of data_format and dtype are those of the settings",
    "TensorBoard": "the default of batch_size, which has no effect",
}
_LAST = "the last parameters, which came after 2.15 or belong to TensorFlow, are not accepted"
_BY_NAME = "arguments after the first ones by name, as today"
OTHER_PARAMETERS_OF_TENSORFLOW = {
    **dict.fromkeys(("load_data", "function", "placeholder", "print_tensor", "rnn"), _LAST),
    **dict.fromkeys(("Tokenizer", "hashing_trick", "NumpyArrayIterator", "one_hot"), _LAST),
    "sparse_categorical_crossentropy": "ignore_class of the backend's function: use the loss",
    **dict.fromkeys(("BackupAndRestore", "LambdaCallback", "ProgbarLogger"), _BY_NAME),
    **dict.fromkeys(
        ("CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseTimeDecay"),
        "schedules have a name by default",
    ),
    **dict.fromkeys(("PiecewiseConstantDecay", "PolynomialDecay"), "the same"),
    "Adam": "adaptive_epsilon, which came after 2.15",
    "Optimizer": "the base class is that of today",
    "Policy": "a name is optional, as today",
    "save_model": "of keras.saving: the format follows from the name of the file",
    "serialize": "that of schedules has one format",
    "deserialize": "that of schedules has one format",
}
# Methods that are called otherwise, with the reason.
OTHER_METHODS = {
    **dict.fromkeys(
        ("evaluate", "evaluate_generator", "fit", "fit_generator", "predict", "predict_generator"),
        "callbacks and the arguments of queues by name",
    ),
    "add_metric": "Keras 3 has no add_metric",
    "add_weight": "of metrics: the two arguments of devices are those of tf.keras",
}
_ATTRIBUTE = "an attribute of the object"
_DEVICES = "belongs to the strategies of TensorFlow: use `distribution` of cornu"
_STEP = "a step is compiled as a whole: define `train_step`"
_LOSS_SCALE = "the scale is a part of the compiled step"
_MASKS = "a part of the layer, whose masks are computed in the step"
# Methods of tf.keras that are not there, with the reason.
LEFT_OUT_OF_TENSORFLOW = {
    **dict.fromkeys(("activity_regularizer", "stateful", "states"), _ATTRIBUTE),
    **dict.fromkeys(("clipnorm", "clipvalue", "global_clipnorm"), _ATTRIBUTE),
    **dict.fromkeys(("filepaths", "labels", "sample_weight", "constraints"), _ATTRIBUTE),
    **dict.fromkeys(
        ("autotune_steps_per_execution", "steps_per_execution"), "an argument of `compile`"
    ),
    **dict.fromkeys(("distribute_reduction_method", "distribute_strategy"), _DEVICES),
    "compute_output_signature": "it describes Tensors of TensorFlow",
    "dynamic": "layers that cannot be compiled are those of a model with run_eagerly=True",
    **dict.fromkeys(("finalize_state", "make_adapt_function", "is_adapted"), "a part of `adapt`"),
    "compile": "of preprocessing layers, a part of `adapt`",
    **dict.fromkeys(("get_weight_paths", "save_spec"), "belongs to the SavedModel of TensorFlow"),
    **dict.fromkeys(("append", "make_logs"), "CallbackList is made by fit"),
    **dict.fromkeys(
        ("on_epoch_begin", "on_epoch_end", "on_train_batch_end", "on_train_begin"),
        "of ModelCheckpoint: it saves in another method",
    ),
    "convolution_op": "a function that programs of Keras 3 do not override either",
    **dict.fromkeys(
        (
            *("get_dropout_mask_for_cell", "get_recurrent_dropout_mask_for_cell"),
            *("reset_dropout_mask", "reset_recurrent_dropout_mask"),
        ),
        _MASKS,
    ),
    "implementation": "the choice among equivalent algorithms",
    "vocab_size": "the old name of vocabulary_size()",
    "normalize_weights": "a part of the call",
    "build": "of metrics, whose Variables exist from the first batch",
    **dict.fromkeys(
        ("dynamic_counter", "dynamic_growth_steps", "get_scaled_loss", "get_unscaled_gradients"),
        _LOSS_SCALE,
    ),
    **dict.fromkeys(("initial_scale", "inner_optimizer", "loss_scale"), _LOSS_SCALE),
    **dict.fromkeys(("aggregate_gradients", "compute_gradients", "minimize"), _STEP),
    **dict.fromkeys(("add_slot", "add_weight", "get_slot", "get_slot_names"), _STEP),
    **dict.fromkeys(("get_config", "to_json"), "of TimeseriesGenerator, which holds the data"),
    "set_processing_attrs": "made by ImageDataGenerator",
}
# Classes of which only the methods of their own kind are there.
OF_LAYERS = {"keras.metrics.Metric": "metrics of tf.keras are layers, with the methods of layers"}
# Methods of tf.keras that are called otherwise, with the reason.
OTHER_METHODS_OF_TENSORFLOW = {
    "add_loss": "of models: `loss` by keyword",
    "add_metric": "Keras 3 has no add_metric",
    "add_weight": "the arguments of devices belong to TensorFlow; of models, the order of today",
    **dict.fromkeys(("predict_step", "test_step", "train_step"), "steps of Keras 3 take a state"),
    "reset_states": "of Bidirectional: without states",
    "add_variable": "of optimizers: the order of today",
    "add_variable_from_reference": "of optimizers: the order of today",
    "apply_gradients": "the last argument by name",
    "flow": "ignore_class_split is not accepted",
}
PATHS = [(version, path) for version, found in NAMES.items() for path in found]


def module(version, path):
    return functools.reduce(getattr, path.split(".")[1:], load(version))


def standardized(parameters):
    """Returns parameters with comparable defaults: 0 and 0.0 are equal."""
    found = []
    for parameter in parameters:
        name, has_default, default = parameter.partition("=")
        try:
            value = ast.literal_eval(default) if has_default else None
        except (SyntaxError, ValueError):
            value = default
        found.append((name, bool(has_default), value))
    return found


@pytest.mark.parametrize(("version", "path"), PATHS)
def test_every_name_exists_with_its_parameters(version, path):
    if path in LEFT_OUT_MODULES:
        return
    names = NAMES[version][path]
    known = {
        **names_of_2_2.LEFT_OUT.get(path, {}),
        **LEFT_OUT.get(path, {}),
        **NOT_SUPPORTED[version].get(path.partition(".")[2], {}),
    }
    is_tensorflow = version != "2.3.1"
    own = OTHER_PARAMETERS_OF_TENSORFLOW if is_tensorflow else OTHER_PARAMETERS_OF_2_3
    others = {**names_of_2_2.OTHER_PARAMETERS, **OTHER_PARAMETERS, **own}
    present = vars(module(version, path))
    assert [name for name in names if name not in present and name not in known] == []
    wrong = []
    for name, expected in names.items():
        if name in known or name in others:
            continue
        given = [p for p in names_of_2_2.positional(present[name]) if p != "self"]
        if standardized(given)[: len(expected)] != standardized(expected):
            wrong.append((name, given, expected))
    assert wrong == []


def test_every_method_exists_with_its_parameters(monkeypatch):
    monkeypatch.setattr(names_of_2_2, "module", functools.partial(module, "2.3.1"))
    left_out = {**names_of_2_2.LEFT_OUT_METHODS, **OTHER_METHODS}
    others = names_of_2_2.OTHER_METHODS
    count, wrong = 0, []
    for path, methods in METHODS.items():
        cls = names_of_2_2.class_of(path)
        for method, expected in methods.items() if cls is not None else ():
            if method in left_out:
                continue
            count += 1
            member = getattr(cls, method, None)
            if not hasattr(cls, method):
                wrong.append((path, method))
            elif callable(member) and expected and method not in others:
                names = [p.partition("=")[0] for p in names_of_2_2.positional(member)]
                names = [name for name in names if name != "self"]
                if names[: len(expected)] != [p.partition("=")[0] for p in expected]:
                    wrong.append((path, method, names, expected))
    assert wrong == []
    assert count > 500


def test_every_method_of_tf_keras_exists_with_its_parameters(monkeypatch):
    monkeypatch.setattr(names_of_2_2, "module", functools.partial(module, "2.15.0"))
    others = {*names_of_2_2.OTHER_METHODS, *OTHER_METHODS_OF_TENSORFLOW}
    metrics = METHODS_OF_TENSORFLOW["keras.metrics.Metric"]
    of_layers = {m for m in metrics if m in METHODS_OF_TENSORFLOW["keras.layers.Layer"]}
    of_layers |= {"weights", "merge_state", "name", "get_weights", "set_weights"}
    count, wrong = 0, []
    for path, methods in METHODS_OF_TENSORFLOW.items():
        home, _, name = path.rpartition(".")
        known = {
            **NOT_SUPPORTED["2.15.0"].get(home.partition(".")[2], {}),
            **LEFT_OUT.get(home, {}),
        }
        if home in LEFT_OUT_MODULES or name in known:
            continue
        cls = names_of_2_2.class_of(path)
        for method, expected in methods.items() if cls is not None else ():
            if path in OF_LAYERS and method in of_layers:
                continue
            count += 1
            if not hasattr(cls, method):
                wrong += [(path, method)] if method not in LEFT_OUT_OF_TENSORFLOW else []
            elif callable(getattr(cls, method)) and expected and method not in others:
                found = names_of_2_2.positional(getattr(cls, method))
                names = [p.partition("=")[0] for p in found]
                names = [n for n in names if n not in ("self", "cls")]
                if names[: len(expected)] != [p.partition("=")[0] for p in expected]:
                    wrong.append((path, method, names, expected))
    assert wrong == []
    assert count > 1300


def test_exceptions_are_names_of_the_versions():
    everything = {name for found in NAMES.values() for names in found.values() for name in names}
    for others in (OTHER_PARAMETERS, OTHER_PARAMETERS_OF_2_3, OTHER_PARAMETERS_OF_TENSORFLOW):
        assert others.keys() <= everything
    paths = {path for found in NAMES.values() for path in found}
    assert set(LEFT_OUT_MODULES) | set(LEFT_OUT) <= paths
    methods = {method for found in METHODS.values() for method in found}
    assert set(OTHER_METHODS) <= methods
    methods = {method for found in METHODS_OF_TENSORFLOW.values() for method in found}
    assert set(LEFT_OUT_OF_TENSORFLOW) | set(OTHER_METHODS_OF_TENSORFLOW) <= methods
