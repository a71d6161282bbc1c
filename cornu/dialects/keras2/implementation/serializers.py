"""`serialize` and `deserialize` of the modules of Keras 2."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cornu import registry
from cornu.dialects.keras2.implementation.configs import make_configs, serialize_object
from cornu.dialects.keras2.implementation.version import Version
from cornu.dialects.old_signatures import with_signature

__all__ = ["make_object_serializers", "make_serializers"]

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
        return serialize_object(instance, version)

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


def make_object_serializers(version: Version) -> dict[str, Any]:
    """Returns `serialize_keras_object` and `deserialize_keras_object` of `tf.keras.utils`.

    Args:
        version: the version.
    """

    def serialize_keras_object(obj: Any) -> Any:
        """Returns the class and the config of an object; the name of a function."""
        return serialize_object(obj, version)

    def deserialize_keras_object(
        config: Any, custom_objects: Any = None, safe_mode: bool = True, **kwargs: Any
    ) -> Any:
        """Returns the object for a result of `serialize_keras_object`.

        Args:
            config: the class and the config.
            custom_objects: classes and functions by name.
            safe_mode: has no effect: code in a config is never executed.
            **kwargs: `module_objects` and `printable_module_name`, as in Keras 2.
        """
        given = {**(kwargs.get("module_objects") or {}), **(custom_objects or {})}
        with registry.custom_object_scope(given):
            if isinstance(config, Mapping) and config.get("module") == "keras.layers":
                return make_configs(version).create_layer(config)
            return registry.deserialize(config)

    return {
        "deserialize_keras_object": deserialize_keras_object,
        "serialize_keras_object": serialize_keras_object,
    }
