"""Constraints: what weights are made to satisfy after each training step."""

from cornu.parts.constraints import *  # noqa: F403
from cornu.parts.constraints import __all__ as __all__
