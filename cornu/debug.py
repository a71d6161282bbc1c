"""Finding out what went wrong: where NaN comes from."""

from cornu.inspect.nan import NanReport, find_nan, load_batch

__all__ = ["NanReport", "find_nan", "load_batch"]
