"""Boston Housing: prices of houses in the suburbs of Boston in the 1970s."""

from __future__ import annotations

from cornu.datasets.files import DatasetPath, Split, load_arrays, split_rows

__all__ = ["load_data"]


def load_data(
    path: DatasetPath = "boston_housing.npz", test_split: float = 0.2, seed: int = 113
) -> Split:
    """Loads 506 districts with 13 features each, and their median house prices in 1000 dollars.

    One feature, "B", encodes the share of Black residents and assumes that segregation influences
    prices. Use `california_housing` unless the subject is this fault of the dataset.

    Args:
        path: the file, relative to the folder `datasets` of the cache or absolute. If it is
            missing, it is downloaded and its hash is verified.
        test_split: the share of rows for testing, in [0, 1).
        seed: the seed of the order of the rows.

    Shapes: x `(404, 13)` and `(102, 13)`, y `(404,)` and `(102,)` with the default arguments. All
        four arrays are float64.

    Returns:
        `(x_train, y_train), (x_test, y_test)`

    Raises:
        OSError: the file is missing and cannot be downloaded.
        ValueError: the downloaded file does not have the expected hash, or `test_split` is out of
            range.

    Example:

    >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
    """
    return split_rows(*load_arrays("boston_housing.npz", path), test_split, seed)
