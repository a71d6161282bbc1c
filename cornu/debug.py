"""Debugging: finds the layer in which NaN first appears."""

from cornu.errors import suggest_names
from cornu.inspect.nan.batch_files import load_batch
from cornu.inspect.nan.find_nan import find_nan
from cornu.inspect.nan.report import NanReport

__all__ = ["NanReport", "find_nan", "load_batch"]

suggest_names(__name__, __all__)
