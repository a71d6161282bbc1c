"""Values of arguments of Keras 2 and tf.keras, by the names of the arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cornu.legacy.activations import HARD_SIGMOID
from cornu.legacy.layer_row import Context
from cornu.legacy.regularizers import SUMMED
from cornu.legacy.source import Source

__all__ = [
    "convert_activation",
    "convert_dtype",
    "convert_initializer",
    "convert_values",
    "is_before_tensorflow",
]

_POLICIES = ("Policy", "PolicyV1", "DTypePolicy")


def is_before_tensorflow(source: Source) -> bool:
    """Returns whether a model is of Keras up to 2.3, not of tf.keras."""
    return source.era < 3 and not source.is_tensorflow


def convert_activation(value: Any, context: Context) -> Any:
    """Converts an activation: a name, a function or a layer.

    `hard_sigmoid` had another slope.
    """
    if isinstance(value, Mapping):
        if value.get("class_name") != "function":
            return context.convert(dict(value)) if "class_name" in value else value
        value = value.get("config")
    if value == "hard_sigmoid" and context.source.era < 3:
        return HARD_SIGMOID
    return value


def convert_initializer(value: Any, context: Context) -> Any:
    """Converts an initializer, whose dtype is that of the weight today."""
    if not isinstance(value, Mapping) or not isinstance(value.get("config"), Mapping):
        return value
    config = {name: item for name, item in value["config"].items() if name != "dtype"}
    # With its module, because a layer may have the same name, such as Identity.
    return {
        "module": "keras.initializers",
        "class_name": value["class_name"],
        "config": config,
    }


def convert_regularizer(value: Any, context: Context) -> Any:
    """Converts a regularizer, whose module has another name today."""
    return _with_module(value, "keras.regularizers")


def convert_constraint(value: Any, context: Context) -> Any:
    """Converts a constraint, whose module has another name today."""
    return _with_module(value, "keras.constraints")


def _with_module(value: Any, module: str) -> Any:
    if not isinstance(value, Mapping) or "class_name" not in value:
        return value
    return {
        "module": module,
        "class_name": value["class_name"],
        "config": value.get("config", {}),
    }


def convert_activity_regularizer(value: Any, context: Context) -> Any:
    """Converts a penalty on outputs, which was not divided by the batch size before tf.keras."""
    value = convert_regularizer(value, context)
    if value is None or not is_before_tensorflow(context.source):
        return value
    return {"class_name": SUMMED, "config": {"penalty": value}}


def convert_dtype(value: Any, context: Context) -> Any:
    """Converts a dtype or a dtype policy to its name."""
    if isinstance(value, Mapping) and value.get("class_name") in _POLICIES:
        value = value.get("config", {}).get("name")
    # The policies of tf.keras that infer the dtype from the input.
    return None if value in ("infer", "_infer") else value


def convert_layer(value: Any, context: Context) -> Any:
    """Converts the entry of a layer, or a list of them."""
    if isinstance(value, list):
        return [convert_layer(item, context) for item in value]
    return context.convert(value) if isinstance(value, dict) and "class_name" in value else value


_CONVERTERS: dict[str, Callable[[Any, Context], Any]] = {
    **dict.fromkeys(("activation", "recurrent_activation"), convert_activation),
    "activity_regularizer": convert_activity_regularizer,
    "dtype": convert_dtype,
    **dict.fromkeys(
        ("layer", "backward_layer", "forward_layer", "cell", "cells", "layers"), convert_layer
    ),
}
_BY_SUFFIX: dict[str, Callable[[Any, Context], Any]] = {
    "_initializer": convert_initializer,
    "_regularizer": convert_regularizer,
    "_constraint": convert_constraint,
}


def convert_values(arguments: dict[str, Any], context: Context) -> dict[str, Any]:
    """Returns the arguments of a layer with the values of today."""
    return {
        name: _converter_of(name)(value, context) if value is not None else None
        for name, value in arguments.items()
    }


def _converter_of(name: str) -> Callable[[Any, Context], Any]:
    if name in _CONVERTERS:
        return _CONVERTERS[name]
    return next((f for suffix, f in _BY_SUFFIX.items() if name.endswith(suffix)), _unchanged)


def _unchanged(value: Any, context: Context) -> Any:
    return value
