"""Configs of layers and models as Keras 1.2.2 writes them."""

from __future__ import annotations

from typing import Any

from cornu import settings
from cornu.core.layer.layer import Layer
from cornu.dialects.graph_configs import (
    UnknownLayer,
    describe_function,
    describe_graph,
    describe_output_shape,
    input_shape_of,
    set_input,
)
from cornu.dialects.keras1.merge import Branches, Merge
from cornu.dialects.old_configs import OldConfigs, defines_config, is_of_program, present_function
from cornu.layers import InputLayer
from cornu.legacy.keras1.argument_values import get_activation, image_dim_ordering
from cornu.legacy.keras1.calls import OldCall, find_call
from cornu.legacy.keras1.config_values import convert_value, restore_value
from cornu.legacy.keras1.layer_table import ALIASES, LAYERS
from cornu.models import Model, Sequential
from cornu.types import Config

__all__ = ["CONFIGS", "ROWS", "describe_layer", "describe_model"]

# Arguments that Keras 1 does not write, by class. They are written if they are not the defaults,
# because a layer that is created without them would compute something else.
_UNWRITTEN: dict[str, tuple[str, ...]] = {
    "BatchNormalization": ("beta_init", "gamma_init"),
    "ConvLSTM2D": (
        *("W_regularizer", "U_regularizer", "b_regularizer", "dropout_W", "dropout_U"),
        "subsample",
    ),
    "Dropout": ("noise_shape", "seed"),
    **dict.fromkeys(("PReLU", "ParametricSoftplus", "SReLU"), ("shared_axes",)),
    **{
        f"{kind}{n}D": ("dim_ordering",)
        for kind in ("Cropping", "SpatialDropout", "UpSampling", "ZeroPadding")
        for n in (2, 3)
    },
}
# Arguments whose default is the value of another one.
_SAME_AS = {"strides": "pool_size", "stride": "pool_length"}
# Layers that write the size of the input that they were built for.
_MEASURING = ("Dense", "GRU", "LSTM", "MaxoutDense", "SimpleRNN")
_PRODUCTS = ("dot", "cos")
# What every layer has; `weights` is never written.
_OF_LAYERS = ("batch_input_shape", "input_dtype", "input_shape", "name", "trainable", "weights")


# The row of each layer.
ROWS = {row.old_name: row for rows in LAYERS.values() for row in rows} | {"Merge": Merge.mapping}
ROWS |= {alias: ROWS[name] for names in ALIASES.values() for alias, name in names.items()}


def describe_model(model: Model) -> Config:
    """Returns the class and the config of a model.

    Raises:
        UnknownLayer: a layer is not one of Keras 1.
    """
    if isinstance(model, Sequential):
        return {"class_name": "Sequential", "config": _describe_sequential(model)}
    graph = model._graph_
    if graph is None:
        raise UnknownLayer(f"{model.name!r} is not a Sequential or a functional model")
    config = describe_graph(graph, model.name, describe_layer, has_arguments=False)
    return {"class_name": "Model", "config": config}


def describe_layer(layer: Any) -> Config:
    """Returns the class and the config of a layer or model.

    Raises:
        UnknownLayer: it is not one of Keras 1.
    """
    if isinstance(layer, Model):
        return describe_model(layer)
    if isinstance(layer, InputLayer):
        return {"class_name": "InputLayer", "config": _describe_input(layer)}
    call = find_call(layer)
    if call is not None:
        kind = type(layer).__name__ if is_of_program(layer) else call.mapping.old_name
        if not is_of_program(layer) or not defines_config(layer):
            return {"class_name": kind, "config": _describe_call(layer, call)}
    if not is_of_program(layer):
        kind = type(layer).__name__
        raise UnknownLayer(f"layer {layer.name!r} ({kind}) was not created by a class of Keras 1")
    config = {"name": layer.name, "trainable": layer.trainable, **layer.get_config()}
    return {"class_name": type(layer).__name__, "config": config}


