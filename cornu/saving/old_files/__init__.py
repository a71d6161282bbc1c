"""Files of Keras 1, Keras 2 and tf.keras, and the `.h5` files of Keras 3.

The modules and the tables of old versions in `cornu.legacy` are imported by the first such file.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from cornu.errors import suggest_names as _suggest_names
from cornu.late_names import import_late as _import_late

if _TYPE_CHECKING:
    from cornu.saving.old_files.models import create_model_of_json, load_hdf5_model
    from cornu.saving.old_files.weights import load_layer_weights
    from cornu.saving.old_files.writer import write_hdf5_model

__all__ = ["create_model_of_json", "load_hdf5_model", "load_layer_weights", "write_hdf5_model"]

_suggest_names(__name__, __all__)
_import_late(
    __name__,
    {
        "cornu.saving.old_files.models": ("create_model_of_json", "load_hdf5_model"),
        "cornu.saving.old_files.weights": ("load_layer_weights",),
        "cornu.saving.old_files.writer": ("write_hdf5_model",),
    },
)
