"""Functions of the backends of Keras 1 and 2 compute what the libraries themselves computed."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from cornu.dialects.backend import make_functions
from tests.dialects.backend.cases import cases, compute

HERE = Path(__file__).parent


@pytest.fixture(scope="module", params=["keras1", "keras2"])
def results(request):
    backend = SimpleNamespace(**make_functions(request.param))
    computed = compute(backend, request.param)
    return request.param, computed, np.load(HERE / f"{request.param}.npz")


def test_all_functions_compute_the_values_of_the_library(results):
    version, computed, expected = results
    assert set(computed) == set(expected.files)
    assert {name.partition("/")[0] for name in computed} == set(cases(version))
    wrong = {}
    for name, value in computed.items():
        right = expected[name]
        if value.shape != right.shape or not np.allclose(value, right, rtol=1e-5, atol=1e-6):
            wrong[name] = (value.shape, right.shape, np.ravel(value)[:3], np.ravel(right)[:3])
    assert not wrong
