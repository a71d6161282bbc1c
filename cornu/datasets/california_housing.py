"""California Housing: median house prices of districts in the census of 1990."""

from __future__ import annotations

from typing import Literal

from cornu.datasets.files import DatasetPath, Split, load_arrays, split_rows
from cornu.errors import check_choice

__all__ = ["load_data"]

_SMALL = 600  # rows


def load_data(
    version: Literal["large", "small"] = "large",
    path: DatasetPath = "california_housing.npz",
    test_split: float = 0.2,
    seed: int = 113,
) -> Split:
    """Loads districts of California with 8 features each, and their median house prices in dollars.

    The features are the median income, the median age of the houses, the mean numbers of rooms and
    of bedrooms of a household, the population, the mean size of a household, and the latitude and
    longitude.

    Args:
        version: `"large"` for all 20,640 districts, or `"small"` for the first 600.
        path: the file, relative to the folder `datasets` of the cache or absolute. If it is
            missing, it is downloaded and its hash is verified.
        test_split: the share of rows for testing, in [0, 1).
        seed: the seed of the order of the rows.

    Shapes: x `(16512, 8)` and `(4128, 8)`, y `(16512,)` and `(4128,)` with the default arguments.
        All four arrays are floats.

    Returns:
        `(x_train, y_train), (x_test, y_test)`

    Raises:
        OSError: the file is missing and cannot be downloaded.
        ValueError: the downloaded file does not have the expected hash, or an argument is out of
            range.

    Example:

    >>> (x_train, y_train), (x_test, y_test) = load_data("small")  # doctest: +SKIP

    References:
        R. K. Pace, R. Barry (1997). Sparse Spatial Autoregressions.
    """
    check_choice("california_housing.load_data", "version", version, ("large", "small"))
    x, y = load_arrays("california_housing.npz", path)
    if version == "small":
        x, y = x[:_SMALL], y[:_SMALL]
    return split_rows(x, y, test_split, seed)
