"""Small datasets that are part of the package, so that examples run offline."""

from cornu.datasets import digits
from cornu.errors import suggest_names as _suggest_names

__all__ = ["digits"]

_suggest_names(__name__, __all__)
