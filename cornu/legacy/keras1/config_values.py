"""Values in configs of Keras 1: penalties, constraints and functions, as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cornu.legacy.keras1.argument_values import (
    ACTIVATIONS,
    INITIALIZERS,
    get_constraint,
    get_regularizer,
)
from cornu.parts import constraints, regularizers
from cornu.registry import ArgumentCapture
from cornu.types import Config

__all__ = ["CONSTRAINT_ARGUMENTS", "LAMBDA", "convert_value", "describe_function", "restore_value"]

# A reference to a function without a name, which the program must pass.
LAMBDA: Config = {"class_name": "function", "config": "<lambda>"}

# The names in configs of the class that is L1L2 today.
_PENALTIES = ("L1L2Regularizer", "WeightRegularizer", "ActivityRegularizer")
# Constraint -> the arguments that were renamed, with their names of today.
CONSTRAINT_ARGUMENTS: dict[str, Mapping[str, str]] = {
    "MaxNorm": {"m": "max_value"},
    "NonNeg": {},
    "UnitNorm": {},
    "MinMaxNorm": {"low": "min_value", "high": "max_value"},
}


def convert_value(name: str, value: Any) -> Any:
    """Converts the value of an argument, if it is the config of an object.

    Args:
        name: the name of the argument.
        value: the value in a config.

    Raises:
        ValueError: the object has no equal today.
    """
    if isinstance(value, str):
        if name.endswith("activation") and value not in ACTIVATIONS:
            return {"class_name": "function", "config": value}
        if name.endswith("init") and value not in INITIALIZERS:
            return {"class_name": "function", "config": value}
    if not isinstance(value, dict) or "name" not in value:
        return value
    if name.endswith("_regularizer"):
        return _convert_penalty(value)
    return _convert_constraint(value) if name.endswith("_constraint") else value


def _convert_penalty(value: Config) -> Any:
    kind = value["name"]
    if kind == "EigenvalueRegularizer":
        raise ValueError(
            "EigenvalueRegularizer of Keras 1 is not supported. To predict without it, remove "
            "the W_regularizer from the config of the layer."
        )
    arguments = {k: v for k, v in value.items() if k != "name"}
    if kind in _PENALTIES:
        return regularizers.get({"class_name": "L1L2", "config": arguments})
    return {"class_name": kind, "config": arguments}


def _convert_constraint(value: Config) -> Any:
    arguments = {k: v for k, v in value.items() if k != "name"}
    name = value["name"]
    if name not in CONSTRAINT_ARGUMENTS:
        return {"class_name": name, "config": arguments}
    renames = CONSTRAINT_ARGUMENTS[name]
    config = {renames.get(k, k): v for k, v in arguments.items()}
    return constraints.get({"class_name": name, "config": config})


def describe_function(config: Config, name: str) -> Any:
    """Returns the function of a Lambda or a Merge as data: its name, or that it has none.

    Code in the config is dropped.

    Args:
        config: the config of the layer.
        name: the argument, whose kind is in `<name>_type`.
    """
    value, kind = config.get(name), config.get(f"{name}_type")
    if value is None or isinstance(value, str) and kind != "lambda":
        return value
    return dict(LAMBDA)


def restore_value(name: str, value: Any) -> Any:
    """Returns the value of an argument as Keras 1 writes it; the inverse of `convert_value`.

    Args:
        name: the name of the argument.
        value: what the program passed.
    """
    if isinstance(value, dict):
        return value  # of a config
    if name.endswith("_regularizer"):
        return _restore_object(get_regularizer(value), _PENALTIES[0], {})
    if name.endswith("_constraint"):
        constraint = get_constraint(value)
        renames = CONSTRAINT_ARGUMENTS.get(type(constraint).__name__, {})
        return _restore_object(constraint, None, {new: old for old, new in renames.items()})
    if name.endswith("activation") and value is None:
        return "linear"
    if name.endswith(("activation", "init")) and callable(value):
        return getattr(value, "__name__", type(value).__name__)
    return value


def _restore_object(value: Any, name: str | None, renames: Mapping[str, str]) -> Any:
    """Returns a dict with the name of a class, and the arguments of the object."""
    if value is None:
        return None
    if not isinstance(value, regularizers.L1L2):
        name = None
    # Those of the dialect have configs in the layout of Keras 1.
    is_own = isinstance(value, ArgumentCapture)
    config = value._stored_config_() if is_own else value.get_config()
    arguments = {renames.get(k, k): v for k, v in config.items()}
    return {"name": name or type(value).__name__, **arguments}
