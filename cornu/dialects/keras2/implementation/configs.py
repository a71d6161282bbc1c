"""Configs of layers and models as Keras 2.2.4 and 2.3.1 write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cornu import settings
from cornu.core.layer.layer import Layer
from cornu.dialects.graph_configs import (
    UnknownLayer,
    defines_config,
    describe_function,
    describe_graph,
    describe_output_shape,
    is_of_program,
    set_input,
)
from cornu.dialects.keras2.implementation.signatures import LAYER_KEYWORDS
from cornu.dialects.keras2.implementation.values import (
    FunctionInitializer,
    get_constraint,
    get_initializer,
    get_regularizer,
)
from cornu.dialects.keras2.implementation.version import Version
from cornu.layers import InputLayer
from cornu.legacy.keras1.calls import OldCall, find_call
from cornu.legacy.keras1.class_mapping import parse_signature
from cornu.models import Model, Sequential
from cornu.parts.initializers import VarianceScaling
from cornu.types import Config

__all__ = ["describe_layer", "describe_model"]

# Arguments that are not written, by class. They are written if they are not the defaults, because
# a layer that is created without them would compute something else.
_UNWRITTEN: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("AlphaDropout",), ("noise_shape", "seed")),
    **dict.fromkeys(
        ("LocallyConnected1D", "SpatialDropout2D", "SpatialDropout3D"), ("data_format",)
    ),
    "Lambda": ("mask",),
}
# Arguments of base classes that are written, with their values.
_INHERITED: dict[str, Config] = {
    **dict.fromkeys(
        ("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"),
        {"noise_shape": None, "seed": None},
    ),
    "ConvLSTM2D": {"return_state": False, "unroll": False},
    "DepthwiseConv2D": {"dilation_rate": 1},
}
# Arguments that are one number for all axes of images, or one for each.
_SIZES = ("kernel_size", "strides", "dilation_rate", "pool_size", "output_padding", "size")
_PAIRS = ("padding", "cropping")
_OF_LAYERS = tuple(parse_signature("", LAYER_KEYWORDS).parameters)
_DISTRIBUTIONS = {"truncated_normal": "normal", "untruncated_normal": "normal"}


def describe_model(model: Model, version: Version) -> Config:
    """Returns the class and the config of a model.

    Args:
        model: the model.
        version: Keras 2.2 or 2.3.

    Raises:
        UnknownLayer: a layer is not one of the version.
    """
    if isinstance(model, Sequential):
        entries = [describe_layer(layer, version) for layer in model.layers]
        set_input(model, entries, "dtype")
        config: Config = {"name": model.name, "layers": entries}
        return {"class_name": "Sequential", "config": config}
    graph = model._graph_
    if graph is None:
        raise UnknownLayer(f"{model.name!r} is not a Sequential or a functional model")
    config = describe_graph(
        graph, model.name, lambda layer: describe_layer(layer, version), has_arguments=True
    )
    return {"class_name": "Model", "config": config}


def describe_layer(layer: Any, version: Version) -> Config:
    """Returns the class and the config of a layer or model.

    Args:
        layer: the layer.
        version: Keras 2.2 or 2.3.

    Raises:
        UnknownLayer: it is not one of the version.
    """
    if isinstance(layer, Model):
        return describe_model(layer, version)
    if isinstance(layer, InputLayer):
        output = layer.output
        config = {"batch_input_shape": list(output.shape), "dtype": output.dtype}
        config |= {"sparse": layer.sparse, "name": layer.name}
        return {"class_name": "InputLayer", "config": config}
    call = find_call(layer)
    if call is not None and call.mapping.era.name == version.name:
        kind = type(layer).__name__ if is_of_program(layer) else call.mapping.old_name
        if not is_of_program(layer) or not defines_config(layer):
            return {"class_name": kind, "config": _describe_call(layer, call, version)}
    if not is_of_program(layer):
        kind = type(layer).__name__
        raise UnknownLayer(
            f"layer {layer.name!r} ({kind}) was not created by a class of {version.name}"
        )
    config = {"name": layer.name, "trainable": layer.trainable, **layer.get_config()}
    return {"class_name": type(layer).__name__, "config": config}


def _describe_call(layer: Any, call: OldCall, version: Version) -> Config:
    """Returns the config of a layer that was created by a class of Keras 2."""
    name, given = call.mapping.old_name, call.arguments
    config: Config = {"name": layer.name, "trainable": layer.trainable}
    shape = layer._input_shape_given_
    if shape is not None:
        config["batch_input_shape"] = list(shape)
    if shape is not None or not version.renames_accuracy:
        config["dtype"] = given.get("dtype") or settings.get("floatx")
    config |= _INHERITED.get(name, {})
    own = parse_signature(call.mapping.signature).parameters
    for argument, parameter in own.items():
        value = given.get(argument)
        is_default = value is None or value == parameter.default
        if is_default and argument in _UNWRITTEN.get(name, ()):
            continue
        if argument not in _OF_LAYERS or argument in ("input_dim", "input_length"):
            config[argument] = _describe_argument(layer, argument, value, given, version)
    config = {k: _spread(name, k, v) for k, v in config.items()}
    if name == "Lambda":
        config |= describe_function("function", layer, given["function"])
        config |= describe_output_shape(layer, given["output_shape"])
    return config


def _describe_argument(layer: Any, name: str, value: Any, given: Any, version: Version) -> Any:
    if isinstance(value, Layer):
        return describe_layer(value, version)
    if name == "cell" and isinstance(value, (list, tuple)):
        cells = [describe_layer(cell, version) for cell in value]
        config = {"name": layer.cell.name, "trainable": True, "cells": cells}
        return {"class_name": "StackedRNNCells", "config": config}
    if name == "cells":
        return [describe_layer(cell, version) for cell in value]
    if name == "strides" and value is None:
        return given["pool_size"]
    if name == "data_format":
        return value or settings.get("image_data_format")
    if name == "arguments":
        return value or {}
    return _describe_value(name, value)


def _describe_value(name: str, value: Any) -> Any:
    """Returns what an argument holds as plain data, where Keras 2 has objects."""
    if isinstance(value, Mapping):
        return value  # of a config
    if name.endswith("_initializer"):
        return _describe_initializer(get_initializer(value))
    if name.endswith("_regularizer"):
        return _describe_object(get_regularizer(value))
    if name.endswith("_constraint"):
        return _describe_object(get_constraint(value))
    if name in ("activation", "recurrent_activation"):
        return "linear" if value is None else getattr(value, "__name__", value)
    return value


def _describe_initializer(value: Any) -> Any:
    """Returns an initializer by its class of Keras 2, which has one for scaled variances."""
    if isinstance(value, FunctionInitializer):
        return getattr(value.function, "__name__", type(value.function).__name__)
    if not isinstance(value, VarianceScaling):
        return _describe_object(value)
    config = {
        "scale": value.scale,
        "mode": value.mode,
        "distribution": _DISTRIBUTIONS.get(value.distribution, value.distribution),
        "seed": value.get_config().get("seed"),
    }
    return {"class_name": "VarianceScaling", "config": config}


def _describe_object(value: Any) -> Any:
    if value is None or not callable(getattr(value, "get_config", None)):
        return value if value is None else getattr(value, "__name__", str(value))
    return {"class_name": type(value).__name__, "config": value.get_config()}


def _spread(name: str, argument: str, value: Any) -> Any:
    """Returns the sizes of all axes for one number."""
    digits = [letter for letter in name if letter.isdigit()]
    if not digits or value is None or isinstance(value, str):
        return value
    count = int(digits[0])
    if argument in _SIZES and isinstance(value, int) and name != "UpSampling1D":
        return [value] * count
    if argument in _PAIRS:
        if isinstance(value, int):
            return [value, value] if count == 1 else [[value, value]] * count
        if count > 1:
            return [[one, one] if isinstance(one, int) else list(one) for one in value]
    return value
