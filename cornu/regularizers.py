"""Regularizers: penalties on weights that are added to the loss."""

from cornu.errors import suggest_names
from cornu.parts.regularizers import *  # noqa: F403
from cornu.parts.regularizers import __all__ as __all__

suggest_names(__name__, __all__)
