"""MNIST: handwritten digits with 28x28 pixels."""

from __future__ import annotations

import numpy as np

from cornu.datasets.files import DatasetPath, Split, fetch

__all__ = ["load_data"]


def load_data(path: DatasetPath = "mnist.npz") -> Split:
    """Loads MNIST: 60,000 images of handwritten digits for training, 10,000 for testing.

    Args:
        path: the file, relative to the folder `datasets` of the cache or absolute. If it is
            missing, it is downloaded and its hash is verified.

    Shapes: x `(60000, 28, 28)` and `(10000, 28, 28)`, values 0 (background) to 255; y `(60000,)`
        and `(10000,)`, the digit. All four arrays are uint8.

    Returns:
        `(x_train, y_train), (x_test, y_test)`

    Raises:
        OSError: the file is missing and cannot be downloaded.
        ValueError: the downloaded file does not have the expected hash.

    Example:

    >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
    >>> x_train = x_train[..., None].astype("float32") / 255  # doctest: +SKIP

    References:
        Y. LeCun, L. Bottou, Y. Bengio, P. Haffner (1998). Gradient-Based Learning Applied to
        Document Recognition. License: CC BY-SA 3.0.
    """
    with np.load(fetch("mnist.npz", path), allow_pickle=False) as arrays:
        train = arrays["x_train"], arrays["y_train"]
        return train, (arrays["x_test"], arrays["y_test"])
