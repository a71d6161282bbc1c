"""Dtype policies: what a layer computes in and what it stores."""

from __future__ import annotations

from typing import Any

from cornu import registry
from cornu.core.state.dtype_policy import DTypePolicy, get_policy
from cornu.core.state.dtype_policy import DTypePolicy as FloatDTypePolicy
from cornu.core.state.quantized_policy import (
    AWQDTypePolicy,
    DTypePolicyMap,
    GPTQDTypePolicy,
    Int4DTypePolicy,
    QuantizedDTypePolicy,
    QuantizedFloat8DTypePolicy,
)
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.errors import suggest_names

__all__ = [
    "AWQDTypePolicy",
    "DTypePolicy",
    "DTypePolicyMap",
    "FloatDTypePolicy",
    "GPTQDTypePolicy",
    "Int4DTypePolicy",
    "QuantizedDTypePolicy",
    "QuantizedFloat8DTypePolicy",
    "deserialize",
    "get",
    "serialize",
]


@api_boundary
def get(identifier: Any) -> DTypePolicy:
    """Returns a policy from a name, a dtype, a config or a policy; `None` is the process-wide one.

    Args:
        identifier: one of these, such as `"float16"` or `"mixed_bfloat16"`.

    Raises:
        ValueError: the name is not that of a policy or dtype.

    Example:

    >>> get("mixed_bfloat16").variable_dtype
    'float32'
    """
    return get_policy(identifier)


@api_boundary
def serialize(dtype_policy: DTypePolicy) -> dict[str, Any]:
    """Describes a policy as data.

    Args:
        dtype_policy: the policy.

    Example:

    >>> import cornu
    >>> cornu.dtype_policies.serialize(cornu.dtype_policies.get("float32"))["config"]
    {'name': 'float32'}
    """
    config: dict[str, Any] = registry.serialize(dtype_policy)
    return config


@api_boundary
def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """Makes a policy from what `serialize` returned.

    Args:
        config: the data.
        custom_objects: classes by name, in addition to registered ones.

    Example:

    >>> import cornu
    >>> config = cornu.dtype_policies.serialize(cornu.dtype_policies.get("mixed_bfloat16"))
    >>> cornu.dtype_policies.deserialize(config).compute_dtype
    'bfloat16'
    """
    return registry.deserialize(config, custom_objects)


suggest_names(__name__, __all__)
