"""Finding out what went wrong: where NaN comes from."""

from cornu.inspect.batches import load_batch
from cornu.inspect.nan import NanReport, find_nan

__all__ = ["NanReport", "find_nan", "load_batch"]
