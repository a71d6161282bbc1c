"""Small datasets that are part of the package, so that examples run offline."""

from cornu.datasets import digits

__all__ = ["digits"]
