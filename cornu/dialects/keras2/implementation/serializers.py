"""`serialize` and `deserialize` of the modules of Keras 2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu import registry
from cornu.dialects.keras2.implementation.utils import serialize_keras_object
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


def make_serializers(path: str, get: Callable[..., Any], is_tensorflow: bool) -> dict[str, Any]:
    """Returns `serialize` and `deserialize` of a module.

    Args:
        path: the module, such as "activations".
        get: returns the object for a config or a name.
        is_tensorflow: whether they are those of tf.keras.
    """

    def deserialize(config: Any, custom_objects: Any = None) -> Any:
        if isinstance(config, str) and config in (custom_objects or {}):
            return custom_objects[config]
        with registry.custom_object_scope(custom_objects):
            return get(config)

    config, instance = _SUBJECTS[path]
    more, ignored = (", use_legacy_format=False", _FORMAT) if is_tensorflow else ("", {})
    return {
        "deserialize": with_signature(
            deserialize, f"{config}, custom_objects=None{more}", {config: "config"}, ignored
        ),
        "serialize": with_signature(
            serialize_keras_object, f"{instance}{more}", {instance: "instance"}, ignored
        ),
    }
