"""Metrics have the attributes that those of Keras have."""

import inspect

import keras
import numpy as np
import pytest

from cornu import metrics
from cornu.core.state.variable import Variable

ARGUMENTS = {
    "IoU": (3, [0]),
    "MeanIoU": (3,),
    "OneHotIoU": (3, [0]),
    "OneHotMeanIoU": (3,),
    "PrecisionAtRecall": (0.5,),
    "RecallAtPrecision": (0.5,),
    "SensitivityAtSpecificity": (0.5,),
    "SpecificityAtSensitivity": (0.5,),
}
CLASSES = [
    name
    for name, cls in vars(keras.metrics).items()
    if inspect.isclass(cls) and name not in ("Metric", "MeanMetricWrapper")
]


@pytest.mark.parametrize("name", CLASSES)
def test_arguments_and_variables_are_attributes(name):
    arguments = ARGUMENTS.get(name, ())
    ours, theirs = (getattr(m, name)(*arguments) for m in (metrics, keras.metrics))
    # Counts of IoU are floats on purpose.
    parameters = {*inspect.signature(getattr(keras.metrics, name)).parameters} - {"dtype"}
    variables = [name for name, v in vars(theirs).items() if isinstance(v, keras.Variable)]
    for attribute in [*variables, *parameters]:
        expected = getattr(theirs, attribute, None)
        if isinstance(expected, keras.Variable):
            assert isinstance(getattr(ours, attribute), Variable)
        elif isinstance(expected, (bool, int, float, str)):
            assert getattr(ours, attribute) == expected
        elif isinstance(expected, (list, tuple, np.ndarray)):
            np.testing.assert_allclose(getattr(ours, attribute), expected, 1e-6)


def test_an_assigned_argument_is_used():
    metric = metrics.TopKCategoricalAccuracy(k=2)
    metric.k = 1
    assert float(metric([[0.0, 1.0, 0.0]], [[0.5, 0.3, 0.2]])) == 0
    assert metric.get_config()["k"] == 1


def test_arguments_may_have_the_names_of_members():
    metric = metrics.MeanMetricWrapper(lambda y, p, result: (y - p) * result, result=3.0)
    assert float(metric([3.0], [1.0])) == 6.0
