"""The dialect against numbers of Keras 1.2.2 itself; see scripts/make_keras1_reference.py."""

import inspect
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

from cornu.dialects.keras1 import load
from tests.dialects import (
    keras1_further_cases,
    keras1_layer_cases,
    keras1_optimizer_cases,
    keras1_subclass_cases,
    keras1_training_cases,
)
from tests.dialects.keras1_case import flattened
from tests.sampling import slow_except

REFERENCE = Path(__file__).parent / "keras1_reference.npz"

MODULES = (
    keras1_layer_cases,
    keras1_training_cases,
    keras1_further_cases,
    keras1_subclass_cases,
    keras1_optimizer_cases,
)
CASES = {name: function for module in MODULES for name, function in module.CASES.items()}
RANDOM_CASES = keras1_layer_cases.RANDOM_CASES
LONG = {
    *("objectives", "callbacks", "optimizers", "removed_layers", "metrics"),
    "penalties_of_weights",
    *("ways_of_computing", "masked_and_bidirectional", "derived_optimizers", "peephole"),
    *("inputs_of_steps", "first_states", "unrolled", "penalties_of_a_subclass"),
}
# Names without a case, with the reason.
WITHOUT_CASE = {
    **dict.fromkeys(("InputSpec", "InputLayer", "Layer", "Recurrent", "Wrapper"), "a base class"),
    "Optimizer": "a base class",
    **dict.fromkeys(("conv_input_length", "conv_output_length"), "tested without a reference"),
    **dict.fromkeys(("clip_norm", "optimizer_from_config"), "a part of optimizers"),
    "linear": "the identity",
    **dict.fromkeys(("cosine", "KLD", "MAE", "MAPE", "MSE", "MSLE"), "another name"),
}


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


@pytest.mark.parametrize(
    "path", ["layers", "optimizers", "objectives", "metrics", "initializations", "activations"]
)
def test_every_name_has_a_case(path):
    source = "".join(inspect.getsource(module) for module in MODULES)
    module = vars(load())[path]
    public = {
        name: value
        for name, value in vars(module).items()
        if callable(value) and not name.startswith("_") and name[:3] != "get"
    }
    # Another name of a thing that has a case needs none.
    covered = {id(value) for name, value in public.items() if re.search(rf"\b{name}\b", source)}
    missing = [name for name, value in public.items() if id(value) not in covered]
    assert [name for name in missing if name not in WITHOUT_CASE] == []


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
