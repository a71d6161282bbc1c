"""Initializers: the values that Variables start with."""

from cornu.parts.initializers import *  # noqa: F403
from cornu.parts.initializers import __all__ as __all__
