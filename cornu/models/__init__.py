"""Models: Sequential, the Functional API, and subclasses of Model."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from cornu.errors import suggest_names as _suggest_names
from cornu.late_names import import_late as _import_late
from cornu.models.clone import clone_model
from cornu.models.edit import Editor, edit
from cornu.models.model import Model
from cornu.models.sequential import Sequential

if _TYPE_CHECKING:
    from cornu.layers.preprocessing.feature_space.feature_space import FeatureSpace
    from cornu.saving.model_files import load_model, save_model
    from cornu.saving.model_texts import model_from_json, model_from_yaml

__all__ = [
    "Editor",
    "FeatureSpace",
    "Model",
    "Sequential",
    "clone_model",
    "edit",
    "load_model",
    "model_from_json",
    "model_from_yaml",
    "save_model",
]

_suggest_names(__name__, __all__)
_import_late(
    __name__,
    {
        "cornu.layers.preprocessing.feature_space.feature_space": ("FeatureSpace",),
        "cornu.saving.model_files": ("load_model", "save_model"),
        "cornu.saving.model_texts": ("model_from_json", "model_from_yaml"),
    },
)
