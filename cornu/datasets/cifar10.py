"""CIFAR-10: color images of ten classes with 32x32 pixels."""

from __future__ import annotations

import numpy as np

from cornu.datasets.cifar import load_batch, to_split
from cornu.datasets.files import Split, fetch

__all__ = ["load_data"]


def load_data() -> Split:
    """Loads CIFAR-10: 50,000 color images for training, 10,000 for testing.

    The classes 0 to 9 are airplane, automobile, bird, cat, deer, dog, frog, horse, ship and truck.
    If the archive is missing, it is downloaded to the folder `datasets` of the cache, and its hash
    is verified.

    Shapes: x `(50000, 32, 32, 3)` and `(10000, 32, 32, 3)`, values 0 to 255, with the channels as
        axis 1 if `image_data_format()` is `"channels_first"`; y `(50000, 1)` and `(10000, 1)`, the
        class. All four arrays are uint8.

    Returns:
        `(x_train, y_train), (x_test, y_test)`

    Raises:
        OSError: the archive is missing and cannot be downloaded.
        ValueError: the archive does not have the expected hash, or an extracted file is damaged.

    Example:

    >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
    >>> x_train = x_train.astype("float32") / 255  # doctest: +SKIP

    References:
        A. Krizhevsky (2009). Learning Multiple Layers of Features from Tiny Images.
    """
    folder = fetch("cifar-10-python.tar.gz", "cifar-10-batches-py-target", extract=True)
    folder = folder / "cifar-10-batches-py"
    parts = [load_batch(folder / f"data_batch_{i}", 10_000, "labels") for i in range(1, 6)]
    x_train, y_train = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return to_split(x_train, y_train, *load_batch(folder / "test_batch", 10_000, "labels"))
