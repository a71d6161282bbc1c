"""Saving and loading of models and weights; files are validated before their contents are used."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from cornu.errors import suggest_names as _suggest_names
from cornu.late_names import import_late as _import_late
from cornu.registry import (
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from cornu.registry import custom_object_scope as CustomObjectScope
from cornu.registry import deserialize as deserialize_keras_object
from cornu.registry import serialize as serialize_keras_object

if _TYPE_CHECKING:
    from cornu.saving.file_editor import KerasFileEditor
    from cornu.saving.model_files import load_model, save_model
    from cornu.saving.weight_files import load_weights, save_weights

__all__ = [
    "CustomObjectScope",
    "KerasFileEditor",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_weights",
    "register_keras_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
]

_suggest_names(__name__, __all__)
_import_late(
    __name__,
    {
        "cornu.saving.file_editor": ("KerasFileEditor",),
        "cornu.saving.model_files": ("load_model", "save_model"),
        "cornu.saving.weight_files": ("load_weights", "save_weights"),
    },
)
