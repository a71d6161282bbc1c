"""Rescaling: one value per channel in each image data format."""

import numpy as np
import pytest

import cornu
from cornu.layers import Rescaling

SCALE, OFFSET = [1.0, 2.0, 3.0], [0.0, 1.0, 2.0]


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_one_value_per_channel(data_format):
    before = cornu.config.image_data_format()
    cornu.config.set_image_data_format(data_format)
    try:
        layer = Rescaling(SCALE, OFFSET)
        axis = -1 if data_format == "channels_last" else -3
        for shape in ((2, 4, 5, 3), (4, 5, 3)):
            out = layer(np.moveaxis(np.ones(shape, "float32"), -1, axis))
            expected = np.broadcast_to(np.add(SCALE, OFFSET), shape)
            np.testing.assert_allclose(np.moveaxis(out, axis, -1), expected)
        np.testing.assert_allclose(layer(np.ones((2, 3), "float32"))[0], np.add(SCALE, OFFSET))
    finally:
        cornu.config.set_image_data_format(before)
