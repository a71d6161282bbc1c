"""Initializers draw from Keras's distributions, on the host, and one seed gives one answer."""

import json
import math

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import cornu
from cornu.names import snake_case
from cornu.ops.random import SeedGenerator
from cornu.parts import initializers
from cornu.parts.initializers import random
from cornu.parts.initializers.scaled import fans

SCALED = ("GlorotNormal GlorotUniform HeNormal HeUniform LecunNormal LecunUniform").split()
RANDOM = [
    *((name, {}) for name in SCALED),
    ("RandomNormal", {"mean": 1.0, "stddev": 2.0}),
    ("TruncatedNormal", {"mean": 1.0, "stddev": 2.0}),
    ("RandomUniform", {"minval": -1.0, "maxval": 3.0}),
    ("VarianceScaling", {"scale": 3.0, "mode": "fan_out", "distribution": "untruncated_normal"}),
    ("VarianceScaling", {"input_axes": [0], "output_axes": [1, 2]}),
]


@pytest.mark.parametrize(("name", "args"), RANDOM)
def test_distribution_is_keras(name, args):
    shape = (30, 20, 50)
    ours = getattr(initializers, name)(seed=3, **args)(shape)
    theirs = np.asarray(getattr(keras.initializers, name)(seed=3, **args)(shape))
    spread = theirs.std()
    assert ours.dtype == theirs.dtype and ours.shape == shape
    # 30,000 values: the standard error of the mean is 0.006, of the rest no more than 0.02.
    assert abs(ours.mean() - theirs.mean()) < 0.03 * spread
    assert abs(ours.std() / spread - 1) < 0.03
    np.testing.assert_allclose(
        np.quantile(ours, (0.1, 0.3, 0.7, 0.9)),
        np.quantile(theirs, (0.1, 0.3, 0.7, 0.9)),
        atol=0.06 * spread,
    )
    if "truncated" not in str(args) and name != "RandomNormal":
        assert abs(abs(ours - ours.mean()).max() / abs(theirs - theirs.mean()).max() - 1) < 0.02


def test_an_integer_seed_repeats_and_none_does_not():
    again = initializers.RandomNormal(seed=5)
    assert np.array_equal(again((3, 4)), again((3, 4)))
    assert np.array_equal(again((3, 4)), initializers.RandomNormal(seed=5)((3, 4)))
    assert not np.array_equal(again((3,)), initializers.RandomNormal(seed=6)((3,)))
    assert np.isfinite(initializers.RandomNormal(seed=-1)((2,))).all()
    fresh = initializers.GlorotUniform()
    assert not np.array_equal(fresh((3, 4)), fresh((3, 4)))
    cornu.seeds.set_random_seed(9)
    first = fresh((3, 4))
    cornu.seeds.set_random_seed(9)
    assert np.array_equal(first, fresh((3, 4)))


def test_a_seed_generator_gives_other_values_each_time():
    one = initializers.RandomNormal(seed=SeedGenerator(1))
    other = initializers.RandomNormal(seed=SeedGenerator(1))
    first, second = one((4,)), one((4,))
    assert not np.array_equal(first, second)
    assert np.array_equal(first, other((4,))) and np.array_equal(second, other((4,)))


def test_values_do_not_depend_on_the_number_of_threads(monkeypatch):
    monkeypatch.setattr(random, "_BLOCK", 100)
    make = initializers.TruncatedNormal(seed=1)
    many = make((7, 90))
    monkeypatch.setattr(random, "count_cores", lambda: 1)
    assert np.array_equal(many, make((7, 90)))
    blocks = many.reshape(-1)[:600].reshape(6, 100)
    assert len({float(b[0]) for b in blocks}) == 6
    # Known values: the same seed gives the same weights on every machine and in every version.
    monkeypatch.undo()
    known = [-0.0495123, 0.00484188, -0.0341071]
    np.testing.assert_allclose(initializers.RandomUniform(seed=0)((3,)), known, rtol=1e-5)


def test_truncated_values_stay_within_two_deviations():
    x = initializers.TruncatedNormal(0.0, 1.0, seed=2)((50000,))
    assert abs(x).max() <= 2
    assert abs(x.std() - 0.8796) < 0.01


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float64"])
def test_dtypes(dtype):
    for name in ("HeNormal", "RandomUniform", "Orthogonal", "Zeros", "Ones", "Identity"):
        if dtype == "float64" and not jax.config.jax_enable_x64:
            break  # asking for it would switch the whole process
        assert getattr(initializers, name)()((4, 4), dtype).dtype == jnp.dtype(dtype)
    assert initializers.Zeros()((2,), "int32").dtype == np.int32
    assert initializers.Ones()((2,), "bool").all()


def test_random_values_are_floats():
    with pytest.raises(ValueError, match="must be a float type"):
        initializers.RandomUniform()((2,), "int32")


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (3, 2, 5), (2, 3, 3, 4)])
def test_orthogonal(shape):
    q = initializers.Orthogonal(gain=2.0, seed=1)(shape)
    matrix = q.reshape(-1, shape[-1]) / 2
    small = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    np.testing.assert_allclose(small, np.eye(len(small)), atol=1e-5)
    assert q.shape == shape and q.dtype == np.float32
    signs = [np.sign(initializers.Orthogonal(seed=i)((1, 1))) for i in range(20)]
    assert len(np.unique(signs)) == 2
    with pytest.raises(ValueError, match="at least two axes"):
        initializers.Orthogonal()((3,))


