"""Reshaping: unknown and empty sizes, and errors."""

import numpy as np
import pytest

from cornu.layers import Flatten, Input, Permute, RepeatVector, Reshape


def test_unknown_sizes():
    assert Flatten()(Input((None, 3))).shape == (None, None)
    assert Flatten()(Input((4, 3), batch_size=2)).shape == (2, 12)
    assert Reshape((-1, 2))(Input((None, 4))).shape == (None, None, 2)
    assert Permute((2, 1))(Input((None, 4))).shape == (None, 4, None)
    assert RepeatVector(2)(Input((4,))).shape == (None, 2, 4)


def test_empty_batches():
    empty = np.zeros((0, 4, 3), "float32")
    assert Flatten()(empty).shape == (0, 12)
    assert Reshape((-1, 2))(empty).shape == (0, 6, 2)
    assert Permute((2, 1))(empty).shape == (0, 3, 4)


def test_compute_output_shape():
    assert Flatten().compute_output_shape((None, 4, 3)) == (None, 12)
    assert Reshape((2, -1)).compute_output_shape((None, 4, 3)) == (None, 2, 6)
    assert Permute((2, 1)).compute_output_shape((2, 4, 3)) == (2, 3, 4)


def test_reshape_that_does_not_fit():
    message = r"cannot reshape a sample of shape \(4, 3\), with 12 elements, to \(5, 2\)"
    with pytest.raises(ValueError, match=message):
        Reshape((5, 2))(Input((4, 3)))
    with pytest.raises(ValueError, match=r"cannot reshape .* to \(5, -1\)"):
        Reshape((5, -1))(np.zeros((1, 4, 3), "float32"))
    for shape in ((-1, -1), (-2,), (2.5,), (None,)):
        with pytest.raises(ValueError, match="integers >= 0 and at most one -1"):
            Reshape(shape)


def test_permute_and_repeat_with_bad_arguments():
    for dims in ((0, 1), (1, 3), (1, 1)):
        with pytest.raises(ValueError, match="dims must be a permutation of 1, ..., 2"):
            Permute(dims)
    with pytest.raises(ValueError, match="expected 3 axes"):
        Permute((2, 1))(Input((3,)))
    with pytest.raises(ValueError, match="n must be a positive integer. Received: 0"):
        RepeatVector(0)
    with pytest.raises(ValueError, match="expected 2 axes"):
        RepeatVector(2)(Input((3, 4)))
