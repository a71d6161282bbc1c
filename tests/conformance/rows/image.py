"""Layers on images: sizes, and changes in training (tested in tests/layers/preprocessing)."""

from __future__ import annotations

from tests.conformance.table import LayerRow


def _images(*shape):
    return lambda rng: rng.uniform(0, 255, shape or (3, 6, 5, 3)).astype("float32")


# Called by themselves, layers that are random are so: that is Keras's default of `training`.
ALONE = {
    "symbolic": "changes images if called alone: tests/layers/preprocessing/test_image_base.py"
}
MIXED = {"mixed": "a value that bfloat16 rounds becomes another of the table"}
CROP = "outside of training Keras does not crop: tests/layers/preprocessing"


def _changing(name, make, skip=None):
    return LayerRow(
        name, make, _images(), random=True, rtol=1e-4, atol=1e-2, skip=ALONE | (skip or {})
    )


ROWS = [
    LayerRow("resizing", lambda k: k.layers.Resizing(4, 7), _images(), atol=1e-3),
    LayerRow(
        "resizing_crop",
        lambda k: k.layers.Resizing(4, 4, "bicubic", crop_to_aspect_ratio=True, antialias=True),
        _images(),
        atol=1e-3,
    ),
    LayerRow(
        "resizing_pad",
        lambda k: k.layers.Resizing(4, 7, "nearest", pad_to_aspect_ratio=True, fill_value=3.0),
        _images(),
    ),
    LayerRow(
        "resizing_first",
        lambda k: k.layers.Resizing(4, 7, data_format="channels_first"),
        _images(2, 3, 6, 5),
        atol=1e-3,
    ),
    LayerRow("center_crop", lambda k: k.layers.CenterCrop(3, 2), _images()),
    LayerRow("center_crop_larger", lambda k: k.layers.CenterCrop(8, 3), _images(), atol=1e-3),
    LayerRow(
        "center_crop_first",
        lambda k: k.layers.CenterCrop(3, 3, data_format="channels_first"),
        _images(2, 3, 6, 6),
    ),
    LayerRow("max_num_bounding_boxes", lambda k: k.layers.MaxNumBoundingBoxes(4), _images()),
    _changing(
        "random_crop",
        lambda k: k.layers.RandomCrop(3, 4, seed=1),
        skip={"keras": CROP, "gradient": CROP},
    ),
    _changing("random_flip", lambda k: k.layers.RandomFlip(seed=1)),
    _changing("random_rotation", lambda k: k.layers.RandomRotation(0.2)),
    _changing(
        "random_translation", lambda k: k.layers.RandomTranslation(0.2, (-0.1, 0.3), "constant")
    ),
    _changing("random_zoom", lambda k: k.layers.RandomZoom(0.2, interpolation="nearest")),
    _changing("random_shear", lambda k: k.layers.RandomShear(0.2, (0.1, 0.3))),
    _changing("random_perspective", lambda k: k.layers.RandomPerspective(0.5, 0.4)),
    _changing("random_elastic", lambda k: k.layers.RandomElasticTransform(0.5, 0.4)),
    _changing("random_brightness", lambda k: k.layers.RandomBrightness(0.2, seed=1)),
    _changing("random_contrast", lambda k: k.layers.RandomContrast((0.2, 0.4))),
    _changing("random_saturation", lambda k: k.layers.RandomSaturation((0.2, 0.6))),
    _changing("random_hue", lambda k: k.layers.RandomHue(0.2, (0, 255))),
    _changing("random_grayscale", lambda k: k.layers.RandomGrayscale(0.5)),
    _changing("random_color_degeneration", lambda k: k.layers.RandomColorDegeneration(0.2)),
    _changing("random_invert", lambda k: k.layers.RandomInvert(0.5)),
    _changing("random_posterization", lambda k: k.layers.RandomPosterization(4)),
    _changing("solarization", lambda k: k.layers.Solarization(0.2, 0.5)),
    _changing(
        "random_color_jitter",
        lambda k: k.layers.RandomColorJitter(
            brightness_factor=0.1, contrast_factor=0.2, saturation_factor=0.3, hue_factor=0.1
        ),
    ),
    _changing("random_sharpness", lambda k: k.layers.RandomSharpness(0.5)),
    _changing("random_gaussian_blur", lambda k: k.layers.RandomGaussianBlur(0.5, 5)),
    _changing("random_erasing", lambda k: k.layers.RandomErasing(0.5)),
    _changing("cut_mix", lambda k: k.layers.CutMix()),
    _changing("rand_augment", lambda k: k.layers.RandAugment(num_ops=1)),
    _changing("aug_mix", lambda k: k.layers.AugMix(num_chains=2, chain_depth=1)),
    _changing("equalization", lambda k: k.layers.Equalization(), skip=MIXED),
    LayerRow(
        "auto_contrast",
        lambda k: k.layers.AutoContrast(),
        lambda rng: rng.uniform(20, 99, (2, 6, 5, 3)).astype("float32"),
        rtol=1e-4,
        atol=1e-2,
        skip=MIXED,
    ),
    *(
        LayerRow(
            f"clahe_{name}",
            lambda k, kwargs=kwargs: k.layers.ContrastLimitedAdaptiveHistogramEqualization(
                **kwargs
            ),
            _images(2, *shape),
            rtol=1e-4,
            atol=1e-2,
            skip=MIXED,
        )
        for name, shape, kwargs in (
            ("grid", (16, 16, 3), {}),
            ("rest", (13, 11, 2), {"tile_grid_size": (3, 2), "clip_limit": 1.5}),
            ("range", (8, 8, 1), {"value_range": (-10, 300), "clip_limit": 0.0}),
            ("first", (3, 9, 8), {"data_format": "channels_first", "tile_grid_size": (2, 4)}),
        )
    ),
]
