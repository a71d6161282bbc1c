"""Initializers: the values that Variables start with."""

from cornu.errors import suggest_names
from cornu.parts.initializers import *  # noqa: F403
from cornu.parts.initializers import __all__ as __all__

suggest_names(__name__, __all__)
