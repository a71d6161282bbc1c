"""The dialect against numbers of tf_keras 2.21; see scripts/make_tf_keras_reference.py."""

from pathlib import Path

import numpy as np
import pytest

from cornu.dialects.keras2 import load
from tests.dialects.tf_keras_cases import CASES

REFERENCE = Path(__file__).parent / "tf_keras_reference.npz"


def test_every_case_has_a_reference():
    with np.load(REFERENCE) as file:
        assert set(file.files) == set(CASES)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_equal_numbers(name):
    run, case = CASES[name]
    with np.load(REFERENCE) as file:
        expected = file[name]
    np.testing.assert_allclose(run(load("2.15.0"), case), expected, rtol=2e-5, atol=2e-6)
