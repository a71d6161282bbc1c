"""Configs of layers and models as Keras 2.2.4 and 2.3.1 write them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from cornu import registry, settings
from cornu.core.layer.layer import Layer
from cornu.dialects.graph_configs import (
    UnknownLayer,
    describe_function,
    describe_graph,
    describe_output_shape,
    set_input,
)
from cornu.dialects.keras2.implementation.initializers import (
    AXES,
    FunctionInitializer,
    get_initializer,
    initializers_of,
)
from cornu.dialects.keras2.implementation.signatures import LAYER_KEYWORDS
from cornu.dialects.keras2.implementation.values import (
    get_activation,
    get_constraint,
    get_regularizer,
)
from cornu.dialects.keras2.implementation.version import Version
from cornu.dialects.old_configs import (
    OldConfigs,
    defines_config,
    is_of_program,
    present_function,
)
from cornu.layers import InputLayer, TimeDistributed
from cornu.legacy.keras1.calls import OldCall, find_call
from cornu.legacy.keras1.class_mapping import parse_signature
from cornu.models import Model, Sequential
from cornu.parts.initializers import VarianceScaling
from cornu.types import Config

__all__ = ["describe_layer", "describe_model", "make_configs", "serialize_object"]

# Arguments that are not written, by class. They are written if they are not the defaults, because
# a layer that is created without them would compute something else.
_UNWRITTEN: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("AlphaDropout",), ("noise_shape", "seed")),
    **dict.fromkeys(
        ("LocallyConnected1D", "SpatialDropout2D", "SpatialDropout3D"), ("data_format",)
    ),
    "Lambda": ("mask",),
}
# Those of tf.keras, which writes most arguments.
_UNWRITTEN_OF_TENSORFLOW: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("AlphaDropout",), ("noise_shape",)),
    "BatchNormalization": (
        *("synchronized", "renorm", "renorm_clipping", "renorm_momentum", "fused"),
        *("virtual_batch_size", "adjustment"),
    ),
    "Bidirectional": ("backward_layer",),
    "Conv3DTranspose": ("dilation_rate",),
    "Embedding": ("sparse",),
    "Lambda": ("mask",),
    "Softmax": ("robust_masking",),
    **dict.fromkeys(("SpatialDropout2D", "SpatialDropout3D"), ("data_format",)),
}
# Layers of tf.keras with a dtype of their own.
_DTYPES = {
    **dict.fromkeys(("Discretization", "HashedCrossing", "Hashing"), "int64"),
    **dict.fromkeys(("IntegerLookup", "StringLookup"), "int64"),
    "TextVectorization": "string",
}
# Arguments of base classes that are written, with their values.
_SPATIAL: Config = {"noise_shape": None, "seed": None}
_INHERITED: dict[str, Config] = {
    **dict.fromkeys(("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"), _SPATIAL),
    "ConvLSTM2D": {"return_state": False, "unroll": False},
    **dict.fromkeys(("CuDNNGRU", "CuDNNLSTM"), {"go_backwards": False}),
    "DepthwiseConv2D": {"dilation_rate": 1},
}
# Arguments whose default is the value of another one.
_SAME_AS = {"strides": "pool_size", "value_dim": "key_dim"}
_GROUPS = {"groups": 1}
_OF_PLAIN_KERNELS = {
    "kernel_initializer": "glorot_uniform",
    "kernel_regularizer": None,
    "kernel_constraint": None,
}
_STEPS = {"unroll": False, "time_major": False}
_INHERITED_OF_TENSORFLOW: dict[str, Config] = {
    **dict.fromkeys(("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"), _SPATIAL),
    "AlphaDropout": {"seed": None},
    **dict.fromkeys(("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"), _STEPS),
    **{f"Conv{n}DTranspose": _GROUPS for n in (1, 2, 3)},
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), _GROUPS),
    "MultiHeadAttention": dict.fromkeys(("query_shape", "key_shape", "value_shape")),
    **{
        f"Random{name}": {"rng_type": "stateful"}
        for name in (
            *("Brightness", "Contrast", "Crop", "Flip", "Rotation", "Translation", "Zoom"),
        )
    },
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D"), {**_GROUPS, **_OF_PLAIN_KERNELS}),
    "SimpleRNN": {"time_major": False},
}
# Arguments that are one number for all axes of images, or one for each.
_SIZES = ("kernel_size", "strides", "dilation_rate", "pool_size", "output_padding", "size")
_PAIRS = ("padding", "cropping")
_OF_LAYERS = (*parse_signature("", LAYER_KEYWORDS).parameters, "dynamic")
# Layers whose configs have what `adapt` computed.
_ADAPTED = ("Discretization", "IntegerLookup", "Normalization", "StringLookup", "TextVectorization")
_GETTERS: dict[str, Callable[[Any], Any]] = {
    "_constraint": get_constraint,
    "_regularizer": get_regularizer,
}
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
        return {"class_name": "InputLayer", "config": _describe_input(layer, version)}
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


def _describe_input(layer: Any, version: Version) -> Config:
    """Returns the config of an InputLayer."""
    output = layer.output
    config: Config = {"batch_input_shape": tuple(output.shape), "dtype": output.dtype}
    if version.source.is_tensorflow:
        config["ragged"] = False
    return {**config, "sparse": bool(layer.sparse), "name": layer.name}


def _describe_call(layer: Any, call: OldCall, version: Version) -> Config:
    """Returns the config of a layer that was created by a class of Keras 2."""
    name, given = call.mapping.old_name, call.arguments
    is_tensorflow = version.source.is_tensorflow
    dtype = _DTYPES.get(name) if is_tensorflow else None
    config = _describe_base(layer, version, dtype or given.get("dtype"))
    inherited = _INHERITED_OF_TENSORFLOW if is_tensorflow else _INHERITED
    unwritten = _UNWRITTEN_OF_TENSORFLOW if is_tensorflow else _UNWRITTEN
    for argument, value in inherited.get(name, {}).items():
        config[argument] = _describe_value(argument, value, version)
    own = parse_signature(call.mapping.signature).parameters
    target: Any = call.mapping.target
    of_today: Config = target.get_config(layer) if name in _ADAPTED else {}
    for argument, parameter in call.mapping.parameters.items():
        value = given.get(argument)
        is_default = value is None or value == parameter.default
        if is_default and argument in unwritten.get(name, ()):
            continue
        is_own = argument in own and argument in ("input_dim", "input_length")
        if argument not in _OF_LAYERS or is_own:
            described = _describe_argument(layer, argument, value, given, version)
            config[argument] = of_today.get(argument, described)
    config = {k: _spread(name, k, v) for k, v in config.items()}
    if name == "Lambda":
        config |= describe_function("function", layer, given["function"])
        config |= describe_output_shape(layer, given["output_shape"])
        if is_tensorflow:
            module = getattr(given["function"], "__module__", None)
            config |= {"module": module, "output_shape_module": None}
    return config


def _describe_base(layer: Any, version: Version, dtype: Any = None) -> Config:
    """Returns the part of a config that every layer has."""
    config: Config = {"name": layer.name, "trainable": layer.trainable}
    shape = layer._input_shape_given_
    if shape is not None:
        config["batch_input_shape"] = tuple(shape)
    if shape is not None or not version.renames_accuracy:
        config["dtype"] = dtype or settings.get("floatx")
    return config


def _describe_argument(layer: Any, name: str, value: Any, given: Any, version: Version) -> Any:
    is_tensorflow = version.source.is_tensorflow
    if isinstance(value, Layer):
        found = _describe_inner(value, version)
        # TimeDistributed sets this attribute of its layer.
        if not layer.trainable and isinstance(layer, TimeDistributed) and not is_tensorflow:
            found["config"]["trainable"] = False
        return found
    if name == "cell" and isinstance(value, (list, tuple)):
        cells = [_describe_inner(cell, version) for cell in value]
        config = {"name": layer.cell.name, "trainable": True, "cells": cells}
        return {"class_name": "StackedRNNCells", "config": config}
    if name == "cells":
        return [_describe_inner(cell, version) for cell in value]
    if name == "activation":
        value = present_function(layer, name, get_activation(value)) or value
    if value is None and name in _SAME_AS and _SAME_AS[name] in given:
        return given[_SAME_AS[name]]
    if name == "data_format":
        return value or settings.get("image_data_format")
    if name == "arguments":
        return value or {}
    return _describe_value(name, value, version)


def _describe_inner(layer: Any, version: Version) -> Config:
    """Returns the class and the config of a layer within another one."""
    found = describe_layer(layer, version)
    if version.source.is_tensorflow:
        return {"module": "keras.layers", **found, "registered_name": None}
    return found


def _describe_value(name: str, value: Any, version: Version) -> Any:
    """Returns what an argument holds as plain data, where Keras 2 has objects."""
    if isinstance(value, Mapping):
        return value  # of a config
    get = _getter_of(name, version)
    if get is not None:
        return serialize_object(get(value), version)
    if name in ("activation", "recurrent_activation"):
        return "linear" if value is None else getattr(value, "__name__", value)
    return value


def _getter_of(name: str, version: Version) -> Callable[[Any], Any] | None:
    """Returns the function that returns the object for a value of an argument, or None."""
    if name.endswith(("_initializer", "init")):
        return functools.partial(get_initializer, names=initializers_of(version))
    return next((get for suffix, get in _GETTERS.items() if name.endswith(suffix)), None)


def _describe_of_tensorflow(value: Any) -> Any:
    """Returns an object as tf.keras describes it: as today, with its config in the layout there."""
    found = registry.serialize(value)
    if not isinstance(value, registry.ArgumentCapture):
        return found
    config = registry.serialize(value.get_config())
    # Layers of the program may have objects of today.
    return {**found, "config": {name: one for name, one in config.items() if name not in AXES}}


def _describe_of_keras(value: Any) -> Any:
    """Returns an object by its class of Keras 2, which has one for scaled variances."""
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
        return (value,) * count
    if argument in _PAIRS:
        if isinstance(value, int):
            return (value, value) if count == 1 else ((value, value),) * count
        if count > 1:
            return tuple((one, one) if isinstance(one, int) else tuple(one) for one in value)
    return tuple(value) if isinstance(value, list) and argument in (*_SIZES, *_PAIRS) else value


def serialize_object(value: Any, version: Version) -> Any:
    """Returns the class and the config of an object; the name of a function.

    Args:
        value: the object.
        version: the version.
    """
    if isinstance(value, Layer):
        return _describe_inner(value, version)
    if version.source.is_tensorflow:
        return _describe_of_tensorflow(value)
    return _describe_of_keras(value)


# --------------------------------------------------------------------------------------- reading

# Entries of configs that are no arguments of constructors.
_UNUSED = (
    *("function_type", "module", "output_shape_type", "output_shape_module", "num_constants"),
)


@functools.cache
def make_configs(version: Version) -> OldConfigs:
    """Returns the layout of the configs of a version."""

    def restore(name: str, value: Any) -> Any:
        if name == "cells":
            return [configs.create_layer(cell) for cell in value]
        if name in ("backward_layer", "cell", "layer"):
            return configs.create_layer(value)
        get = _getter_of(name, version)
        return value if get is None or not isinstance(value, Mapping) else get(value)

    inherited = _INHERITED_OF_TENSORFLOW if version.source.is_tensorflow else _INHERITED
    configs = OldConfigs(
        describe=functools.partial(_describe_call, version=version),
        describe_input=functools.partial(_describe_input, version=version),
        describe_base=functools.partial(_describe_base, version=version),
        restore=restore,
        unused=frozenset((*_UNUSED, *(name for own in inherited.values() for name in own))),
    )
    return configs
