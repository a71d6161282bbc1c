"""Rows of activations with parameters, noise, penalties and reshaping."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.conformance.table import Call, LayerRow


def _normal(*shape: int) -> Any:
    return lambda rng: rng.normal(size=shape).astype("float32")


def _wide(*shape: int) -> Any:
    return lambda rng: rng.uniform(-9, 9, size=shape).astype("float32")


def _prefix_mask(rng: np.random.Generator) -> np.ndarray:
    return np.array([[True, True, False], [True, False, False]])


def _feature_mask(rng: np.random.Generator) -> np.ndarray:
    return np.array([[True, True, False, True], [False, False, False, False]])


ROWS = [
    LayerRow("relu", lambda k: k.layers.ReLU(), _normal(2, 3)),
    LayerRow(
        "relu_bounds",
        lambda k: k.layers.ReLU(max_value=6.0, negative_slope=0.1, threshold=1.0),
        _wide(4, 8),
    ),
    LayerRow("leaky_relu", lambda k: k.layers.LeakyReLU(), _normal(2, 3, 4), mask=_prefix_mask),
    LayerRow("leaky_relu_slope", lambda k: k.layers.LeakyReLU(negative_slope=0.01), _wide(2, 3)),
    LayerRow("prelu", lambda k: k.layers.PReLU(), _normal(2, 3, 4), mask=_prefix_mask),
    LayerRow(
        "prelu_shared",
        lambda k: k.layers.PReLU("ones", alpha_regularizer="l2", shared_axes=[1, 2]),
        _normal(2, 3, 3, 2),
    ),
    LayerRow("prelu_one_axis", lambda k: k.layers.PReLU(shared_axes=1), _normal(2, 3, 2)),
    LayerRow("elu", lambda k: k.layers.ELU(), _normal(2, 3)),
    LayerRow(
        "elu_alpha",
        lambda k: k.layers.ELU(alpha=0.3),
        _normal(2, 3),
        skip={"keras_config": "Keras 3.15 leaves alpha out of the config"},
    ),
    LayerRow("softmax", lambda k: k.layers.Softmax(), _normal(2, 3, 4)),
    LayerRow("softmax_axis", lambda k: k.layers.Softmax(axis=1), _normal(2, 3, 4)),
    LayerRow("softmax_axes", lambda k: k.layers.Softmax(axis=[1, 2]), _normal(2, 3, 4)),
    LayerRow("softmax_mask", lambda k: k.layers.Softmax(), _normal(2, 4), mask=_feature_mask),
    LayerRow(
        "softmax_float_mask",
        lambda k: k.layers.Softmax(axis=(1, 2)),
        lambda rng: Call(
            (_normal(2, 3, 4)(rng),), {"mask": np.array([[[1], [0], [1]]] * 2, "float32")}
        ),
    ),
    LayerRow("dropout", lambda k: k.layers.Dropout(0.5), _normal(2, 3), random=True),
    LayerRow(
        "dropout_noise_shape",
        lambda k: k.layers.Dropout(0.3, noise_shape=(None, 1, 4), seed=3),
        _normal(2, 3, 4),
        random=True,
        mask=_prefix_mask,
    ),
    LayerRow("dropout_0", lambda k: k.layers.Dropout(0), _normal(2, 3)),
    LayerRow("dropout_1", lambda k: k.layers.Dropout(1.0), _normal(2, 3)),
    LayerRow("alpha_dropout", lambda k: k.layers.AlphaDropout(0.2), _normal(2, 3), random=True),
    LayerRow(
        "alpha_dropout_noise_shape",
        lambda k: k.layers.AlphaDropout(0.2, noise_shape=[None, 1]),
        _normal(2, 3),
        random=True,
    ),
    LayerRow(
        "spatial_dropout_1d",
        lambda k: k.layers.SpatialDropout1D(0.5),
        _normal(2, 3, 4),
        random=True,
        mask=_prefix_mask,
    ),
    LayerRow(
        "spatial_dropout_2d",
        lambda k: k.layers.SpatialDropout2D(0.5, data_format="channels_first"),
        _normal(2, 3, 4, 4),
        random=True,
    ),
    LayerRow(
        "spatial_dropout_3d",
        lambda k: k.layers.SpatialDropout3D(0.5, seed=1),
        _normal(2, 2, 3, 3, 2),
        random=True,
    ),
    LayerRow("gaussian_noise", lambda k: k.layers.GaussianNoise(0.1), _normal(2, 3), random=True),
    LayerRow(
        "gaussian_dropout", lambda k: k.layers.GaussianDropout(0.3), _normal(2, 3), random=True
    ),
    LayerRow(
        "activity_regularization",
        lambda k: k.layers.ActivityRegularization(l1=0.1, l2=0.2),
        _normal(2, 3, 4),
        mask=_prefix_mask,
    ),
    LayerRow("flatten", lambda k: k.layers.Flatten(), _normal(2, 3, 4)),
    LayerRow(
        "flatten_channels_first",
        lambda k: k.layers.Flatten(data_format="channels_first"),
        _normal(2, 3, 4, 2),
    ),
    LayerRow("flatten_vector", lambda k: k.layers.Flatten(), _normal(2)),
    LayerRow("flatten_loses_mask", lambda k: k.layers.Flatten(), _normal(2, 3), mask=_prefix_mask),
    LayerRow("reshape", lambda k: k.layers.Reshape((4, 3)), _normal(2, 3, 4)),
    LayerRow("reshape_fit", lambda k: k.layers.Reshape((2, -1, 3)), _normal(2, 3, 4)),
    LayerRow("reshape_scalar", lambda k: k.layers.Reshape(()), _normal(2, 1)),
    LayerRow("permute", lambda k: k.layers.Permute((3, 1, 2)), _normal(2, 3, 4, 5)),
    LayerRow("repeat_vector", lambda k: k.layers.RepeatVector(3), _normal(2, 4)),
]
