"""Former module path of functions on images."""

from cornu.data.readers.images import array_to_img, img_to_array, load_img, save_img, smart_resize
from cornu.errors import suggest_names

__all__ = ["array_to_img", "img_to_array", "load_img", "save_img", "smart_resize"]

suggest_names(__name__, __all__)
