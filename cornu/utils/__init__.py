"""Small helpers around models and data."""

from cornu.callbacks.progbar import Progbar
from cornu.config import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from cornu.core.dtypes import standardize_dtype
from cornu.core.tensor import is_keras_tensor
from cornu.data.pydataset import PyDataset
from cornu.data.pydataset import PyDataset as Sequence
from cornu.inspect import model_to_dot, plot_model
from cornu.models.feature_space import FeatureSpace
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
from cornu.utils.arrays import normalize, pad_sequences, to_categorical
from cornu.utils.batches import pack_x_y_sample_weight, split_dataset, unpack_x_y_sample_weight
from cornu.utils.config import Config
from cornu.utils.graph import get_source_inputs
from cornu.utils.session import clear_session

__all__ = [
    "Config",
    "CustomObjectScope",
    "FeatureSpace",
    "Progbar",
    "PyDataset",
    "Sequence",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "get_source_inputs",
    "is_interactive_logging_enabled",
    "is_keras_tensor",
    "model_to_dot",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "serialize_keras_object",
    "set_random_seed",
    "split_dataset",
    "standardize_dtype",
    "to_categorical",
    "unpack_x_y_sample_weight",
]
