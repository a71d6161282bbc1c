"""Files of Keras 1, Keras 2 and tf.keras, and the `.h5` files of Keras 3.

The package and the tables of old versions in `cornu.legacy` are imported by the first such file:
`registry.find_module("old_files")` returns it.
"""

from cornu.saving.old_files.models import create_model_of_json, load_hdf5_model
from cornu.saving.old_files.weights import load_layer_weights
from cornu.saving.old_files.writer import write_hdf5_model

__all__ = ["create_model_of_json", "load_hdf5_model", "load_layer_weights", "write_hdf5_model"]
