"""Layers of Keras 1 that no longer exist, layers with noise, metrics, and penalties of weights.

Layers are branches of one model, so that they are compiled at once: the losses and the gradients of
a branch do not depend on the others.
"""

import numpy as np

from tests.dialects.keras1_case import numbers

CASES = {}

# Name -> the shape of a sample and a function that makes the layer.
LAYERS = {
    "maxout": ((4,), lambda k: k.MaxoutDense(3, nb_feature=2)),
    "highway": ((4,), lambda k: k.Highway(activation="tanh")),
    "local_1d": ((6, 2), lambda k: k.LocallyConnected1D(3, 2, subsample_length=2)),
    "local_2d": ((5, 4, 2), lambda k: k.LocallyConnected2D(3, 2, 3, activation="relu")),
    "conv_lstm": (
        (3, 4, 4, 1),
        lambda k: k.ConvLSTM2D(2, 3, 3, border_mode="same", return_sequences=True),
    ),
    "global_max_3d": ((3, 3, 3, 2), lambda k: k.GlobalMaxPooling3D()),
    "global_average_3d": ((3, 3, 3, 2), lambda k: k.GlobalAveragePooling3D()),
    "softplus": ((4,), lambda k: k.ParametricSoftplus(0.3, 4.0)),
    "s_relu": ((4,), lambda k: k.SReLU()),
}
NOISE = {
    "dropout": ((4,), lambda k: k.Dropout(0.5)),
    "spatial_1d": ((5, 3), lambda k: k.SpatialDropout1D(0.5)),
    "spatial_2d": ((4, 4, 3), lambda k: k.SpatialDropout2D(0.5)),
    "spatial_3d": ((3, 3, 3, 2), lambda k: k.SpatialDropout3D(0.5)),
    "gaussian_noise": ((4,), lambda k: k.GaussianNoise(0.5)),
    "gaussian_dropout": ((4,), lambda k: k.GaussianDropout(0.5)),
}
ROWS = 6
METRICS = (
    *("binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy"),
    *("top_k_categorical_accuracy", "mean_squared_error", "mean_absolute_error"),
    *("mean_absolute_percentage_error", "mean_squared_logarithmic_error", "hinge"),
    *("squared_hinge", "categorical_crossentropy", "sparse_categorical_crossentropy"),
    *("binary_crossentropy", "kullback_leibler_divergence", "poisson", "cosine_proximity"),
    *("matthews_correlation", "precision", "recall", "fbeta_score", "fmeasure"),
)


def case(function):
    CASES[function.__name__] = function
    return function


def joined(keras, table):
    """Returns a model whose branches are the layers of a table, with the same weights, and data."""
    k, inputs, outputs, given = keras.layers, [], [], []
    for i, (shape, make) in enumerate(table.values()):
        x = k.Input(shape)
        y = make(k)(x)
        if len(y._keras_shape) > 2:
            y = k.Flatten()(y)
        branch = keras.models.Model(x, k.Dense(2)(y))
        branch.set_weights(
            [numbers(*w.shape, seed=i + j) * 0.5 for j, w in enumerate(branch.get_weights())]
        )
        inputs.append(x)
        outputs.append(branch.output)
        given.append(numbers(ROWS, *shape, seed=i))
    return keras.models.Model(inputs, outputs), given


@case
def removed_layers(keras):
    model, given = joined(keras, LAYERS)
    model.compile(keras.optimizers.SGD(0.05), "mse")
    targets = [numbers(ROWS, 2)] * len(LAYERS)
    losses = np.array([model.train_on_batch(given, targets) for _ in range(3)])
    yield dict(zip(("total", *LAYERS), losses.T))  # noqa: B905 - also runs on an old Python
    yield dict(zip(LAYERS, model.predict(given)))  # noqa: B905


@case
def layers_with_noise(keras):
    model, given = joined(keras, NOISE)
    yield dict(zip(NOISE, model.predict(given)))  # noqa: B905


@case
def metrics(keras):
    K = keras.backend
    scores = np.random.RandomState(0).uniform(0.05, 0.95, (ROWS, 7)).astype("float32")
    targets = np.eye(7, dtype="float32")[[0, 2, 1, 6, 2, 5]]
    classes = targets.argmax(axis=1)[:, None].astype("float32")
    for name in METRICS:
        true = classes if name.startswith("sparse") else targets
        function = getattr(keras.metrics, name)
        # Keras 1 divides the scores in place, which a Variable does not support.
        value = function(K.variable(true), K.variable(scores) * 1.0)
        yield {name: np.mean(K.eval(value))}


@case
def penalties_of_weights(keras):
    regularizers = keras.regularizers
    table = {
        "eigenvalue": {"W_regularizer": regularizers.EigenvalueRegularizer(0.1)},
        "l1l2": {"W_regularizer": regularizers.l1l2(0.1, 0.2)},
        "activity_l1": {"activity_regularizer": regularizers.activity_l1(0.1)},
        "activity_l1l2": {"activity_regularizer": regularizers.activity_l1l2(0.1, 0.2)},
    }
    for name, arguments in table.items():
        given = [numbers(4, 4), numbers(4)]
        layer = keras.layers.Dense(4, weights=given, input_dim=4, **arguments)
        model = keras.models.Sequential([layer])
        model.compile(keras.optimizers.SGD(0.05), "mse")
        losses = [model.train_on_batch(numbers(5, 4), numbers(5, 4)) for _ in range(3)]
        yield {name: np.array(losses)}
