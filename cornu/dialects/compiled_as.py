"""The arguments of `compile` as files of Keras 1 and 2 have them."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.legacy.keras1.objectives import function_name
from cornu.losses import Loss
from cornu.metrics import Metric

__all__ = ["describe_functions", "describe_metrics", "plain"]


def describe_functions(value: Any) -> Any:
    """Returns losses or metrics by their names, in any structure."""
    if isinstance(value, dict):
        return {name: describe_functions(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [describe_functions(one) for one in value]
    if value is None or isinstance(value, str):
        return value
    return value.name if isinstance(value, (Loss, Metric)) else function_name(value)


def describe_metrics(value: Any) -> Any:
    """Returns metrics by their names; a list for each output is one for all if they are equal."""
    found = describe_functions(value)
    is_nested = isinstance(found, list) and any(isinstance(one, list) for one in found)
    return found[0] if is_nested and all(one == found[0] for one in found) else found


def plain(value: Any) -> Any:
    """Returns numbers and arrays of NumPy as plain data."""
    return np.asarray(value).tolist()
