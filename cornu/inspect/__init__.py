"""Looking at models."""

from cornu.inspect.outline import outline
from cornu.inspect.summary import summary

__all__ = ["outline", "summary"]
