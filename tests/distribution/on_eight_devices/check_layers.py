"""The step of every kind of layer is divided: devices exchange nothing but sums."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.distribution.layer_cases import LAYERS, train_with
from cornu import distribution as dist

pytestmark = pytest.mark.slow
# Layers for which XLA would exchange activations if gradients were divided before they are summed.
_FULLY_SHARDED = (
    "Conv2DTranspose, UpSampling2D, AveragePooling2D",
    "GroupNormalization, LayerNormalization, RMSNormalization",
    "Bidirectional LSTM with recurrent dropout",
)


@pytest.mark.parametrize("name", LAYERS)
def test_layers_are_divided(name):
    expected, _ = train_with(name, None)
    found, collectives = train_with(name, "data")
    np.testing.assert_allclose(found, expected, atol=1e-6, rtol=1e-6)
    # The gradients of all weights are summed at once, and batch normalization has sums of its own.
    assert set(collectives) == {"all-reduce"}
    if name not in _FULLY_SHARDED:
        return
    found, collectives = train_with(name, dist.FullySharded(min_size=8))
    np.testing.assert_allclose(found, expected, atol=1e-6, rtol=1e-6)
    assert set(collectives) <= {"all-reduce", "all-gather"}
