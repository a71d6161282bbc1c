"""Arrays of the caller are copied, although JAX may use the memory of aligned arrays."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import cornu
from cornu import initializers, layers
from cornu.core.state import aligned
from cornu.core.state.aligned import empty_aligned

SHAPE = (4, 4)


def _array(shape=SHAPE):
    array = empty_aligned(shape, np.dtype("float32"))
    array[:] = np.linspace(0.0, 1.0, array.size).reshape(shape)
    return array


def _weights(layer, array=None):
    layer.build((None, 4))
    if array is not None:
        layer.set_weights([array, *layer.get_weights()[1:]])
    return lambda: layer.get_weights()


def _calls(layer):
    x = np.arange(4, dtype="float32").reshape(1, 4)
    return lambda: layer(x)


# How an array is passed -> a function of the array that returns what reads the result.
WAYS = {
    "value of a Variable": lambda a: cornu.Variable(a).numpy,
    "value with a dtype": lambda a: cornu.Variable(a, dtype="float32").numpy,
    "function of a Variable": lambda a: cornu.Variable(lambda s, dtype: a, shape=SHAPE).numpy,
    "Constant": lambda a: cornu.Variable(initializers.Constant(a), shape=SHAPE).numpy,
    "function of a layer": lambda a: _weights(
        layers.Dense(4, kernel_initializer=lambda shape, dtype=None: a)
    ),
    "assign": lambda a: _assigned(a).numpy,
    "set_weights": lambda a: _weights(layers.Dense(4), a),
    "weights of an Embedding": lambda a: _weights(layers.Embedding(4, 4, weights=[a])),
    "statistics": lambda a: _calls(layers.Normalization(mean=a[0], variance=a[1] + 1)),
    "a variance": lambda a: _calls(layers.Normalization(mean=np.zeros(4), variance=a[1])),
    "boundaries": lambda a: _calls(layers.Discretization(bin_boundaries=a.ravel())),
    "vocabulary": lambda a: _calls(layers.IntegerLookup(vocabulary=_count(a))),
}


def _assigned(array):
    variable = cornu.Variable(np.zeros_like(array))
    variable.assign(array)
    return variable


def _count(array):
    array[:] = np.arange(array.size).reshape(array.shape)
    return array.ravel()


@pytest.mark.parametrize("way", WAYS)
def test_arrays_that_are_kept_are_copied(way):
    array = _array()
    read = WAYS[way](array)
    before = [np.array(x) for x in jax.tree_util.tree_leaves(read())]
    array[:] = array[::-1] + 7
    after = [np.array(x) for x in jax.tree_util.tree_leaves(read())]
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("shape", [(), (3,), (2, 5), (300, 300)])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int8", "float16"])
def test_aligned_memory(shape, dtype):
    array = empty_aligned(shape, jnp.dtype(dtype))
    assert (array.shape, array.dtype) == (shape, jnp.dtype(dtype))
    assert array.ctypes.data % 64 == 0 and array.flags.c_contiguous and array.flags.writeable


def test_random_weights_are_not_copied():
    made = []

    class Recorded(initializers.RandomUniform):
        pass

    # The class counts as one of the library, whose arrays are new.
    Recorded.__module__ = initializers.RandomUniform.__module__
    original = initializers.RandomUniform.__call__
    Recorded.__call__ = lambda *args, **kwargs: made.append(original(*args, **kwargs)) or made[-1]
    variable = cornu.Variable(Recorded(), shape=(256, 256))
    assert variable.value.unsafe_buffer_pointer() == made[0].ctypes.data


def test_a_large_array_is_copied_once(monkeypatch):
    made = []

    def record(*args):
        made.append(empty_aligned(*args))
        return made[-1]

    monkeypatch.setattr(aligned, "empty_aligned", record)
    values = np.ones((300, 300), "float32")
    copy = aligned.copy_to_device(values, "float32")
    assert copy.unsafe_buffer_pointer() == made[0].ctypes.data != values.ctypes.data
