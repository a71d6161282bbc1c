"""Constraints: what weights are made to satisfy after each training step."""

from cornu.errors import suggest_names
from cornu.parts.constraints import *  # noqa: F403
from cornu.parts.constraints import __all__ as __all__

suggest_names(__name__, __all__)
