"""Models for other programs: StableHLO, ONNX, SavedModel and weights of torch; and back."""

from cornu.errors import suggest_names as _suggest_names
from cornu.export.export_model import load
from cornu.export.exported_model import ExportedModel

__all__ = ["ExportedModel", "load"]

_suggest_names(__name__, __all__)
