"""The cases that are compared with Keras 2.2.4 and 2.3.1."""

import numpy as np

from tests.dialects import keras2_subclass_cases as subclasses
from tests.dialects import tf_keras_cases
from tests.dialects.keras1_case import numbers
from tests.dialects.keras1_subclass_cases import ROWS, STEPS, WIDTH, set_numbers, words

VERSIONS = ("2.2.4", "2.3.1")
# Groups of layers, with those that only tf.keras has. The other groups are the same in tf.keras.
_LATER = {
    "core": ("identity", "einsum", "layer_norm", "group_norm", "unit_norm"),
    "convolutions": ("conv2d", "transposed1d", "depthwise1d", "depthwise"),
    "recurrent": ("conv_lstm1d", "conv_lstm3d"),
}
_OPTIMIZERS = {
    "sgd": ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "decay": 0.1}),
    "sgd_clipped": ("SGD", {"lr": 0.1, "clipnorm": 0.05}),
    "rmsprop": ("RMSprop", {"lr": 0.01, "clipvalue": 0.05}),
    "adagrad": ("Adagrad", {"lr": 0.1}),
    "adadelta": ("Adadelta", {}),
    "adam": ("Adam", {"lr": 0.01, "decay": 0.1}),
    "adam_amsgrad": ("Adam", {"lr": 0.05, "amsgrad": True}),
    "adamax": ("Adamax", {"lr": 0.01}),
    "nadam": ("Nadam", {"lr": 0.01}),
}
CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def layers_of(group):
    def run(keras):
        yield tf_keras_cases.run_layers(keras, group, _LATER[group])

    return run


def text(words):
    """Returns words as numbers."""
    return np.array([ord(letter) for letter in "|".join(words)])


@case
def optimizers(keras):
    layers = keras.layers
    x, y = numbers(8, 4), numbers(8, 2)
    for name, (kind, arguments) in _OPTIMIZERS.items():
        model = keras.models.Sequential(
            [layers.Dense(5, activation="tanh", input_dim=4), layers.Dense(2)]
        )
        set_numbers(model)
        model.compile(getattr(keras.optimizers, kind)(**arguments), "mse")
        yield {name: np.array([model.train_on_batch(x, y) for _ in range(4)])}
        yield {name: model.predict(x)}


@case
def masked_losses(keras):
    """Losses and metrics of masked steps, without and with weights of samples."""
    layers = keras.layers
    x = words()
    x[:2, 3:] = 0
    model = keras.models.Sequential(
        [
            layers.Masking(input_shape=(STEPS, WIDTH)),
            layers.SimpleRNN(3, return_sequences=True),
            layers.TimeDistributed(layers.Dense(2, activation="softmax")),
        ]
    )
    set_numbers(model)
    y = np.eye(2)[(numbers(ROWS, STEPS, seed=4) > 0).astype(int)]
    weights = np.array([1.0, 0.0, 2.0, 0.5])
    model.compile(keras.optimizers.SGD(0.1), "categorical_crossentropy", metrics=["acc", "mae"])
    yield np.array([model.train_on_batch(x, y) for _ in range(2)])
    yield np.array([model.train_on_batch(x, y, sample_weight=weights) for _ in range(2)])
    # Keras 2.2 averages the metrics of batches, which have different numbers of unmasked steps.
    size = ROWS if keras.__version__ < "2.3" else 3
    yield np.array(model.evaluate(x, y, batch_size=size, verbose=0))
    yield np.array(model.evaluate(x, y, sample_weight=weights, verbose=0))
    history = model.fit(x, y, batch_size=size, epochs=2, shuffle=False, verbose=0).history
    yield {name: np.array(values) for name, values in history.items()}


@case
def names_of_metrics(keras):
    """The names in logs: of several outputs, and of objects."""
    layers, K = keras.layers, keras.backend

    def own(y_true, y_pred):
        return K.mean(y_pred)

    x = layers.Input((3,))
    outputs = [layers.Dense(1, name="a")(x), layers.Dense(2, activation="softmax", name="b")(x)]
    for lists in (["acc"], ["accuracy", "mse"], {"a": "mae", "b": ["acc", own]}):
        model = keras.models.Model(x, outputs)
        set_numbers(model)
        losses = {"a": "mse", "b": "categorical_crossentropy"}
        model.compile("sgd", losses, metrics=lists, loss_weights={"a": 1.0, "b": 2.0})
        yield text(model.metrics_names)
        data = numbers(4, 3), [numbers(4, 1), np.eye(2)[[0, 1, 1, 0]]]
        yield np.array(model.evaluate(*data, verbose=0))


@case
def classes_of_metrics(keras):
    metrics = keras.metrics
    for _ in range(2):
        model = keras.models.Sequential([keras.layers.Dense(1, input_dim=3, activation="sigmoid")])
        set_numbers(model)
        kinds = [metrics.Precision(), metrics.Recall(), metrics.AUC(), metrics.AUC(name="area")]
        model.compile("sgd", "binary_crossentropy", metrics=kinds)
        names = model.metrics_names
        first = names[1]
        # The numbers of automatic names count all objects of the process.
        start = int(first.rpartition("_")[2])
        yield text([name.replace(f"_{start}", "_n") for name in names])
        x, y = numbers(8, 3), (numbers(8, 1, seed=2) > 0).astype("float32")
        yield np.array(model.evaluate(x, y, batch_size=4, verbose=0))
        # Keras 2.3 resets metrics after `train_on_batch`, so that the first one includes those of
        # `evaluate`.
        model.reset_metrics()
        yield np.array(model.train_on_batch(x[:4], y[:4]))
        yield np.array(model.train_on_batch(x[4:], y[4:]))


# Cases of one version only: of what both versions share, or what 2.2 does not have.
_OF_2_2 = ("cells", "subclasses_of_layers", "recurrent")
_OF_2_3 = ("classes_of_metrics", "derived_optimizers", "optimizers")


def of_version(version):
    """Returns the cases of a version by name."""
    layers = {"layers_" + group: layers_of(group) for group in _LATER}
    everything = dict(CASES, **subclasses.CASES)
    if version == "2.3.1":
        everything.update(layers)
    other = _OF_2_3 if version == "2.2.4" else _OF_2_2
    return {name: function for name, function in everything.items() if name not in other}