def _describe_input(layer: Any) -> Config:
    return {
        "batch_input_shape": tuple(layer.output.shape),
        "input_dtype": layer.output.dtype,
        "sparse": layer.sparse,
        "name": layer.name,
    }


def _describe_call(layer: Any, call: OldCall) -> Config:
    """Returns the config of a layer that was created by a class of Keras 1."""
    name, given = call.mapping.old_name, call.arguments
    if name == "Merge":
        return _describe_merge(layer, call)
    config = _describe_base(layer, given.get("input_dtype"), name)
    for argument, parameter in call.mapping.parameters.items():
        value = given.get(argument)
        is_default = value == parameter.default if _is_plain(value) else False
        if argument in _OF_LAYERS or is_default and argument in _UNWRITTEN.get(name, ()):
            continue
        config[argument] = _describe_argument(layer, argument, value, given)
    if "function" in config:
        config |= describe_function("function", layer, given["function"])
        config |= describe_output_shape(layer, given["output_shape"])
    built_for = input_shape_of(layer)
    sizes = built_for or [None]
    if name in _MEASURING and config.get("input_dim") is None:
        config["input_dim"] = sizes[-1]
    if name == "TimeDistributed" and config["layer"]["class_name"] in _MEASURING:
        config["layer"]["config"]["input_dim"] = sizes[-1]
    if config.get("stateful") and built_for is not None:
        config["batch_input_shape"] = tuple(sizes)
        for argument in ("input_dim", "input_length"):
            config.pop(argument, None)
    return config


def _describe_base(layer: Any, dtype: Any = None, name: str = "") -> Config:
    """Returns the part of a config that every layer has."""
    config: Config = {"name": layer.name, "trainable": layer.trainable}
    shape = layer._input_shape_given_
    if shape is not None:
        config["batch_input_shape"] = tuple(shape)
        default = "int32" if name == "Embedding" else settings.get("floatx")
        config["input_dtype"] = dtype or default
    return config


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (bool, int, float, str, tuple, list))


def _describe_argument(layer: Any, name: str, value: Any, given: Any) -> Any:
    if name == "activation":
        value = present_function(layer, name, get_activation(value or "linear")) or value
    if isinstance(value, Layer):
        return describe_layer(value)
    if name == "dim_ordering" and value in ("default", None):
        return image_dim_ordering()
    if value is None and name in _SAME_AS:
        return given[_SAME_AS[name]]
    if name == "arguments":
        return value or {}
    return restore_value(name, value)


# -------------------------------------------------------------------------------------- functions


def _describe_merge(layer: Any, call: OldCall) -> Config:
    given = call.arguments
    config: Config = {
        "name": layer.name,
        **describe_function("mode", layer, given["mode"]),
        "concat_axis": given["concat_axis"],
        "dot_axes": _pair(given["dot_axes"]) if given["mode"] in _PRODUCTS else given["dot_axes"],
        **describe_output_shape(layer, given["output_shape"]),
        "output_mask": None,
        "output_mask_type": "raw",
        "arguments": given["arguments"] or {},
    }
    if isinstance(layer, Branches):
        config["layers"] = [describe_model(branch) for branch in layer.branches]
    return config


def _pair(axes: Any) -> Any:
    """Returns the axes of both factors of a product."""
    return [axes, axes] if isinstance(axes, int) else axes


# ----------------------------------------------------------------------------------------- models


def _describe_sequential(model: Any) -> list[Config]:
    entries = [describe_layer(layer) for layer in model.layers]
    set_input(model, entries, "input_dtype")
    return entries


# --------------------------------------------------------------------------------------- reading


def _restore(name: str, value: Any) -> Any:
    """Returns the value of an argument for its value in a config."""
    if name == "layers" and value:
        return [CONFIGS.create_layer(one) for one in value]
    return CONFIGS.create_layer(value) if name == "layer" else convert_value(name, value)


CONFIGS = OldConfigs(
    describe=_describe_call,
    describe_base=_describe_base,
    describe_input=_describe_input,
    restore=_restore,
    unused=frozenset(("function_type", "mode_type", "output_mask_type", "output_shape_type")),
)
