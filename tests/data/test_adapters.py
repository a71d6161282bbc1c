"""Adapters convert user data to batches."""

import jax.numpy as jnp
import numpy as np
import pytest

from cornu.data import Arrays, Stream, adapt
from cornu.data.class_weights import weights_of_classes
from cornu.data.conversion import as_arrays
from cornu.data.splits import split


def test_arrays_lists_and_scalars():
    assert as_arrays([[1, 2], [3, 4]], "x").shape == (2, 2)
    assert as_arrays([1.0, 2.0], "x").dtype == "float32"
    assert [a.shape for a in as_arrays([np.ones((2, 1)), [[1], [2]]], "x")] == [(2, 1), (2, 1)]
    assert as_arrays({"a": [1, 2]}, "x")["a"].shape == (2,)
    kept = jnp.ones(3)
    assert as_arrays(kept, "x") is kept
    with pytest.raises(ValueError, match="x is ragged"):
        as_arrays([[1, 2], [3]], "x")
    with pytest.raises(TypeError, match=r"x\['a'\] contains strings"):
        as_arrays({"a": ["p", "q"]}, "x")


def test_batches_cover_every_row_once():
    source = adapt(np.arange(10), np.arange(10) * 2, batch_size=4, shuffle=True, seed=1)
    assert isinstance(source, Arrays) and source.steps == 3 and source.has_partial_batch
    rows = np.concatenate([x for x, _, _ in source.batches(0)])
    assert sorted(rows) == list(range(10))
    for x, y, weight in source.batches(1):
        assert np.array_equal(y, 2 * x) and weight is None


def test_a_batch_is_never_larger_than_the_data():
    assert adapt(np.ones((3, 2)), batch_size=32).batch_size == 3


def test_streams_keep_their_first_batch():
    batches = [(np.full((2, 1), i), np.full((2,), i)) for i in range(3)]
    source = adapt(iter(batches))
    assert isinstance(source, Stream) and source.example()[0].shape == (2, 1)
    assert [x[0, 0] for x, _, _ in source.batches()] == [0, 1, 2]
    assert source.steps == 3
    with pytest.raises(ValueError, match="can be read only once"):
        list(source.batches())


def test_wrong_batches_and_sizes():
    with pytest.raises(ValueError, match="a tuple of 4"):
        adapt(iter([(1, 2, 3, 4)])).example()
    with pytest.raises(ValueError, match="it has no batches"):
        adapt(iter([])).example()
    with pytest.raises(ValueError, match="batch_size must be a positive integer"):
        adapt(np.ones(3), batch_size=0)
    with pytest.warns(UserWarning, match="batch_size=2 is ignored"):
        adapt(iter([np.ones(3)]), batch_size=2)


def test_split_takes_the_end():
    first, second = split((np.arange(10), None), 0.2)
    assert first[0].tolist() == list(range(8)) and second[0].tolist() == [8, 9]
    with pytest.raises(ValueError, match="between 0 and 1"):
        split((np.arange(10),), 1.5)
    with pytest.raises(ValueError, match="leaves one part empty"):
        split((np.arange(1),), 0.1)


def test_weights_of_classes():
    weights = {0: 2.0, 2: 0.5}
    assert weights_of_classes(np.array([0, 1, 2]), weights, "y").tolist() == [2.0, 1.0, 0.5]
    assert weights_of_classes(np.eye(3), weights, "y").tolist() == [2.0, 1.0, 0.5]
    assert weights_of_classes(np.array([[2], [0]]), weights, "y").tolist() == [0.5, 2.0]
    with pytest.raises(ValueError, match="one class per row"):
        weights_of_classes(np.ones((2, 3, 4)), weights, "y")
