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


RATES = {
    "PrecisionAtRecall": "recall",
    "RecallAtPrecision": "precision",
    "SensitivityAtSpecificity": "specificity",
    "SpecificityAtSensitivity": "sensitivity",
}


@pytest.mark.parametrize("name", RATES)
def test_messages_name_the_argument_that_was_passed(name):
    cls, argument = getattr(metrics, name), RATES[name]
    with pytest.raises(ValueError, match=f"^{argument} must be between 0 and 1. Received: 2"):
        cls(2)
    with pytest.raises(ValueError, match="^num_thresholds must be between 1 and 1,000,000"):
        cls(0.5, num_thresholds=0)


@pytest.mark.parametrize("name", RATES)
def test_an_assigned_minimum_is_used(name):
    y_true, y_pred = [0.0, 1.0, 0.0, 1.0], [0.2, 0.3, 0.6, 0.9]
    lowest, highest, assigned = (getattr(metrics, name)(minimum) for minimum in (0.0, 1.0, 0.0))
    setattr(assigned, RATES[name], 1.0)
    results = [float(metric(y_true, y_pred)) for metric in (lowest, highest, assigned)]
    assert results[0] != results[1] == results[2]


def test_binary_iou_names_the_number_of_classes():
    with pytest.raises(ValueError, match="less than the number of classes, 2. Received: .2."):
        metrics.BinaryIoU(target_class_ids=[2])


def test_arguments_may_have_the_names_of_members():
    metric = metrics.MeanMetricWrapper(lambda y, p, result: (y - p) * result, result=3.0)
    assert float(metric([3.0], [1.0])) == 6.0
