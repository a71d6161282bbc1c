"""Models that Keras 3 wrote to HDF5 files, which do not tell ops from layers of the same names."""

from __future__ import annotations

from typing import Any

__all__ = ["mark_ops"]

# Entries that every layer has in its config, and no op.
_OF_LAYERS = frozenset(("trainable", "dtype", "layers", "batch_shape"))


def mark_ops(value: Any) -> Any:
    """Returns a config in which the nodes of graphs that are ops have their module.

    Example:

    >>> node = {"class_name": "Multiply", "config": {"name": "m"}, "inbound_nodes": []}
    >>> mark_ops(node)["module"]
    'keras.src.ops'
    """
    if isinstance(value, list):
        return [mark_ops(item) for item in value]
    if not isinstance(value, dict):
        return value
    marked = {name: mark_ops(item) for name, item in value.items()}
    config = value.get("config")
    is_node = "inbound_nodes" in value and "module" not in value and isinstance(config, dict)
    if is_node and not _OF_LAYERS & set(config or ()):
        marked["module"] = "keras.src.ops"
    return marked
