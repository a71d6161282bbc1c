"""The old address of functions that make datasets."""

from cornu.preprocessing import image, sequence
from cornu.utils.image_files import image_dataset_from_directory
from cornu.utils.text_files import text_dataset_from_directory
from cornu.utils.timeseries import timeseries_dataset_from_array

__all__ = [
    "image",
    "image_dataset_from_directory",
    "sequence",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
]
