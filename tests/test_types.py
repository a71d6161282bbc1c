"""The names that type aliases offer for completion are those that the library resolves."""

from typing import get_args

import pytest

from cornu import (
    activations,
    constraints,
    initializers,
    losses,
    metrics,
    optimizers,
    regularizers,
    settings,
    types,
)
from cornu.registry.names import classes, functions

# Resolved by `compile`, which knows the shapes of the outputs.
BY_SHAPE = {"acc", "accuracy", "ce", "crossentropy"}


@pytest.mark.parametrize(
    "category, module, names",
    [
        ("activations", activations, types.ActivationName),
        ("constraints", constraints, types.ConstraintName),
        ("initializers", initializers, types.InitializerName),
        ("losses", losses, types.LossName),
        ("metrics", metrics, types.MetricName),
        ("optimizers", optimizers, types.OptimizerName),
        ("regularizers", regularizers, types.RegularizerName),
    ],
)
def test_every_name_that_can_be_resolved_is_listed(category, module, names):
    # Optimizers are found by their class name in any case.
    known = (classes.get(category, {}), functions.get(category, {}))
    lower = {
        name if category != "optimizers" else name.lower() for table in known for name in table
    }
    possible = {name for name in lower if name.islower() and _is_resolved(module, name)}
    possible -= {category.removesuffix("s")}  # the base class
    listed = set(get_args(names)) - (BY_SHAPE if category == "metrics" else set())
    assert listed == possible - BY_SHAPE


def _is_resolved(module, name: str) -> bool:
    try:
        module.get(name)
    except (TypeError, ValueError):
        return False
    return True


@pytest.mark.parametrize("name", sorted(BY_SHAPE))
def test_metrics_by_shape_are_listed(name):
    assert name in get_args(types.MetricName)


def test_reductions_are_those_of_losses():
    for reduction in get_args(types.Reduction):
        losses.MeanSquaredError(reduction=reduction)


def test_data_formats_are_those_of_the_settings():
    for data_format in get_args(types.DataFormat):
        assert settings.data_format(data_format) == data_format
