"""Keras's data functions, which run on TensorFlow, as the reference of these tests."""

from __future__ import annotations

import os
import warnings

import numpy as np


def tensorflow():
    """Imports TensorFlow without its log messages and its NumPy deprecation warnings."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tensorflow as tf
    return tf


def arrays(dataset):
    """Returns all batches of a dataset of TensorFlow."""
    return list(dataset.as_numpy_iterator())


def made(function, *args, **kwargs):
    """Calls a function of Keras that imports TensorFlow."""
    tensorflow()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args, **kwargs)


def pictures(folder, names=("a", "b", "c"), count=5, size=(9, 7), ending="png"):
    """Writes a folder of images for each name, all different."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for name in names:
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            pixels = rng.integers(0, 256, (*size, 3)).astype("uint8")
            Image.fromarray(pixels).save(folder / name / f"{i}.{ending}")
    return folder
