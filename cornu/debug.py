"""Debugging: finds the layer in which NaN first appears."""

from cornu.inspect.nan.batch_files import load_batch
from cornu.inspect.nan.find_nan import NanReport, find_nan

__all__ = ["NanReport", "find_nan", "load_batch"]
