"""Fixtures of the tests that `test_on_eight_devices.py` runs in processes with eight devices."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import cornu


@pytest.fixture(autouse=True)
def eight_devices():
    assert jax.device_count() == 8
    cornu.utils.set_random_seed(0)
    yield
    cornu.distribution.set_distribution(None)


@pytest.fixture(scope="session")
def data():
    """30 rows, which are not divisible by the number of devices."""
    numbers = np.random.default_rng(0)
    x = numbers.normal(size=(30, 16)).astype("float32")
    return x, (2 * x[:, :1] + x[:, 1:2] ** 2).astype("float32")
