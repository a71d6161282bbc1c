"""`keras.backend` of Keras 2."""

from __future__ import annotations

from cornu.dialects.backend import make_functions

__all__ = ["FUNCTIONS"]

FUNCTIONS = make_functions("keras2")
