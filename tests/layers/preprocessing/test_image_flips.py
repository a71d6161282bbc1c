"""RandomFlip reads arrays of NumPy where they are, with the results for arrays of JAX."""

import jax.numpy as jnp
import numpy as np
import pytest

import cornu
from cornu.core.state.aligned import empty_aligned
from cornu.layers import RandomFlip

RNG = np.random.default_rng(0)


class Same(RandomFlip):
    """A layer of a user, whose methods receive arrays of JAX."""

    def transform(self, images, *numbers):
        return images.at[:].set(super().transform(images, *numbers))


def expected(x, layer):
    """The images of a layer, each of which is one of the four reflections of its image."""
    y = np.asarray(layer(jnp.asarray(x), training=True))
    h, w = (2, 3) if layer.data_format == "channels_first" else (1, 2)
    flipped = [x, np.flip(x, w), np.flip(x, h), np.flip(x, (h, w))]
    assert all(any((one == f[i]).all() for f in flipped) for i, one in enumerate(y))
    return y


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("mode", ["horizontal", "vertical", "horizontal_and_vertical"])
def test_images_of_numpy_are_flipped_as_those_of_jax(mode, data_format):
    x = empty_aligned((8, 5, 4, 3), np.dtype("float32"))
    x[:] = RNG.uniform(size=x.shape)
    kinds = {
        "float32": x,
        "a view": x[:, ::-1],
        "float64": x.astype("float64"),
        "uint8": (x * 9).astype("uint8"),
        "big-endian": x.astype(">f4"),
    }
    for kind, images in kinds.items():
        for cls in (RandomFlip, Same):
            ours, theirs = (cls(mode, seed=3, data_format=data_format) for _ in range(2))
            for _ in range(2):
                y = np.asarray(ours(images, training=True))
                want = expected(np.asarray(images, "float32"), theirs)
                assert y.dtype == "float32" and y.tobytes() == want.tobytes(), kind
            assert np.asarray(ours(images, training=False)).tolist() == images.tolist()
        data = RandomFlip(mode, seed=3, data_format=data_format)({"images": images}, training=True)
        again = RandomFlip(mode, seed=3, data_format=data_format)
        again = expected(np.asarray(images, "float32"), again)
        np.testing.assert_array_equal(data["images"], again)


def test_results_do_not_change_with_the_images():
    x = empty_aligned((4, 64, 64, 3), np.dtype("float32"))
    x[:] = RNG.uniform(size=x.shape)
    before = x.copy()
    layer = RandomFlip("horizontal", seed=1)
    results = [layer(x, training=training) for training in (True, False)]
    assert (x == before).all()
    x[:] = 0
    np.testing.assert_array_equal(results[1], before)
    assert (np.asarray(results[0]).sum((1, 2, 3)) > 0).all()


def test_the_dtype_of_the_layer():
    x = RNG.uniform(size=(4, 3, 2, 1)).astype("float32")
    assert RandomFlip(dtype="bfloat16")(x, training=True).dtype == "bfloat16"
    model = cornu.Sequential([RandomFlip(seed=1)])
    np.testing.assert_array_equal(model(x, training=False), x)
