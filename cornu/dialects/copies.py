"""Copies of models of old versions, with layers of the version.

Configs name classes of today, and without the recorded calls of its layers a copy could not be
written as the model can.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cornu import registry
from cornu.core.layer.walk import nested_layers
from cornu.legacy.keras1.calls import find_call, record_call

__all__ = ["copy_model"]


def copy_model(model: Any, copy: Callable[[], Any], classes: Mapping[str, Any]) -> Any:
    """Returns a copy of a model.

    Args:
        model: the model.
        copy: returns a copy of the model from its config.
        classes: the classes of the version by the names in configs.
    """
    with registry.custom_object_scope(classes):
        copied = copy()
    for old, new in zip(nested_layers(model), nested_layers(copied), strict=True):
        call = find_call(old)
        if call is not None:
            record_call(new, call.mapping, call.arguments)
    return copied
