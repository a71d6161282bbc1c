"""Fashion-MNIST: pictures of clothes with 28x28 pixels."""

from __future__ import annotations

import gzip
import math

import numpy as np

from cornu.datasets.files import Split, fetch

__all__ = ["load_data"]

_FOLDER = "datasets/fashion-mnist"
_BYTES = 8  # the IDX format's code of uint8


def load_data() -> Split:
    """Loads Fashion-MNIST: 60,000 pictures of clothes for training, 10,000 for testing.

    The classes 0 to 9 are T-shirt/top, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag
    and ankle boot. Missing files are downloaded to the folder `datasets/fashion-mnist` of the
    cache.

    Shapes: x `(60000, 28, 28)` and `(10000, 28, 28)`, values 0 (background) to 255; y `(60000,)`
        and `(10000,)`, the class. All four arrays are uint8.

    Returns:
        `(x_train, y_train), (x_test, y_test)`

    Raises:
        OSError: a file is missing and cannot be downloaded.
        ValueError: a file is damaged.

    Example:

    >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
    >>> x_train = x_train[..., None].astype("float32") / 255  # doctest: +SKIP

    References:
        H. Xiao, K. Rasul, R. Vollgraf (2017). Fashion-MNIST: a Novel Image Dataset for Benchmarking
        Machine Learning Algorithms. https://arxiv.org/abs/1708.07747. License: MIT.

    Extensions: a damaged file is an error; Keras reads a file that is too short without one.
    """
    return _load_part("train", 60_000), _load_part("t10k", 10_000)


def _load_part(part: str, rows: int) -> tuple[np.ndarray, np.ndarray]:
    images = _read_idx(f"{part}-images-idx3-ubyte.gz", (rows, 28, 28))
    return images, _read_idx(f"{part}-labels-idx1-ubyte.gz", (rows,))


def _read_idx(file: str, shape: tuple[int, ...]) -> np.ndarray:
    """Reads a file in IDX format: type, number of axes and sizes, followed by the values."""
    path = fetch(file, folder=_FOLDER)
    header = np.array([_BYTES << 8 | len(shape), *shape], ">u4").tobytes()
    size = math.prod(shape)
    try:
        with gzip.open(path) as stream:
            # One byte more than expected shows a file that is too long without reading all of it.
            content = stream.read(len(header) + size + 1)
    except EOFError as error:
        raise _damaged(str(path), shape) from error
    if content[: len(header)] != header or len(content) != len(header) + size:
        raise _damaged(str(path), shape)
    # The array of a `bytearray` can be changed, that of `bytes` cannot.
    return np.frombuffer(bytearray(content), np.uint8, offset=len(header)).reshape(shape)


def _damaged(path: str, shape: tuple[int, ...]) -> ValueError:
    return ValueError(
        f"{path!r} is not the expected file of Fashion-MNIST, with bytes of shape {shape}.\n"
        "Delete it to download it again."
    )
