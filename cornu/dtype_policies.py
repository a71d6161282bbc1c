"""Dtype policies: what a layer computes in and what it stores."""

from __future__ import annotations

from typing import Any

from cornu import registry
from cornu.core.state.dtype_policy import DTypePolicy, get_policy
from cornu.core.state.dtype_policy import DTypePolicy as FloatDTypePolicy

__all__ = ["DTypePolicy", "FloatDTypePolicy", "deserialize", "get", "serialize"]


def get(identifier: Any) -> DTypePolicy:
    """Returns a policy from a name, a dtype, a config or a policy; `None` is the process-wide one.

    Example:

    >>> get("mixed_bfloat16").variable_dtype
    'float32'
    """
    return get_policy(identifier)


def serialize(dtype_policy: DTypePolicy) -> dict[str, Any]:
    """Describes a policy as data."""
    config: dict[str, Any] = registry.serialize(dtype_policy)
    return config


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """Makes a policy from what `serialize` returned."""
    return registry.deserialize(config, custom_objects)
