"""Integers and booleans give the results of equal floats, or are rejected."""

import jax
import numpy as np
import pytest

from cornu import activations, layers, ops
from cornu.ops import nn

IMAGE = (1, 4, 4, 2)
# The float arguments of each function: an integer array of this shape is passed for each.
SHAPES = {
    "batch_normalization": [(4, 3), (3,), (3,)],
    "binary_crossentropy": [(4, 3), (4, 3)],
    "categorical_crossentropy": [(4, 3), (4, 3)],
    "conv": [IMAGE, (2, 2, 2, 3)],
    "conv_transpose": [IMAGE, (2, 2, 3, 2)],
    "depthwise_conv": [IMAGE, (2, 2, 2, 1)],
    "separable_conv": [IMAGE, (2, 2, 2, 1), (1, 1, 2, 3)],
    "dot_product_attention": [(1, 4, 2, 3)] * 3,
    "layer_normalization": [(4, 3), (3,), (3,)],
    "rms_normalization": [(4, 3), (3,)],
    "psnr": [(4, 3), (4, 3), ()],
    "polar": [(4,), (4,)],
    "sparse_categorical_crossentropy": [(4, 3)],
    "ctc_decode": [(1, 4, 3)],
    "ctc_loss": [(1, 4, 3)],
    "threshold": [(4, 6), (), ()],
    **dict.fromkeys(("adaptive_average_pool", "adaptive_max_pool"), [IMAGE]),
    **dict.fromkeys(("average_pool", "max_pool", "space_to_depth", "unfold"), [IMAGE]),
    "depth_to_space": [(1, 2, 2, 4)],
    "fold": [(1, 4, 9)],
}
LABELS = np.array([0, 1, 2, 0])
CALLS = {
    "batch_normalization": lambda f, *a: f(*a, axis=-1),
    "conv_transpose": lambda f, *a: f(*a, strides=2),
    "sparse_categorical_crossentropy": lambda f, x: f(LABELS, x),
    "ctc_decode": lambda f, x: f(x, np.array([4])),
    "ctc_loss": lambda f, x: f(np.array([[1, 2]]), x, np.array([2]), np.array([4])),
    "moments": lambda f, x: f(x, axes=[0]),
    **dict.fromkeys(("adaptive_average_pool", "adaptive_max_pool"), lambda f, x: f(x, 2)),
    **dict.fromkeys(("average_pool", "max_pool"), lambda f, x, **kw: f(x, 2, 2, **kw)),
    **dict.fromkeys(("space_to_depth", "depth_to_space"), lambda f, x: f(x, 2)),
    "unfold": lambda f, x: f(x, 2),
    "fold": lambda f, x: f(x, (4, 4), 2),
}
LAYERS = {
    **dict.fromkeys("ReLU LeakyReLU ELU PReLU Softmax UnitNormalization".split(), (4, 6)),
    **dict.fromkeys("LayerNormalization RMSNormalization BatchNormalization".split(), (4, 6)),
    "GroupNormalization": IMAGE,
    **dict.fromkeys("AveragePooling2D MaxPooling2D GlobalAveragePooling2D".split(), IMAGE),
    **dict.fromkeys("GlobalAveragePooling1D GlobalMaxPooling1D".split(), (2, 5, 3)),
    **dict.fromkeys("Dense EinsumDense Conv2D Conv2DTranspose DepthwiseConv2D".split(), IMAGE),
    **dict.fromkeys("SeparableConv2D UpSampling2D ZeroPadding2D".split(), IMAGE),
}
OPTIONS = {
    "ReLU": {"negative_slope": 0.25, "threshold": 1.5, "max_value": 200.5},
    "GroupNormalization": {"groups": 1},
    "Dense": {"units": 2},
    "AveragePooling2D": {"pool_size": 2},
    "EinsumDense": {"equation": "...a,ab->...b", "output_shape": 2},
    **dict.fromkeys(("Conv2D", "Conv2DTranspose", "SeparableConv2D"), {"filters": 2}),
}
# Functions of class indices have no float argument.
OF_INDICES = {"multi_hot", "one_hot"}
CASES = [(f"ops.{name}", getattr(nn, name), {}) for name in nn.__all__ if name not in OF_INDICES]
CASES += [
    (f"activations.{name}", getattr(activations, name), {})
    for name in activations.__all__
    if name not in ("get", "serialize", "deserialize")
]
CASES += [
    ("activations.relu", activations.relu, {"negative_slope": 0.25, "threshold": 1.5}),
    ("activations.relu", activations.relu, {"max_value": 2.5}),
    ("ops.layer_normalization", ops.layer_normalization, {"rms_scaling": True}),
    ("ops.normalize", ops.normalize, {"order": 3}),
    ("ops.binary_crossentropy", ops.binary_crossentropy, {"from_logits": True}),
    ("ops.categorical_crossentropy", ops.categorical_crossentropy, {"from_logits": True}),
    ("ops.average_pool", ops.average_pool, {"padding": "same"}),
]
SLOW = [
    pytest.param(dtype, marks=pytest.mark.slow) for dtype in ("bool", "int8", "int32", "uint32")
]
DTYPES = ["uint8", *SLOW]


def _numbers(dtype: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    low, high = {"bool": (0, 2), "int8": (-128, 128), "uint8": (0, 256), "uint32": (0, 300)}.get(
        dtype, (-300, 300)
    )
    return np.random.default_rng(seed).integers(low, high, shape).astype(dtype)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("name", "function", "kwargs"), CASES, ids=[name + "".join(kw) for name, _, kw in CASES]
)
def test_integers_are_as_floats(name, function, kwargs, dtype):
    name = name.partition(".")[2]
    shapes = SHAPES.get(name, [(4, 6)])
    given = [_numbers(dtype, shape, i) for i, shape in enumerate(shapes)]
    call = CALLS.get(name, lambda f, *a, **kw: f(*a, **kw))
    expected = call(function, *(x.astype("float32") for x in given), **kwargs)
    try:
        found = call(function, *given, **kwargs)
    except (TypeError, ValueError):
        return
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(
            np.asarray(a, np.result_type(b)), np.asarray(b), rtol=2e-5, atol=2e-5
        )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LAYERS)
def test_layers_of_integers_are_as_of_floats(name, dtype):
    options = dict(OPTIONS.get(name, {}))
    if "Conv" in name:
        options["kernel_size"] = 2
    x = _numbers(dtype, LAYERS[name], 0)
    layer = getattr(layers, name)(**options)
    expected = layer(x.astype("float32"))
    try:
        found = layer(x)
    except (TypeError, ValueError):
        return
    np.testing.assert_allclose(np.asarray(found, "float32"), expected, rtol=2e-5, atol=2e-4)
    if name in ("Softmax", "GlobalAveragePooling1D"):
        mask = _numbers("bool", x.shape if name == "Softmax" else x.shape[:2], 1)
        mask[:, 0] = True
        masked = [layer(array, mask=mask) for array in (x, x.astype("float32"))]
        np.testing.assert_allclose(*masked, rtol=2e-5, atol=2e-5)
