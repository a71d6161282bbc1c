"""Converts the layers of Keras 1."""

from __future__ import annotations

from typing import Any

from cornu import registry
from cornu.core.layer.layer import Layer
from cornu.errors import suggest
from cornu.layers import BatchNormalization
from cornu.legacy.keras1.class_mapping import (
    TARGET_CLASS,
    ClassMapping,
    convert_bound,
    parse_signature,
)
from cornu.legacy.keras1.config_values import convert_value, describe_function
from cornu.legacy.keras1.layer_table import ALIASES, LAYERS
from cornu.legacy.keras1.merges import convert_merge
from cornu.legacy.layer_row import Context
from cornu.legacy.layers.batch_normalization import (
    MeasuringBatchNormalization,
    TheanoBatchNormalization,
)
from cornu.legacy.layers.theano import choose_class
from cornu.legacy.source import Source
from cornu.types import Config

__all__ = ["convert_layer", "find_ordering"]

_ROWS = {row.old_name: row for rows in LAYERS.values() for row in rows}
_ROWS |= {alias: _ROWS[name] for names in ALIASES.values() for alias, name in names.items()}

# Arguments of early versions that changed only the initial weights.
_DROPPED = ("transform_bias",)


def convert_layer(entry: Config, context: Context) -> Config:
    """Returns the entry of today for the entry of a layer.

    Args:
        entry: the entry, with `class_name` and `config`.
        context: what the conversion depends on.

    Raises:
        ValueError: an argument has no equal today.
    """
    name, config = str(entry["class_name"]), entry["config"]
    if name == "Merge":
        return convert_merge(config)
    row = _ROWS.get(name)
    if row is None:
        return {"class_name": name, "config": config}  # a class of the program
    if "layer" in config:
        config = {**config, "layer": context.convert(config["layer"])}
    if name == "Lambda":
        config = _describe_lambda(config)
    given = _bind(row, config)
    if given.get("dim_ordering") == "default":
        given["dim_ordering"] = context.source.dim_ordering
    arguments = convert_bound(row, given)
    target = arguments.pop(TARGET_CLASS, row.target)
    if target is BatchNormalization:
        target = _choose_normalization(context.source)
    if context.source.backend == "theano":
        target = choose_class(target, arguments)
    arguments.pop("input_shape", None)  # the model has the shape of its input
    return describe(target, arguments)


def _choose_normalization(source: Source) -> type[Layer]:
    """Returns the class for mode 0, in which a frozen layer measures its batch, too.

    The variance of the batch from Theano includes epsilon since 1.2.
    """
    if source.backend == "theano" and source.version >= (1, 2):
        return TheanoBatchNormalization
    return MeasuringBatchNormalization


def find_ordering(config: Any, source: Source) -> str:
    """Returns the order of axes of images, "tf" or "th", of layers whose config lacks it.

    ZeroPadding2D and Cropping2D of Keras 1.2 do not write it. It is that of the other layers, or of
    the backend.

    Args:
        config: the config of the model.
        source: what wrote it.
    """
    found: list[Any] = []
    pending = [config]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            found.append(item.get("dim_ordering"))
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
    if "th" in found or "tf" in found:
        return "th" if "tf" not in found else "tf"
    return "th" if source.backend == "theano" else "tf"


def describe(cls: type[Layer], arguments: Config) -> Config:
    """Returns the entry for a layer with given arguments."""
    return {
        "module": "keras.layers",
        "class_name": registry.get_registered_name(cls),
        "config": {name: _plain(registry.serialize(value)) for name, value in arguments.items()},
        "registered_name": None,
    }


def _bind(row: ClassMapping, config: Config) -> Config:
    """Returns all arguments of a layer, with the defaults of those that the config lacks."""
    known = parse_signature(row.signature, row.keywords).parameters
    arguments = {
        name: None if parameter.default is parameter.empty else parameter.default
        for name, parameter in known.items()
    }
    for name, value in config.items():
        if name in known:
            arguments[name] = convert_value(name, value)
        elif name not in (*_DROPPED, "trainable") and value is not None:
            raise ValueError(
                f"{row.old_name} {str(config.get('name'))!r} of Keras 1 has no argument "
                f"{name!r}. {suggest(name, known)}\nIf it is a class of your own, pass "
                f"custom_objects={{{row.old_name!r}: ...}}."
            )
    missing = [
        name
        for name, parameter in known.items()
        if parameter.default is parameter.empty and name not in config
    ]
    if missing:
        raise ValueError(
            f"{row.old_name} {str(config.get('name'))!r} of Keras 1 must have the argument "
            f"{missing[0]!r}. The config has: {', '.join(sorted(config))}."
        )
    return arguments


def _describe_lambda(config: Config) -> Config:
    """Replaces bytecode by a reference to a lambda, which the program must pass."""
    kept: Config = {k: config[k] for k in ("name", "trainable", "arguments") if k in config}
    return {**kept, "function": describe_function(config, "function")}


def _plain(value: Any) -> Any:
    """Returns plain data without tuples, as JSON has it."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return {k: _plain(v) for k, v in value.items()} if isinstance(value, dict) else value
