"""Random transformations of images, which are compared with Keras 1.2.2, 2.2.4 and 2.3.1."""

import numpy as np

VERSIONS = ("1.2.2", "2.2.4", "2.3.1")
_IMAGE = np.random.RandomState(0).uniform(0, 255, (6, 5, 3)).astype("float32")
_FUNCTIONS = {
    "random_rotation": (40,),
    "random_shift": (0.3, 0.2),
    "random_shear": (0.4,),
    "random_zoom": ((0.6, 1.5),),
}
_OPTIONS = {
    "rotation_range": 40,
    "width_shift_range": 0.2,
    "height_shift_range": 0.3,
    "shear_range": 0.3,
    "zoom_range": 0.4,
    "channel_shift_range": 20.0,
    "horizontal_flip": True,
    "vertical_flip": True,
}


def run(image, version):
    """Returns images by case.

    Args:
        image: the module `keras.preprocessing.image`.
        version: its version.
    """
    order = {"dim_ordering": "tf"} if version == "1.2.2" else {"data_format": "channels_last"}
    axes = {"row_axis": 0, "col_axis": 1, "channel_axis": 2}
    found = {}
    for name, arguments in _FUNCTIONS.items():
        np.random.seed(3)
        found[name] = getattr(image, name)(_IMAGE, *arguments, **axes)
    np.random.seed(3)
    found["random_channel_shift"] = image.random_channel_shift(_IMAGE, 30.0, 2)
    for name, options in (("all", _OPTIONS), ("flips", {"horizontal_flip": True})):
        np.random.seed(3)
        generator = image.ImageDataGenerator(**options, **order)
        found[name] = np.stack([generator.random_transform(_IMAGE) for _ in range(3)])
    batch = np.stack([_IMAGE * (i + 1) / 8 for i in range(5)])
    scaled = {"featurewise_center": True, "featurewise_std_normalization": True}
    generator = image.ImageDataGenerator(rotation_range=20, **scaled, **order)
    generator.fit(batch)
    batches = generator.flow(batch, np.arange(5), batch_size=2, seed=7)
    found["flow"] = np.concatenate([next(batches)[0] for _ in range(4)])
    return found
