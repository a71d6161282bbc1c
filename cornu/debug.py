"""Finding out what went wrong: where NaN comes from."""

from cornu.inspect.nan.batch_files import load_batch
from cornu.inspect.nan.find_nan import NanReport, find_nan

__all__ = ["NanReport", "find_nan", "load_batch"]
