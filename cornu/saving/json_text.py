"""Configs as JSON."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["to_json"]


def to_json(config: Any) -> str:
    """Returns a config as JSON.

    Raises:
        TypeError: the config contains an object that is not plain data.
    """

    def raise_not_serializable(value: Any) -> Any:
        raise TypeError(
            f"{value!r} (of type {type(value).__name__}) cannot be serialized. To support a class "
            "of your own, define `get_config()` and decorate it with "
            "@cornu.saving.register_keras_serializable()."
        )

    return json.dumps(config, default=raise_not_serializable)
