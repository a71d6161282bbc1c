"""Writes the configs of all classes of an old Keras, which tests convert.

    python -m scripts.make_old_configs NAME

NAME is "keras" or "tf_keras", the package of an environment with that library; "tensorflow.keras"
is the one in TensorFlow. The configs are added to tests/legacy/configs.json under the version.
"""

import gzip
import importlib
import inspect
import json
import os
import sys

PATH = os.path.join(os.path.dirname(__file__), "..", "tests", "legacy", "configs.json.gz")

# What constructors require, by parameter.
ARGUMENTS = {
    "units": 3,
    "filters": 3,
    "kernel_size": 2,
    "rate": 0.5,
    "stddev": 0.1,
    "n": 2,
    "target_shape": (2, 3),
    "dims": (2, 1),
    "input_dim": 5,
    "output_dim": 3,
    "axes": 1,
    "size": 2,
    "num_heads": 2,
    "key_dim": 3,
    "height": 4,
    "width": 4,
    "target_height": 4,
    "target_width": 4,
    "factor": 0.2,
    "height_factor": 0.2,
    "width_factor": 0.2,
    "scale": 2.0,
    "num_bins": 4,
    "max_value": 1.0,
    "output_shape": (None, 3),
    "equation": "abc,cd->abd",
    "activation": "relu",
    "function": None,
    "num_classes": 3,
    "target_class_ids": [0],
    "recall": 0.5,
    "precision": 0.5,
    "sensitivity": 0.5,
    "specificity": 0.5,
    "initial_learning_rate": 0.1,
    "decay_steps": 10,
    "decay_rate": 0.9,
    "first_decay_steps": 10,
    "boundaries": [1, 2],
    "values": [0.1, 0.2, 0.3],
    "bin_boundaries": [0.0, 1.0],
    "num_tokens": 4,
    "normalization": None,
    "vocabulary": ["a", "b"],
}
MODULES = ("layers", "optimizers", "losses", "metrics", "initializers", "regularizers")
MODULES += ("constraints", "optimizers.schedules", "optimizers.legacy", "layers.experimental")


ABSTRACT = ("AbstractRNNCell", "ConvRecurrent2D", "InputLayer", "InputSpec", "Layer")
ABSTRACT += ("Optimizer", "Recurrent", "Wrapper")


def special(name, package):
    """Returns the positional arguments of classes that take other objects, or None."""
    layers = package.layers
    return {
        "TimeDistributed": lambda: [layers.Dense(3)],
        "Bidirectional": lambda: [layers.LSTM(3)],
        "RNN": lambda: [layers.LSTMCell(3)],
        "StackedRNNCells": lambda: [[layers.LSTMCell(3), layers.LSTMCell(3)]],
        "SpectralNormalization": lambda: [layers.Dense(3)],
        "IntegerLookup": lambda: [],
        "StringLookup": lambda: [],
        "TextVectorization": lambda: [],
        "Discretization": lambda: [[0.0, 1.0]],
    }.get(name)


def configs(package):
    """Returns the config of an object of each class that can be created, by module and class."""
    found, failed = {}, []
    for module in MODULES:
        try:
            space = package
            for part in module.split("."):
                space = getattr(space, part)
        except AttributeError:
            continue
        for name, cls in sorted(vars(space).items()):
            # Classes of which there are no objects, or none that a file names.
            if not inspect.isclass(cls) or not hasattr(cls, "get_config") or name in ABSTRACT:
                continue
            try:
                if special(name, package):
                    made = cls(*special(name, package)())
                else:
                    required = [
                        p.name
                        for p in inspect.signature(cls.__init__).parameters.values()
                        if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD
                    ][1:]
                    made = cls(**{p: ARGUMENTS[p] for p in required})
                config = json.loads(json.dumps(made.get_config(), default=plain))
            except Exception as error:
                failed.append(name + ": " + str(error)[:80])
                continue
            found.setdefault(module, {})[cls.__name__] = config
    return found, failed


def plain(value):
    """Returns a NumPy value or a shape as plain data."""
    if hasattr(value, "get_config"):
        return {"class_name": type(value).__name__, "config": value.get_config()}
    if hasattr(value, "as_list"):
        return value.as_list()
    if hasattr(value, "tolist"):
        return value.tolist()
    return getattr(value, "__name__", None) or float(value)


def main(name):
    package = importlib.import_module(name)
    found, failed = configs(package)
    print("\n".join(failed))
    stored = {}
    if os.path.exists(PATH):
        with gzip.open(PATH) as file:
            stored = json.loads(file.read().decode())
    stored[package.__version__] = found
    text = json.dumps(stored, separators=(",", ":"), sort_keys=True)
    with open(PATH, "wb") as out, gzip.GzipFile("", "wb", 9, out, mtime=0) as file:
        file.write(text.encode())


if __name__ == "__main__":
    main(sys.argv[1])
