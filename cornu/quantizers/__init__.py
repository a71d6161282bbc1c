"""Quantization of weights and activations: functions, quantizers and configs of `quantize`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cornu import registry
from cornu.core.tracebacks.api_boundary import api_boundary as _api_boundary
from cornu.errors import suggest_names as _suggest_names
from cornu.quantizers.abs_max import AbsMaxQuantizer, Quantizer, abs_max_quantize
from cornu.quantizers.config import (
    AWQConfig,
    Float8QuantizationConfig,
    GPTQConfig,
    Int4QuantizationConfig,
    Int8QuantizationConfig,
    QuantizationConfig,
)
from cornu.quantizers.fake_quant import fake_quant_with_min_max_vars
from cornu.quantizers.float8 import (
    compute_float8_amax_history,
    compute_float8_scale,
    quantize_and_dequantize,
)
from cornu.quantizers.packing import pack_int4, unpack_int4
from cornu.quantizers.zero_point import abs_max_quantize_grouped_with_zero_point

__all__ = [
    "AWQConfig",
    "AbsMaxQuantizer",
    "Float8QuantizationConfig",
    "GPTQConfig",
    "Int4QuantizationConfig",
    "Int8QuantizationConfig",
    "QuantizationConfig",
    "Quantizer",
    "abs_max_quantize",
    "abs_max_quantize_grouped_with_zero_point",
    "compute_float8_amax_history",
    "compute_float8_scale",
    "deserialize",
    "fake_quant_with_min_max_vars",
    "get",
    "pack_int4",
    "quantize_and_dequantize",
    "serialize",
    "unpack_int4",
]


@_api_boundary
def get(identifier: Any, **kwargs: Any) -> Any:
    """Returns a quantizer or config for a name, a config or an object; None for None.

    Args:
        identifier: the name of a class, also in snake case, such as `"abs_max_quantizer"`; what
            `serialize` returned; or an object, which is returned unchanged.
        **kwargs: the arguments of the constructor, for a name or a class.

    Raises:
        ValueError: the name is unknown.

    Example:

    >>> get("abs_max_quantizer").value_range
    (-127, 127)

    Differences: `kwargs` are passed to the constructor by name; Keras passes the dict as the first
    argument.
    """
    if isinstance(identifier, str) and kwargs:
        identifier = registry.find("quantizers", _NAMES.get(identifier, identifier))
    if isinstance(identifier, type):
        return identifier(**kwargs)
    return registry.resolve("quantizers", identifier)


@_api_boundary
def serialize(initializer: Any) -> Any:
    """Describes a quantizer or config as data.

    Args:
        initializer: the quantizer or config; the name of the parameter is that of Keras.

    Example:

    >>> import cornu
    >>> cornu.quantizers.serialize(cornu.quantizers.AbsMaxQuantizer(axis=0))["class_name"]
    'AbsMaxQuantizer'
    """
    return registry.serialize(initializer)


@_api_boundary
def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Creates a quantizer or config from what `serialize` returned.

    Args:
        config: the data.
        custom_objects: classes and functions by name, in addition to registered ones.

    Raises:
        ValueError: a class is unknown.

    Example:

    >>> import cornu
    >>> config = cornu.quantizers.serialize(cornu.quantizers.AbsMaxQuantizer(axis=0))
    >>> cornu.quantizers.deserialize(config).axis
    (0,)
    """
    return registry.deserialize(config, custom_objects)


# As in Keras, names in snake case are accepted as well.
_NAMES = {
    "abs_max_quantizer": "AbsMaxQuantizer",
    "quantizer": "Quantizer",
    "quantization_config": "QuantizationConfig",
    "int8_quantization_config": "Int8QuantizationConfig",
    "int4_quantization_config": "Int4QuantizationConfig",
    "float8_quantization_config": "Float8QuantizationConfig",
}
for _name, _class in _NAMES.items():
    registry.add_class("quantizers", registry.find("quantizers", _class), _name)

_suggest_names(__name__, __all__)
