"""The contents of `keras.preprocessing.image` of Keras 2, with the signatures of each version."""

from __future__ import annotations

from typing import Any

from cornu import utils
from cornu.dialects.old_signatures import with_signature
from cornu.dialects.preprocessing import image, image_iterators, image_transforms
from cornu.dialects.renaming import warn_about

__all__ = ["KERAS_1", "RANDOM", "make_image_module"]

_AXES = "row_axis=1, col_axis=2, channel_axis=0, fill_mode='nearest', cval=0.0"
RANDOM = {
    "random_rotation": f"x, rg, {_AXES}",
    "random_shift": f"x, wrg, hrg, {_AXES}",
    "random_shear": f"x, intensity, {_AXES}",
    "random_zoom": f"x, zoom_range, {_AXES}",
}
_AFFINE = "x, theta=0, tx=0, ty=0, shear=0, zx=1, zy=1"
_STATISTICS = (
    "self, featurewise_center=False, samplewise_center=False, "
    "featurewise_std_normalization=False, samplewise_std_normalization=False, zca_whitening=False"
)
_RANGES = (
    "shear_range=0.0, zoom_range=0.0, channel_shift_range=0.0, fill_mode='nearest', cval=0.0, "
    "horizontal_flip=False, vertical_flip=False, rescale=None, preprocessing_function=None"
)
_GENERATOR = (
    f"{_STATISTICS}, zca_epsilon=1e-06, rotation_range=0, width_shift_range=0.0, "
    f"height_shift_range=0.0, brightness_range=None, {_RANGES}, data_format=None, "
    "validation_split=0.0, dtype=None"
)
_SAVED = "seed=None, save_to_dir=None, save_prefix='', save_format"
_FILES = (
    "target_size=(256, 256), color_mode='rgb', classes=None, class_mode='categorical', "
    f"batch_size=32, shuffle=True, {_SAVED}='png'"
)
_TABLE = "self, dataframe, directory=None, x_col='filename', y_col='class'"

# Methods of ImageDataGenerator of Keras 1.
KERAS_1 = {
    "__init__": f"{_STATISTICS}, rotation_range=0.0, width_shift_range=0.0, "
    f"height_shift_range=0.0, {_RANGES}, dim_ordering='default'",
    "flow": f"self, X, y=None, batch_size=32, shuffle=True, {_SAVED}='jpeg'",
    "flow_from_directory": f"self, directory, {_FILES.replace('png', 'jpeg')}, follow_links=False",
}
# Methods of ImageDataGenerator, where they differ from its last version.
_METHODS_2_2 = {
    "__init__": _GENERATOR,
    "flow_from_directory": f"self, directory, {_FILES}, follow_links=False, subset=None, "
    "interpolation='nearest'",
    "flow_from_dataframe": f"{_TABLE}, has_ext=True, {_FILES}, subset=None, "
    "interpolation='nearest'",
}
_METHODS_2_3 = {
    "flow_from_directory": _METHODS_2_2["flow_from_directory"],
    "flow_from_dataframe": f"{_TABLE}, weight_col=None, {_FILES}, subset=None, "
    "interpolation='nearest', validate_filenames=True",
}
_FUNCTIONS_2_2 = {
    **RANDOM,
    "apply_affine_transform": f"{_AFFINE}, row_axis=0, col_axis=1, channel_axis=2, "
    "fill_mode='nearest', cval=0.0",
    "load_img": "path, grayscale=False, color_mode='rgb', target_size=None, "
    "interpolation='nearest'",
    "apply_brightness_shift": "x, brightness",
    "random_brightness": "x, brightness_range",
}
_FUNCTIONS_2_3 = {
    name: _FUNCTIONS_2_2[name]
    for name in ("load_img", "apply_brightness_shift", "random_brightness")
}
_FUNCTIONS_TENSORFLOW = {"apply_affine_transform": f"{_AFFINE}, {_AXES}, order=1"}


def load_img(
    path: Any,
    grayscale: bool = False,
    color_mode: Any = "rgb",
    target_size: Any = None,
    interpolation: Any = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """Loads an image file as an image of Pillow; see `cornu.utils.load_img`."""
    if grayscale:
        warn_about("load_img: grayscale=True is color_mode='grayscale' in later versions.")
        color_mode = "grayscale"
    return utils.load_img(path, color_mode, target_size, interpolation, keep_aspect_ratio)


def make_image_module(number: str) -> dict[str, Any]:
    """Returns the contents of `keras.preprocessing.image`.

    Args:
        number: the number of the version: "2.2.4", "2.3.1", or that of tf.keras.
    """
    found: dict[str, Any] = {
        name: getattr(module, name)
        for module in (image_iterators, image_transforms)
        for name in module.__all__
    }
    found |= {name: getattr(utils, name) for name in ("array_to_img", "img_to_array", "save_img")}
    found["load_img"] = load_img
    methods, functions = {
        "2.2.4": (_METHODS_2_2, _FUNCTIONS_2_2),
        "2.3.1": (_METHODS_2_3, _FUNCTIONS_2_3),
    }.get(number, (_METHODS_2_3, _FUNCTIONS_TENSORFLOW))
    found |= {name: with_signature(found[name], text) for name, text in functions.items()}
    base: type = image.ImageDataGenerator
    if number in ("2.2.4", "2.3.1"):
        made = {name: with_signature(vars(base)[name], text) for name, text in methods.items()}
        body = {**made, "__module__": base.__module__, "__doc__": base.__doc__}
        base = type(base.__name__, (base,), body)
    found["ImageDataGenerator"] = base
    return found
