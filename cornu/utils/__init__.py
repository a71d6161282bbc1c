"""Utilities: data preparation, files, serialization, reproducibility."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from cornu.config import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from cornu.core.graph.tensor import is_keras_tensor
from cornu.data.packing import pack_x_y_sample_weight, unpack_x_y_sample_weight
from cornu.data.pydataset import PyDataset
from cornu.data.pydataset import PyDataset as Sequence
from cornu.data.readers.audio_files import audio_dataset_from_directory
from cornu.data.readers.image_files import image_dataset_from_directory
from cornu.data.readers.images import array_to_img, img_to_array, load_img, save_img
from cornu.data.readers.text_files import text_dataset_from_directory
from cornu.data.readers.timeseries import timeseries_dataset_from_array
from cornu.errors import suggest_names as _suggest_names
from cornu.late_names import import_late as _import_late
from cornu.process.determinism import enable_op_determinism
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
from cornu.seeds import set_random_seed
from cornu.terminal.progbar import Progbar
from cornu.utils import bounding_boxes, legacy
from cornu.utils.arrays import normalize, pad_sequences, to_categorical
from cornu.utils.batches import split_dataset
from cornu.utils.config import Config
from cornu.utils.downloads import get_file
from cornu.utils.dtypes import standardize_dtype
from cornu.utils.graph import get_source_inputs
from cornu.utils.session import clear_session

if _TYPE_CHECKING:
    from cornu.inspect.plot.plot_model import model_to_dot, plot_model
    from cornu.layers.preprocessing.feature_space.feature_space import FeatureSpace

__all__ = [
    "Config",
    "CustomObjectScope",
    "FeatureSpace",
    "Progbar",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "audio_dataset_from_directory",
    "bounding_boxes",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "enable_op_determinism",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "get_source_inputs",
    "image_dataset_from_directory",
    "img_to_array",
    "is_interactive_logging_enabled",
    "is_keras_tensor",
    "legacy",
    "load_img",
    "model_to_dot",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "save_img",
    "serialize_keras_object",
    "set_random_seed",
    "split_dataset",
    "standardize_dtype",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
    "to_categorical",
    "unpack_x_y_sample_weight",
]

_suggest_names(__name__, __all__)
_import_late(
    __name__,
    {
        "cornu.inspect.plot.plot_model": ("model_to_dot", "plot_model"),
        "cornu.layers.preprocessing.feature_space.feature_space": ("FeatureSpace",),
    },
)
