"""Models: Sequential, the Functional API, and subclasses of Model."""

from cornu.models.clone import clone_model
from cornu.models.model import Model
from cornu.models.sequential import Sequential

__all__ = ["Model", "Sequential", "clone_model"]
