"""Looking at models."""

from cornu.inspect.find import find, find_one
from cornu.inspect.outline import outline
from cornu.inspect.statistics import Statistics, statistics
from cornu.inspect.summary import summary

__all__ = ["Statistics", "find", "find_one", "outline", "statistics", "summary"]
