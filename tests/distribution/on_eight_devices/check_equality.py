"""Fifty steps on eight devices have the losses of one device."""

from __future__ import annotations

import numpy as np
import pytest

import cornu
from benchmarks.distribution import runs
from benchmarks.distribution.models import MODELS
from tests.compiling import DEFAULT_OPTIONS, requested

pytestmark = pytest.mark.slow


def losses_of(name, *arguments):
    """Returns the losses of a run. Those of the ResNet depend on how its programs are rounded."""
    with pytest.MonkeyPatch.context() as patch:
        if name == "ResNet":
            patch.setenv("CORNU_COMPILER_OPTIONS", requested(DEFAULT_OPTIONS))
        return runs.losses_of(name, *arguments)


@pytest.fixture(scope="module")
def expected():
    return {name: losses_of(name, None) for name in MODELS}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("distribution", ("data", "fsdp", "tensor"))
def test_losses_are_those_of_one_device(name, distribution, expected):
    found = losses_of(name, distribution)
    assert len(found) == 50
    np.testing.assert_allclose(found, expected[name], atol=1e-5, rtol=0)
    assert found[-1] < 0.7 * found[0]


@pytest.mark.parametrize(
    ("kind", "parts", "steps"),
    (("TensorParallel", 4, 10), ("SequenceParallel", 4, 10), ("SequenceParallel", 8, 50)),
)
def test_both_axes_of_a_mesh(kind, parts, steps, expected):
    given = getattr(cornu.distribution, kind)(None, None, parts)
    found = losses_of("Transformer", given, steps)
    np.testing.assert_allclose(found, expected["Transformer"][:steps], atol=1e-5, rtol=0)
