"""STFTSpectrogram: FFTs on the host and the convolution compute the same."""

import jax
import numpy as np
import pytest

import cornu

RNG = np.random.default_rng(0)
ARGUMENTS = {
    "magnitude": {"mode": "magnitude"},
    "log": {"mode": "log", "periodic": True},
    "psd": {"mode": "psd", "scaling": "spectrum"},
    "real": {"mode": "real", "scaling": None},
    "imag": {"mode": "imag", "window": "hamming"},
    "both parts": {"mode": "stft", "window": None},
    "phase": {"mode": "angle"},
    "padded": {"mode": "magnitude", "padding": "same", "frame_step": 5},
    "images": {"mode": "real", "expand_dims": True},
    "channels first": {"mode": "stft", "data_format": "channels_first"},
    "images, channels first": {"data_format": "channels_first", "expand_dims": True},
    "long transform": {"mode": "real", "fft_length": 64},
    "odd transform": {"mode": "real", "fft_length": 33, "frame_length": 33},
}


@pytest.mark.parametrize("arguments", ARGUMENTS.values(), ids=ARGUMENTS)
def test_calls_and_compiled_calls_compute_the_same(arguments):
    layer = cornu.layers.STFTSpectrogram(**{"frame_length": 32, **arguments})
    x = RNG.normal(size=(3, 90, 2)).astype("float32")
    x = x.swapaxes(1, 2) if layer.data_format == "channels_first" else x
    before = x.copy()
    expected = jax.jit(layer)(x)
    changed = False
    for _ in range(2):
        for found in (layer(x), layer(jax.numpy.asarray(x)), layer(x[1:])):
            assert isinstance(found, jax.Array) and found.dtype == expected.dtype
            np.testing.assert_allclose(found, expected[-len(found) :], rtol=1e-4, atol=1e-5)
        if changed:
            break
        # Trained kernels are no Fourier transform.
        for kernel in layer.weights:
            kernel.assign(kernel * RNG.normal(size=kernel.shape).astype("float32"))
        changed, old = True, expected
        expected = jax.jit(lambda x: layer(x))(x)
        assert not np.allclose(old, expected, atol=1e-3)
    np.testing.assert_array_equal(x, before)


def test_results_do_not_depend_on_the_other_signals():
    layer = cornu.layers.STFTSpectrogram("log", 32)
    x = RNG.normal(size=(5, 200, 1)).astype("float32")
    whole = np.asarray(layer(x))
    for i in range(5):
        np.testing.assert_array_equal(np.asarray(layer(x[i : i + 1]))[0], whole[i])
    with pytest.raises(ValueError, match="expected"):
        layer(x[..., 0])
