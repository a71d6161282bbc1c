"""Former module path of functions that read datasets."""

from cornu.data.readers.image_files import image_dataset_from_directory
from cornu.data.readers.text_files import text_dataset_from_directory
from cornu.data.readers.timeseries import timeseries_dataset_from_array
from cornu.errors import suggest_names as _suggest_names
from cornu.preprocessing import image, sequence

__all__ = [
    "image",
    "image_dataset_from_directory",
    "sequence",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
]

_suggest_names(__name__, __all__)
