"""CIFAR-100: color images of a hundred classes with 32x32 pixels."""

from __future__ import annotations

from typing import Literal

from cornu.datasets.cifar import load_batch, to_split
from cornu.datasets.files import Split, fetch
from cornu.errors import check_choice

__all__ = ["load_data"]


def load_data(label_mode: Literal["fine", "coarse"] = "fine") -> Split:
    """Loads CIFAR-100: 50,000 color images for training, 10,000 for testing.

    If the archive is missing, it is downloaded to the folder `datasets` of the cache, and its hash
    is verified.

    Args:
        label_mode: `"fine"` for the 100 classes, or `"coarse"` for the 20 groups of them.

    Shapes: x `(50000, 32, 32, 3)` and `(10000, 32, 32, 3)`, values 0 to 255, with the channels as
        axis 1 if `image_data_format()` is `"channels_first"`; y `(50000, 1)` and `(10000, 1)`, the
        class or group. All four arrays are uint8.

    Returns:
        `(x_train, y_train), (x_test, y_test)`

    Raises:
        OSError: the archive is missing and cannot be downloaded.
        ValueError: `label_mode` is another value, the archive does not have the expected hash, or
            an extracted file is damaged.

    Example:

    >>> (x_train, y_train), (x_test, y_test) = load_data("coarse")  # doctest: +SKIP
    >>> x_train = x_train.astype("float32") / 255  # doctest: +SKIP

    References:
        A. Krizhevsky (2009). Learning Multiple Layers of Features from Tiny Images.

    Fixes: labels are uint8, as Keras documents; Keras 3.15 returns int64.
    """
    check_choice("cifar100.load_data", "label_mode", label_mode, ("fine", "coarse"))
    folder = fetch("cifar-100-python.tar.gz", "cifar-100-python-target", extract=True)
    folder, key = folder / "cifar-100-python", f"{label_mode}_labels"
    return to_split(
        *load_batch(folder / "train", 50_000, key), *load_batch(folder / "test", 10_000, key)
    )
