"""Fixtures of the tests that `test_on_eight_devices.py` runs in processes with eight devices."""

from __future__ import annotations

import os

import jax
import numpy as np
import pytest

import cornu
from tests.compiling import QUICK_OPTIONS

# Fifty steps of all models run programs as users compile them. The other tests compare layouts,
# memory and results after a few steps, and compile quickly in `make test-slow` as in `make test`.
AS_USERS_DO = {"check_equality.py", "check_pipeline.py"}


@pytest.fixture(autouse=True)
def eight_devices(request, monkeypatch):
    assert jax.device_count() == 8
    # Flags of the shell, or those of `make test`, take precedence.
    if request.path.name not in AS_USERS_DO and "XLA_FLAGS" not in os.environ:
        options = (f"{name}={value}".lower() for name, value in QUICK_OPTIONS.items())
        monkeypatch.setenv("CORNU_COMPILER_OPTIONS", " ".join(options))
    cornu.utils.set_random_seed(0)
    yield
    cornu.distribution.set_distribution(None)


@pytest.fixture
def data():
    """30 rows, which are not divisible by the number of devices."""
    numbers = np.random.default_rng(0)
    x = numbers.normal(size=(30, 16)).astype("float32")
    return x, (2 * x[:, :1] + x[:, 1:2] ** 2).astype("float32")
