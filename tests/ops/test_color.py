"""Conversions of colors within larger programs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cornu import ops
from tests.compiling import QUICK_OPTIONS

IMAGES = np.random.default_rng(0).uniform(size=(4, 5, 6, 3)).astype("float32")


def adjusted(images, amount):
    """Returns adjusted images, and what remains of them after a conversion and its inverse."""
    center = images.mean((1, 2), keepdims=True)
    images = jnp.clip(((images - 0.3) * amount + 0.3 - center) * amount + center, 0, 1)
    return images, ops.image.hsv_to_rgb(ops.image.rgb_to_hsv(images))


@pytest.mark.parametrize("options", [{}, QUICK_OPTIONS], ids=["optimized", "quick"])
def test_a_conversion_does_not_compare_what_is_computed_twice(options):
    compiled = jax.jit(adjusted, compiler_options=dict(options))
    for amount in np.float32([0.77, 0.8, 0.93, 1.3]):
        images, converted = compiled(IMAGES, amount)
        np.testing.assert_allclose(converted, images, atol=1e-6)
