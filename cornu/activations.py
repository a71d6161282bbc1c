"""Activations: functions that layers apply to what they compute."""

from cornu.errors import suggest_names
from cornu.parts.activations import *  # noqa: F403
from cornu.parts.activations import __all__ as __all__

suggest_names(__name__, __all__)
