"""Looking at models."""

from cornu.inspect.summary import summary

__all__ = ["summary"]
