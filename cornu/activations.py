"""Activations: functions that layers apply to what they compute."""

from cornu.parts.activations import *  # noqa: F403
from cornu.parts.activations import __all__ as __all__
