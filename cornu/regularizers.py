"""Regularizers: penalties on weights that are added to the loss."""

from cornu.parts.regularizers import *  # noqa: F403
from cornu.parts.regularizers import __all__ as __all__
