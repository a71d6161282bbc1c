"""Small data sets that come with the library, so that examples run without a network."""

from cornu.datasets import digits

__all__ = ["digits"]
