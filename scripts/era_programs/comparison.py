"""The comparison of the records of two runs."""

import numpy as np

__all__ = ["difference"]


def difference(old: dict, new: dict) -> float:
    """Returns the largest difference of the losses of two records, relative where one exceeds 1."""
    a, b = (np.ravel(one["losses"]) for one in (old, new))
    if len(a) != len(b) or not len(a):
        return float("inf")
    return float(np.max(np.abs(a - b) / np.maximum(1, np.abs(a))))
