"""The dialect against numbers of Keras 2.2.4 and 2.3.1; see scripts/make_keras2_reference.py."""

from pathlib import Path

import numpy as np
import pytest

from cornu.dialects.keras2 import load
from tests.dialects import keras2_cases
from tests.dialects.keras1_case import flattened
from tests.sampling import slow_except

CASES = [
    (version, name)
    for version in keras2_cases.VERSIONS
    for name in keras2_cases.of_version(version)
]
QUICK = [("2.2.4", "recurrent")]


@pytest.mark.parametrize(("version", "name"), slow_except(CASES, QUICK))
def test_equal_numbers(version, name):
    function = keras2_cases.of_version(version)[name]
    found = flattened(function(load(version)))
    with np.load(Path(__file__).parent / f"keras{version}_reference.npz") as file:
        expected = {key: file[key] for key in file if key.startswith(f"{name}/")}
    assert {f"{name}/{part}" for part in found} == set(expected)
    for part, value in found.items():
        assert value.shape == expected[f"{name}/{part}"].shape, part
        np.testing.assert_allclose(
            value, expected[f"{name}/{part}"], rtol=2e-5, atol=2e-6, err_msg=part
        )
