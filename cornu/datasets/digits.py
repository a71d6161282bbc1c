"""Handwritten digits with 8x8 pixels.

Thirteen people wrote the digits 0 to 9 on a form, which was scanned to 32x32 black and white pixels
per digit. A pixel of the dataset is the number of black pixels in a block of 4x4, from 0 to 16.

The dataset consists of the 1797 images of the test set of the source, shuffled and split into 1437
for training and 360 for testing. The split is fixed. The same people wrote both parts, so the
accuracy does not predict the accuracy for other writers.

Source: E. Alpaydin, C. Kaynak (1998). Optical Recognition of Handwritten Digits. UCI Machine
Learning Repository, https://doi.org/10.24432/C50P49. License: CC BY 4.0. Taken from the
distribution of scikit-learn (BSD-3-Clause); see LICENSE-digits.md beside this file.
"""

from pathlib import Path

import numpy as np

__all__ = ["load_data"]

_FILE = Path(__file__).with_name("digits.npz")


def load_data() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Loads the digits as `(x_train, y_train), (x_test, y_test)`.

    Shapes: x `(1437, 8, 8)` and `(360, 8, 8)`, values 0 (white) to 16 (black); y `(1437,)` and
    `(360,)`, the digit. All four arrays are uint8.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()
        >>> x_train = x_train[..., None].astype("float32") / 16
        >>> x_train.shape
        (1437, 8, 8, 1)
    """
    with np.load(_FILE, allow_pickle=False) as arrays:
        train = arrays["x_train"], arrays["y_train"]
        test = arrays["x_test"], arrays["y_test"]
    return train, test
