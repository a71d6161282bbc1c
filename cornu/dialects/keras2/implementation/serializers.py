"""`serialize` and `deserialize` of the modules of Keras 2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu import registry
from cornu.dialects.keras2.implementation.configs import serialize_object
from cornu.dialects.keras2.implementation.version import Version
from cornu.dialects.old_signatures import with_signature

__all__ = ["make_serializers"]

# The first parameters of `deserialize` and `serialize` in each module.
_SUBJECTS = {
    "activations": ("name", "activation"),
    "constraints": ("config", "constraint"),
    "initializers": ("config", "initializer"),
    "layers": ("config", "layer"),
    "losses": ("name", "loss"),
    "metrics": ("config", "metric"),
    "optimizers": ("config", "optimizer"),
    "regularizers": ("config", "regularizer"),
}
_FORMAT = {"use_legacy_format": "configs of both formats are read, and those of Keras 3 are made."}


def make_serializers(path: str, get: Callable[..., Any], version: Version) -> dict[str, Any]:
    """Returns `serialize` and `deserialize` of a module.

    Args:
        path: the module, such as "activations".
        get: returns the object for a config or a name.
        version: the version.
    """

    def serialize(instance: Any) -> Any:
        return serialize_object(path, instance, version)

    def deserialize(config: Any, custom_objects: Any = None) -> Any:
        if isinstance(config, str) and config in (custom_objects or {}):
            return custom_objects[config]
        with registry.custom_object_scope(custom_objects):
            return get(config)

    config, instance = _SUBJECTS[path]
    more, ignored = "", {}
    if version.source.is_tensorflow:
        more, ignored = ", use_legacy_format=False", _FORMAT
    return {
        "deserialize": with_signature(
            deserialize, f"{config}, custom_objects=None{more}", {config: "config"}, ignored
        ),
        "serialize": with_signature(
            serialize, f"{instance}{more}", {instance: "instance"}, ignored
        ),
    }
