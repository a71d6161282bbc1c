"""Activations as layers: errors, and cases outside the conformance table."""

import numpy as np
import pytest

from cornu.layers import ELU, Input, LeakyReLU, PReLU, ReLU, Softmax
from cornu.models import Model


def test_negative_arguments_are_rejected():
    with pytest.raises(ValueError, match="ReLU layer 're_lu': max_value must be a number >= 0"):
        ReLU(max_value=-1.0)
    with pytest.raises(ValueError, match="negative_slope must be a number >= 0.*None"):
        ReLU(negative_slope=None)
    with pytest.raises(ValueError, match="threshold must be a number >= 0"):
        ReLU(threshold=-0.1)
    with pytest.raises(ValueError, match="negative_slope must be a number >= 0.*-0.1"):
        LeakyReLU(-0.1)


def test_prelu_needs_the_sizes_that_are_not_shared():
    with pytest.raises(ValueError, match="size of axis 1 must be known"):
        PReLU()(Input((None, 3)))
    layer = PReLU(shared_axes=[1])
    assert layer(Input((None, 3))).shape == (None, None, 3)
    assert layer.alpha.shape == (1, 3)
    with pytest.raises(ValueError, match="expected size 3 on axis 2, received 4"):
        layer(np.zeros((1, 5, 4), "float32"))


def test_softmax_of_a_row_without_anything_is_zero():
    y = Softmax()(np.ones((1, 3), "float32"), mask=np.zeros((1, 3), bool))
    assert y.tolist() == [[0.0, 0.0, 0.0]]


def test_softmax_over_the_batch_mixes_rows():
    for axis, rowwise in [(-1, True), ((1, 2), True), (0, False), ([0, 1], False), (-3, False)]:
        layer = Softmax(axis)
        layer(Input((2, 3)))
        assert layer._rowwise_ is rowwise, axis
    x = Input((2,))
    y = Model(x, Softmax(-2)(x)).predict(np.ones((3, 2), "float32"), batch_size=2, verbose=0)
    assert y.tolist() == [[0.5, 0.5], [0.5, 0.5], [1.0, 1.0]]


def test_elu_is_smooth_at_zero():
    x = np.array([-1e-6, 0.0, 1e-6], "float32")
    np.testing.assert_allclose(ELU()(x), x, atol=1e-11)
