"""Ops, and the values of arguments that the table in tests/ops/cases.py does not vary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

RNG = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype("float32")


X, IMAGES = normal(3, 4), RNG.uniform(0, 1, (2, 6, 8, 4)).astype("float32")
NAN = np.array([[np.nan, 1, np.inf], [-np.inf, 2, np.nan]], "float32")
SHARES = (lambda x: (x / x.sum(-1, keepdims=True)).astype("float32"))(RNG.uniform(0.1, 1, (3, 4)))
ONE_HOT = np.eye(4, dtype="float32")[[0, 2, 3]]
KERNEL, DEPTHWISE = normal(2, 3, 4, 4), normal(2, 3, 4, 1)
COUNTS = np.array([0, 2, 1, 3])
INTS = np.array([[0, 2, 1], [3, 0, 2]])
FORMATS = (None, "channels_first")
PADDING = ("valid", "same")

# Name -> arguments, and the values of options.
ROWS: dict[str, tuple[tuple[Any, ...], Mapping[str, Sequence[Any]]]] = {
    **{
        name: ((X,), {})
        for name in (
            "relu relu6 selu sigmoid silu hard_sigmoid hard_silu hard_tanh log_sigmoid softplus "
            "softsign sparse_plus sparse_sigmoid tanh_shrink"
        ).split()
    },
    **{f"nn.{name}": ((X,), {}) for name in ("swish", "hard_swish")},
    "celu": ((X,), {"alpha": (1.0, 0.5)}),
    "elu": ((X,), {"alpha": (1.0, 0.5)}),
    "gelu": ((X,), {"approximate": (True, False)}),
    "glu": ((X,), {"axis": (-1,)}),
    "hard_shrink": ((X,), {"threshold": (0.5, 0.2)}),
    "soft_shrink": ((X,), {"threshold": (0.5, 0.2)}),
    "leaky_relu": ((X,), {"negative_slope": (0.2, 0.5)}),
    "squareplus": ((X,), {"b": (4, 2)}),
    "threshold": ((X, 0.2, -1.0), {}),
    "softmax": ((X,), {"axis": (-1, 0, (0, 1))}),
    "log_softmax": ((X,), {"axis": (-1, 0, (0, 1))}),
    "normalize": ((X,), {"axis": (-1, 0), "order": (2, 1, 3), "epsilon": (None, 1e-2)}),
    "moments": ((X,), {"axes": ((0,), (0, 1)), "keepdims": (False, True)}),
    "layer_normalization": (
        (normal(2, 3, 4),),
        {
            "gamma": (None, normal(4)),
            "beta": (None, normal(4)),
            "axis": (-1,),
            "epsilon": (None, 0.1),
        },
    ),
    "rms_normalization": (
        (normal(2, 3, 4),),
        {"scale": (1, normal(4)), "axis": (-1,), "epsilon": (None, 0.1)},
    ),
    "batch_normalization": (
        (normal(5, 4), normal(4), np.abs(normal(4)), -1),
        {"offset": (None, normal(4)), "scale": (None, normal(4)), "epsilon": (1e-3, 0.1)},
    ),
    "one_hot": ((INTS, 4), {"axis": (-1, 0, 1), "dtype": (None, "int32", "float16")}),
    "multi_hot": ((INTS, 4), {"axis": (-1,), "dtype": (None, "int32", "float16")}),
    "binary_crossentropy": ((np.round(SHARES), SHARES), {"from_logits": (False, True)}),
    "categorical_crossentropy": (
        (ONE_HOT, SHARES),
        {"from_logits": (False, True), "axis": (-1,)},
    ),
    "sparse_categorical_crossentropy": (
        (np.array([0, 2, 3]), SHARES),
        {"from_logits": (False, True), "axis": (-1,)},
    ),
    **{
        name: (
            (IMAGES, (2, 3)),
            {"strides": (None, 1, 2), "padding": PADDING, "data_format": FORMATS},
        )
        for name in ("max_pool", "average_pool")
    },
    **{
        name: ((IMAGES, (3, 2)), {"data_format": FORMATS})
        for name in ("adaptive_average_pool", "adaptive_max_pool")
    },
    "conv": (
        (IMAGES, KERNEL),
        {
            "strides": (1, 2),
            "padding": PADDING,
            "data_format": FORMATS,
            "dilation_rate": (1, (1, 2)),
        },
    ),
    "conv_transpose": (
        (IMAGES, KERNEL),
        {
            "strides": (1, 2, (2, 1)),
            "padding": PADDING,
            "output_padding": (None, 0),
            "data_format": FORMATS,
            "dilation_rate": (1, 2),
        },
    ),
    "depthwise_conv": (
        (IMAGES, DEPTHWISE),
        {
            "strides": (1, 2),
            "padding": PADDING,
            "data_format": FORMATS,
            "dilation_rate": (1, 2),
        },
    ),
    "separable_conv": (
        (IMAGES, DEPTHWISE, normal(1, 1, 4, 3)),
        {
            "strides": (1, 2),
            "padding": PADDING,
            "data_format": FORMATS,
            "dilation_rate": (1, 2),
        },
    ),
    "depth_to_space": ((IMAGES, 2), {"data_format": FORMATS}),
    "space_to_depth": ((IMAGES, 2), {"data_format": FORMATS}),
    "unfold": (
        (np.moveaxis(IMAGES, -1, 1), (2, 3)),
        {"dilation": (1, 2), "padding": (0, 1), "stride": (1, 2)},
    ),
    "fold": (
        (normal(2, 24, 12), (5, 5), (2, 2)),
        {"dilation": (1,), "padding": (0,), "stride": (1,)},
    ),
    "dot_product_attention": (
        (normal(2, 4, 2, 3), normal(2, 5, 2, 3), normal(2, 5, 2, 3)),
        {
            "bias": (None, normal(2, 2, 4, 5)),
            "mask": (None, RNG.uniform(size=(2, 2, 4, 5)) > 0.3),
            "scale": (None, 0.3),
            "is_causal": (False, True),
            "flash_attention": (False,),
            "attn_logits_soft_cap": (None, 2.0),
        },
    ),
    "ctc_loss": (
        (np.array([[1, 2, 1], [2, 3, 0]]), normal(2, 7, 4), np.array([3, 2]), np.array([7, 6])),
        {"mask_index": (0,)},
    ),
    "ctc_decode": (
        (normal(2, 7, 4), np.array([7, 5])),
        {
            "strategy": ("greedy", "beam_search"),
            "beam_width": (100, 3),
            "top_paths": (1,),
            "merge_repeated": (True, False),
            "mask_index": (0, 3),
        },
    ),
    "allclose": (
        (X, X + 1e-3),
        {"rtol": (1e-5, 1e-1), "atol": (1e-8, 1e-2), "equal_nan": (False, True)},
    ),
    "isclose": (
        (NAN, NAN),
        {"rtol": (1e-5, 1e-1), "atol": (1e-8, 1e-2), "equal_nan": (False, True)},
    ),
    "nan_to_num": (
        (NAN,),
        {"nan": (0.0, 5.0), "posinf": (None, 7.0), "neginf": (None, -7.0)},
    ),
    "cross": ((normal(2, 3), normal(2, 3)), {"axis": (None, 1)}),
    "cumprod": ((X,), {"axis": (None, 0), "dtype": (None, "float16")}),
    "nancumsum": ((NAN,), {"axis": (None, 0), "dtype": (None, "float16")}),
    "nancumprod": ((NAN,), {"axis": (None, 0), "dtype": (None, "float16")}),
    "empty_like": ((X,), {"dtype": (None, "int32")}),
    "full_like": ((X, 2), {"dtype": (None, "int32")}),
    "empty": (((2, 3),), {"dtype": (None, "int32")}),
    "unique": ((INTS,), {"axis": (None, 0, 1)}),
    "identity": ((3,), {"dtype": (None, "int32", "float16")}),
    "diagflat": ((normal(3),), {"k": (0, 1, -1)}),
    "linspace": (
        (0.0, 1.0),
        {"num": (50, 3), "endpoint": (True, False), "dtype": (None, "float16"), "axis": (0,)},
    ),
    "logspace": (
        (0.0, 1.0),
        {
            "num": (50, 3),
            "endpoint": (True, False),
            "base": (10, 2.0),
            "dtype": (None, "float16"),
            "axis": (0,),
        },
    ),
    "geomspace": (
        (1.0, 8.0),
        {"num": (50, 4), "endpoint": (True, False), "dtype": (None, "float16"), "axis": (0,)},
    ),
    "isin": ((INTS, [0, 3]), {"assume_unique": (False, True), "invert": (False, True)}),
    **{
        name: (
            (X, 30.0 if "percentile" in name else 0.3),
            {
                "axis": (None, 0),
                "method": ("linear", "lower", "higher", "midpoint", "nearest"),
                "keepdims": (False, True),
            },
        )
        for name in ("percentile", "nanpercentile", "quantile", "nanquantile")
    },
    "pinv": ((normal(3, 4),), {"rcond": (None, 1e-2)}),
    "lstsq": ((normal(4, 3), normal(4, 2)), {"rcond": (None, 1e-2)}),
    "matrix_rank": ((normal(3, 3),), {"tol": (None, 0.5)}),
    "cholesky_inverse": ((np.eye(3, dtype="float32") + 0.1,), {"upper": (False, True)}),
    "polar": ((np.abs(X), X), {}),
    "psnr": ((SHARES, SHARES + 0.1), {"max_val": (1, 2.0)}),
    "top_k": ((X, 2), {"sorted": (True,)}),
    "unstack": ((X,), {"num": (None, 3), "axis": (0,)}),
    **{
        f"segment_{name}": (
            (normal(5), np.array([0, 0, 1, 2, 2])),
            {"num_segments": (None, 4), "sorted": (False, True)},
        )
        for name in ("sum", "max", "min", "prod")
    },
    "argpartition": ((X, 1), {"axis": (-1, 0)}),
    "image.affine_transform": (
        (IMAGES, np.array([[1, 0.1, 0, 0, 1, 0.2, 0, 0]] * 2, "float32")),
        {
            "interpolation": ("bilinear", "nearest"),
            "fill_mode": ("constant", "reflect", "wrap", "nearest", "mirror"),
            "fill_value": (0, 2.0),
            "data_format": FORMATS,
        },
    ),
    "image.perspective_transform": (
        (
            IMAGES,
            np.array([[[0, 0], [7, 0], [0, 5], [7, 5]]] * 2, "float32"),
            np.array([[[0, 1], [6, 0], [1, 5], [7, 4]]] * 2, "float32"),
        ),
        {"interpolation": ("bilinear", "nearest"), "fill_value": (0, 2.0), "data_format": FORMATS},
    ),
    "image.resize": (
        (IMAGES, (4, 5)),
        {
            "interpolation": ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"),
            "antialias": (False, True),
            "crop_to_aspect_ratio": (False,),
            "pad_to_aspect_ratio": (False, True),
            "fill_mode": ("constant",),
            "fill_value": (0.0, 2.0),
            "data_format": FORMATS,
        },
    ),
    "image.crop_images": (
        (IMAGES, 1, 2, None, None, 3, 4),
        {"data_format": FORMATS},
    ),
    "image.pad_images": ((IMAGES, 1, 2, 0, 1), {"data_format": FORMATS}),
    "image.extract_patches": (
        (IMAGES, (2, 3)),
        {
            "strides": (None, 1, 2),
            "dilation_rate": (1,),
            "padding": PADDING,
            "data_format": FORMATS,
        },
    ),
    "image.extract_patches_3d": (
        (normal(1, 4, 4, 4, 2), (2, 2, 2)),
        {
            "strides": (None, 1),
            "dilation_rate": (1,),
            "padding": PADDING,
            "data_format": FORMATS,
        },
    ),
    "image.map_coordinates": (
        (X, [np.array([0.3, 1.2, 5.0], "float32"), np.array([0.1, 2.5, 1.0], "float32")], 1),
        {
            "fill_mode": ("constant", "nearest", "wrap", "mirror", "reflect"),
            "fill_value": (0.0, 2.0),
        },
    ),
    "image.scale_and_translate": (
        (
            IMAGES,
            (2, 8, 9, 4),
            np.array([1.5, 1.2], "float32"),
            np.array([0.5, -0.5], "float32"),
            (1, 2),
            "linear",
        ),
        {"antialias": (True, False)},
    ),
    "image.ssim": (
        (RNG.uniform(0, 1, (2, 14, 14, 2)).astype("float32"),) * 2,
        {
            "max_val": (1, 2.0),
            "filter_sigma": (1.5, 1.0),
            "k1": (0.01, 0.1),
            "k2": (0.03, 0.1),
            "data_format": (None,),
        },
    ),
    "istft": (
        ((normal(2, 6, 9), normal(2, 6, 9)), 16, 8, 16),
        {"window": ("hann", "hamming", None), "center": (True, False)},
    ),
}
