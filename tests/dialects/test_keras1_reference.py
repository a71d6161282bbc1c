"""The dialect against numbers of Keras 1.2.2 itself; see scripts/make_keras1_reference.py."""

import warnings
from pathlib import Path

import numpy as np
import pytest

from cornu.dialects.keras1 import load
from tests.dialects import keras1_layer_cases, keras1_training_cases
from tests.dialects.keras1_case import flattened
from tests.sampling import slow_except

REFERENCE = Path(__file__).parent / "keras1_reference.npz"

CASES = keras1_layer_cases.CASES | keras1_training_cases.CASES
RANDOM_CASES = keras1_layer_cases.RANDOM_CASES
LONG = {"objectives", "callbacks", "optimizers"}


@pytest.fixture(scope="module")
def reference():
    with np.load(REFERENCE) as file:
        return dict(file)


def compare(reference, name, function, **tolerance):
    found = {f"{name}/{part}": value for part, value in flattened(function(load())).items()}
    expected = {key: value for key, value in reference.items() if key.startswith(f"{name}/")}
    assert set(found) == set(expected)
    for key, value in expected.items():
        assert found[key].shape == value.shape, key
        np.testing.assert_allclose(found[key], value, err_msg=key, **tolerance)


@pytest.mark.parametrize("name", slow_except(CASES, CASES.keys() - LONG))
def test_equal_numbers(name, reference):
    # Of two frameworks that add in another order, over some steps of training.
    compare(reference, name, CASES[name], rtol=1e-4, atol=2e-6)


@pytest.mark.parametrize("name", RANDOM_CASES)
def test_equal_statistics(name, reference):
    # Some thousand draws; another count of inputs would make a difference of 40 percent.
    compare(reference, name, RANDOM_CASES[name], rtol=0.12)


def test_no_case_warns_about_the_program():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        flattened(CASES["dense"](load()))