def test_constants_are_keras():
    for name, args, shape in (
        ("Constant", {"value": 2.5}, (2, 3)),
        ("Zeros", {}, (2,)),
        ("Ones", {}, (2, 1)),
        ("Identity", {"gain": 3.0}, (3, 4)),
    ):
        ours, theirs = (getattr(k, name)(**args)(shape) for k in (initializers, keras.initializers))
        assert np.array_equal(ours, theirs) and ours.dtype == theirs.dtype
    with pytest.raises(ValueError, match="two axes"):
        initializers.Identity()((2, 2, 2))


@pytest.mark.parametrize("window", ["hann", "hamming", "blackman", "flattop", "bohman", None])
@pytest.mark.parametrize("periodic", [False, True])
def test_stft_is_keras(window, periodic):
    for side, scaling in (("real", "density"), ("imag", "spectrum"), ("real", None)):
        args = {"side": side, "window": window, "scaling": scaling, "periodic": periodic}
        ours, theirs = (k.STFT(**args)((16, 1, 9)) for k in (initializers, keras.initializers))
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_stft_of_a_given_window():
    window = np.linspace(0, 1, 8)
    kernel = initializers.STFT("imag", window.tolist(), None)((8, 1, 5))
    np.testing.assert_allclose(
        kernel[:, 0, 1], -window * np.sin(2 * np.pi * np.arange(8) / 8), 1e-5, 1e-7
    )
    with pytest.raises(ValueError, match="shape"):
        initializers.STFT(window=window)((16, 1, 9))
    for name, hint in (("hamn", "'hann'"), ("kaiser", "as an array")):  # Kaiser's has a parameter
        with pytest.raises(ValueError, match=f"Unknown window '{name}'.*(?s:.)*{hint}"):
            initializers.STFT(window=name)


def test_stft_has_the_windows_of_scipy():
    for window in ("bartlett", "cosine", "exponential", "parzen", "triang", "tukey"):
        ours = initializers.STFT(window=window)((12, 1, 7))
        theirs = keras.initializers.STFT(window=window)((12, 1, 7))
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_fans():
    assert fans(()) == (1, 1)
    assert fans((7,)) == (7, 7)
    assert fans((3, 5)) == (3, 5)
    assert fans((3, 3, 16, 32)) == (144, 288)
    assert fans((4, 2, 8), (0,), (1, 2)) == (4, 16)


def test_names_resolve_as_in_keras():
    names = [name for name in dir(keras.initializers) if name[0] != "_"]
    others = {"get", "serialize", "deserialize", "Initializer"}
    others |= {"constant", "Constant"}  # Keras finds none by this name
    for name in {*names, "normal", "uniform", "one", "zero"} - others:
        assert type(initializers.get(name)).__name__ == type(keras.initializers.get(name)).__name__
        assert isinstance(initializers.get(name), initializers.Initializer)
    assert initializers.get(None) is None
    assert type(initializers.get(snake_case("HeNormal"))) is initializers.HeNormal
    with pytest.raises(ValueError, match="'glorot_uniform'"):
        initializers.get("glorot_unifrom")


def test_arrays_and_functions_are_initializers():
    values = np.arange(6.0).reshape(2, 3)
    for array in (values, jnp.asarray(values)):
        made = initializers.get(array)
        assert np.array_equal(made((2, 3)), values) and made((2, 3)).dtype == np.float32
        with pytest.raises(ValueError, match="cannot be broadcast"):
            made((3, 2))
        again = initializers.deserialize(json.loads(json.dumps(initializers.serialize(made))))
        assert np.array_equal(again((2, 3)), values)
    ramp = initializers.get(lambda shape, dtype=None: np.arange(math.prod(shape), dtype=dtype))
    assert ramp((3,), "int32").tolist() == [0, 1, 2]


@pytest.mark.parametrize(("name", "args"), [*RANDOM, ("Constant", {"value": 3}), ("STFT", {})])
def test_config_round_trip_in_both_directions(name, args):
    args = args if name in ("Constant", "STFT") else {**args, "seed": 7}
    ours = getattr(initializers, name)(**args)
    again = initializers.deserialize(json.loads(json.dumps(initializers.serialize(ours))))
    assert np.array_equal(ours((4, 1, 5)), again((4, 1, 5)))
    assert np.array_equal(ours((4, 1, 5)), ours.clone()((4, 1, 5)))
    theirs = keras.initializers.serialize(getattr(keras.initializers, name)(**args))
    restored = initializers.deserialize(json.loads(json.dumps(theirs)))
    assert restored.get_config() == theirs["config"] == ours.get_config()


def test_wrong_arguments_are_errors():
    for args, message in (
        ({"scale": 0.0}, "positive"),
        ({"mode": "fan"}, "fan_avg"),
        ({"distribution": "cauchy"}, "uniform"),
        ({"seed": "x"}, "SeedGenerator"),
    ):
        with pytest.raises(ValueError, match=message):
            initializers.VarianceScaling(**args)
