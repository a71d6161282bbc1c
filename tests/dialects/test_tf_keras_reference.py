"""The dialect against numbers of tf_keras 2.21; see scripts/make_tf_keras_reference.py."""

import inspect
from pathlib import Path

import numpy as np
import pytest

from cornu.dialects.keras2 import load
from tests.dialects import tf_keras_cases as cases

REFERENCE = Path(__file__).parent / "tf_keras_reference.npz"
KERAS = load("2.15.0")
# Groups that are compiled quickly; the others are slow tests.
QUICK = ("optimizers 0", "losses", "preprocessing")
# Layers without a case, with the reason.
WITHOUT_CASE = {
    **dict.fromkeys(
        ("Layer", "InputSpec", "Input", "InputLayer", "Wrapper"), "no numbers of its own"
    ),
    **dict.fromkeys(("CuDNNGRU", "CuDNNLSTM"), "tf_keras 2.21 does not have it"),
    "SpectralNormalization": "its vector is random",
    "AbstractRNNCell": "a base class",
}


@pytest.fixture(scope="module")
def reference():
    with np.load(REFERENCE) as file:
        return dict(file)


def test_every_layer_and_optimizer_has_a_case():
    source = inspect.getsource(cases)
    listed = vars(KERAS.layers)
    covered = {id(value) for name, value in listed.items() if f".{name}(" in source}
    missing = [
        name
        for name, value in listed.items()
        if name[0].isupper()
        and id(value) not in covered
        and name not in cases.PREPROCESSING
        and name not in WITHOUT_CASE
    ]
    assert missing == []
    for module, prefix in ((KERAS.optimizers, ""), (KERAS.optimizers.legacy, "legacy.")):
        names = {f"{prefix}{name}" for name in vars(module) if name[0].isupper()}
        assert names - {path for path, _ in cases.OPTIMIZERS.values()} == {f"{prefix}Optimizer"}


def test_every_loss_and_metric_has_a_case():
    others = {"Loss", "Metric", "LossFunctionWrapper", "MeanMetricWrapper", "Mean", "Sum"}
    others |= {"Reduction"}
    for module, table in ((KERAS.losses, cases.LOSSES), (KERAS.metrics, cases.METRICS)):
        classes = {name for name, value in vars(module).items() if inspect.isclass(value)}
        assert classes - others == set(table)


@pytest.mark.parametrize(
    "case",
    [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in cases.CASES],
)
def test_equal_numbers(case, reference):
    run, *arguments = cases.CASES[case]
    for name, value in run(KERAS, *arguments).items():
        expected = reference[name]
        assert np.shape(value) == expected.shape, name
        np.testing.assert_allclose(value, expected, rtol=2e-5, atol=2e-6, err_msg=name)
