"""Preprocessing layers, and the values of their arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.conformance.arguments.layer_arguments import (
    LayerArguments,
    images,
    indices,
)

_IMAGE: dict[str, Any] = {"shape": images, "training": True, "modes": ("eager", "compiled")}
_HALF = 0.3, 0.3  # a range of one number leaves nothing to chance

LAYERS = [
    LayerArguments("Rescaling", {"scale": 0.5}, values={"offset": (0.0, 1.0)}),
    LayerArguments(
        "Normalization",
        {"mean": [1.0, 2.0, 0.0, 1.0], "variance": [1.0, 4.0, 1.0, 2.0]},
        values={"axis": (-1,), "invert": (False, True)},
        left_out={"axis": "with adapt(): tests/layers/preprocessing/test_normalization.py"},
    ),
    LayerArguments(
        "CategoryEncoding",
        {"num_tokens": 5},
        indices(2, 4),
        {"output_mode": ("multi_hot", "count", "one_hot")},
        modes=("eager", "compiled", "symbolic"),
    ),
    LayerArguments(
        "Discretization",
        {"bin_boundaries": [-0.5, 0.5]},
        values={"num_bins": (None,), "output_mode": ("int", "one_hot", "multi_hot", "count")},
        modes=("eager", "compiled", "symbolic"),
        left_out={"num_bins": "instead of boundaries", "epsilon": "of adapt()"},
    ),
    LayerArguments(
        "Hashing",
        {"num_bins": 5},
        indices(2, 4),
        {
            "mask_value": (None, 2),
            "salt": (None, 7, [5, 6]),
            "output_mode": ("int", "one_hot", "multi_hot", "count"),
        },
        modes=("eager", "compiled", "symbolic"),
    ),
    LayerArguments(
        "HashedCrossing",
        {"num_bins": 5},
        lambda _: ([np.array([[1], [4], [3]]), np.array([[2], [2], [9]])],),
        {"output_mode": ("int", "one_hot")},
        modes=("eager", "compiled", "symbolic"),
    ),
    LayerArguments(
        "IntegerLookup",
        {"vocabulary": [7, 3, 5]},
        lambda _: (np.array([[7, 0, 3], [5, 9, 7]]),),
        {
            "max_tokens": (None, 9),
            "num_oov_indices": (1, 2, 0),
            "mask_token": (None, 0),
            "oov_token": (-1, -2),
            "invert": (False, True),
            "output_mode": ("int", "multi_hot", "count", "one_hot"),
            "pad_to_max_tokens": (False, True),
            "oov_method": ("floormod", "farmhash"),
            "salt": (None, 3),
        },
        modes=("eager",),
        left_out={"vocabulary_dtype": "int64 only", "idf_weights": "of tf_idf: rows/preprocess.py"},
    ),
    LayerArguments(
        "StringLookup",
        {"vocabulary": ["a", "b", "c"]},
        lambda _: (np.array([["a", "z", "b"], ["c", "y", "a"]]),),
        {
            "max_tokens": (None, 9),
            "num_oov_indices": (1, 2),
            "mask_token": (None, "z"),
            "oov_token": ("[UNK]", "?"),
            "output_mode": ("int", "multi_hot", "count"),
            "pad_to_max_tokens": (False, True),
            "encoding": ("utf-8",),
            "oov_method": ("farmhash", "floormod"),
            "salt": (None, 3),
        },
        modes=("eager",),
        dtypes=("float32",),
        left_out={
            "idf_weights": "of tf_idf: tests/layers/preprocessing/test_golden.py",
            "invert": "fails in Keras on JAX",
            "encoding": "Keras has only UTF-8",
        },
    ),
    LayerArguments(
        "TextVectorization",
        {"vocabulary": ["the", "cat", "sat", "the cat"]},
        lambda _: (np.array(["The cat, sat.", "a CAT"]),),
        {
            "max_tokens": (None, 9),
            "standardize": ("lower_and_strip_punctuation", None, "lower", "strip_punctuation"),
            "split": ("whitespace", "character"),
            "ngrams": (None, 2, (1,)),
            "output_mode": ("int", "multi_hot", "count"),
            "output_sequence_length": (None, 6),
            "pad_to_max_tokens": (False, True),
        },
        modes=("eager",),
        dtypes=("float32",),
        left_out={
            "idf_weights": "of tf_idf: tests/layers/preprocessing/test_golden.py",
            "encoding": "Keras has only UTF-8",
        },
    ),
    LayerArguments(
        "STFTSpectrogram",
        shape=(2, 64, 1),
        values={
            "mode": ("log", "magnitude", "real", "stft"),
            "frame_length": (16, 12),
            "frame_step": (8, None),
            "fft_length": (16, 32),
            "window": ("hann", None),
            "periodic": (False, True),
            "scaling": ("density", "spectrum", None),
            "expand_dims": (False, True),
        },
    ),
    LayerArguments(
        "MelSpectrogram",
        shape=(1, 128),
        values={
            "fft_length": (32, 64),
            "sequence_stride": (16, 8),
            "sequence_length": (None, 24),
            "window": ("hann", None),
            "sampling_rate": (16000, 8000),
            "num_mel_bins": (8, 5),
            "min_freq": (20.0, 100.0),
            "max_freq": (None, 3000.0),
            "power_to_db": (True, False),
            "top_db": (80.0, 20.0),
            "mag_exp": (2.0, 1.0),
            "min_power": (1e-10, 1e-3),
            "ref_power": (1.0, 0.5),
        },
        modes=("eager", "compiled", "symbolic"),
        dtypes=("float32",),
    ),
    LayerArguments(
        "Resizing",
        {"height": 4, "width": 9},
        images,
        {
            "interpolation": ("bilinear", "nearest", "bicubic", "lanczos3"),
            "crop_to_aspect_ratio": (False, True),
            "pad_to_aspect_ratio": (False, True),
            "fill_mode": ("constant",),
            "antialias": (False, True),
        },
        modes=("eager", "compiled"),
        left_out={"fill_mode": "has one value"},
    ),
    LayerArguments("CenterCrop", {"height": 3, "width": 4}, images, modes=("eager", "compiled")),
    LayerArguments("AutoContrast", values={"data_format": (None,)}, **_IMAGE),
    LayerArguments("RandomBrightness", {"factor": _HALF}, **_IMAGE),
    LayerArguments("RandomColorDegeneration", {"factor": _HALF}, **_IMAGE),
    LayerArguments("RandomContrast", {"factor": 0.3}, alike=True, **_IMAGE),
    LayerArguments("RandomHue", {"factor": _HALF}, alike=True, **_IMAGE),
    LayerArguments("RandomInvert", {"factor": (1.0, 1.0)}, **_IMAGE),
    LayerArguments("RandomPosterization", {"factor": (3, 3)}, **_IMAGE),
    LayerArguments("RandomSaturation", {"factor": _HALF}, **_IMAGE),
    LayerArguments("RandomSharpness", {"factor": _HALF}, **_IMAGE),
    LayerArguments("RandomGrayscale", {"factor": 1.0}, **_IMAGE),
    LayerArguments(
        "RandomGaussianBlur",
        {"factor": (1.0, 1.0)},
        values={"kernel_size": (3, (5, 3)), "sigma": ((0.7, 0.7), (1.2, 1.2))},
        **_IMAGE,
    ),
    LayerArguments("RandomRotation", {"factor": _HALF}, **_IMAGE),
    LayerArguments(
        "RandomTranslation", {"height_factor": _HALF, "width_factor": (-0.2, -0.2)}, **_IMAGE
    ),
    LayerArguments(
        "RandomZoom",
        {"height_factor": _HALF},
        values={"width_factor": (None, (-0.5, -0.5))},
        **_IMAGE,
    ),
    LayerArguments(
        "RandomColorJitter",
        values={
            "brightness_factor": (None, 0.3),
            "contrast_factor": (None, 0.3),
            "saturation_factor": (None, 0.3),
            "hue_factor": (None, 0.3),
        },
        alike=True,
        **_IMAGE,
    ),
    LayerArguments(
        "Solarization",
        values={"addition_factor": ((0.0, 0.0),), "threshold_factor": ((0.0, 0.0),)},
        left_out={"addition_factor": "test_formulas", "threshold_factor": "test_formulas"},
        **_IMAGE,
    ),
    LayerArguments("Equalization", values={"bins": (256, 64)}, alike=True, **_IMAGE),
    LayerArguments(
        "RandomFlip",
        values={"mode": ("horizontal_and_vertical", "horizontal", "vertical")},
        alike=True,
        **_IMAGE,
    ),
    LayerArguments("RandomCrop", {"height": 3, "width": 4}, alike=True, **_IMAGE),
    LayerArguments(
        "RandomErasing",
        {"factor": 0.9},
        values={"scale": ((0.02, 0.33), (0.5, 0.5)), "fill_value": (None, 3.0)},
        alike=True,
        **_IMAGE,
    ),
    LayerArguments(
        "RandomPerspective", {"factor": 0.9}, values={"scale": (0.3, 0.7)}, alike=True, **_IMAGE
    ),
    LayerArguments(
        "RandomShear",
        values={"x_factor": (0.0, 0.5), "y_factor": (0.0, 0.3)},
        alike=True,
        **_IMAGE,
    ),
    LayerArguments(
        "RandomElasticTransform",
        values={"factor": (1.0,), "scale": (1.0, (0.5, 0.5))},
        left_out={"factor": "test_elastic_transform"},
        alike=True,
        **_IMAGE,
    ),
    LayerArguments("CutMix", values={"factor": (1.0, 0.5)}, alike=True, **_IMAGE),
]
