"""The versions of Keras that write test data, and which cases each one writes."""

import importlib


class Environment:
    """A version of Keras on a backend.

    Args:
        version: What `keras.__version__` says.
        backend: "tensorflow" or "theano".
        modules: The modules of cases, of which the last one has the table.
        only: The names of the cases, or all.
        without: The names of cases that this version cannot build.
        package: The package that is imported.
    """

    def __init__(self, version, backend, modules, only=None, without=None, package="keras"):
        self.version = version
        self.backend = backend
        self.modules = modules
        self.only = only
        self.without = without or []
        self.package = package

    def cases(self):
        return importlib.import_module("scripts.old_models." + self.modules).CASES

    def names(self, cases):
        return [name for name in self.only or cases if name not in self.without]


# Layers whose arrays depend on the backend or the ordering of images, and one of every optimizer
# with state.
IMAGES = [
    "convolution_1d",
    "convolution_2d",
    "convolution_2d_other_ordering",
    "convolution_3d",
    "convolution_lstm",
    "images",
    "global_pooling",
    "locally_connected",
    "time_distributed",
    "batch_normalization_modes",
]
OLDEST = [
    "dense",
    "penalties",
    "convolution_1d",
    "convolution_2d",
    "lstm",
    "gru",
    "embedding",
    "merges",
    "two_towers",
    "inputs_and_outputs",
    "batch_normalization_modes",
    "rmsprop",
]

# Arguments that the optimizers of late tf.keras do not have, and a name that it lacks.
GONE = ["sgd_decayed", "adam_decayed", "cosine"]
# Its Nadam multiplies the product of momenta once for each weight, not once for each step.
GONE += ["nadam"]
LEGACY_OPTIMIZERS = ["SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "Adamax", "Nadam", "Ftrl"]
# What only later versions of Keras 2 have.
LATER = ["ftrl", "rmsprop_centered", "operators", "attention", "preprocessing"]
LATER += ["legacy_" + name for name in LEGACY_OPTIMIZERS]
# Layers whose arrays or arguments changed between the versions of Keras 2.
CHANGED = [
    "dense",
    "adam_decayed",
    "nadam",
    "convolution_1d",
    "convolution_2d",
    "convolution_lstm",
    "locally_connected",
    "lstm",
    "gru",
    "gru_resets",
    "embedding",
    "nested",
    "anonymous_function",
]

ENVIRONMENTS = {
    "keras-1.2.2-tensorflow": Environment("1.2.2", "tensorflow", "keras1_graph_cases"),
    "keras-1.2.2-theano": Environment("1.2.2", "theano", "keras1_graph_cases", only=IMAGES),
    "keras-1.1.2-theano": Environment("1.1.2", "theano", "keras1_graph_cases", only=OLDEST),
    "keras-1.0.8-theano": Environment("1.0.8", "theano", "keras1_graph_cases", only=OLDEST),
    "keras-2.0.9-tensorflow": Environment(
        "2.0.9", "tensorflow", "keras2_graph_cases", only=CHANGED, without=["gru_resets"]
    ),
    "keras-2.2.4-tensorflow": Environment(
        "2.2.4", "tensorflow", "keras2_graph_cases", without=LATER
    ),
    "keras-2.2.4-theano": Environment(
        "2.2.4", "theano", "keras2_graph_cases", only=["convolution_2d"]
    ),
    "keras-2.3.1-tensorflow": Environment(
        "2.3.1", "tensorflow", "keras2_graph_cases", only=CHANGED
    ),
    "tf-keras-2.2.4-tf": Environment(
        "2.2.4-tf", "tensorflow", "keras2_graph_cases", only=CHANGED, package="tensorflow.keras"
    ),
    "tf-keras-2.21": Environment("2.21.0", "tensorflow", "keras2_graph_cases", package="tf_keras"),
}


def load(environment):
    """Returns `keras` and its backend module."""
    keras = importlib.import_module(environment.package)
    assert keras.__version__ == environment.version, keras.__version__
    if environment.package != "tensorflow.keras":
        for name in "backend constraints layers models optimizers regularizers".split():
            importlib.import_module(environment.package + "." + name)
    if environment.package == "keras":
        if not hasattr(keras.backend, "backend"):
            keras.backend.backend = lambda: keras.backend._BACKEND
        assert keras.backend.backend() == environment.backend, keras.backend.backend()
    if environment.package == "keras" and environment.backend == "tensorflow":
        from scripts.old_models.update_order import order_updates

        order_updates()
    return keras, keras.backend
