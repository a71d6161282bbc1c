"""Converts the layers of Keras 1."""

from __future__ import annotations

from cornu.legacy.layer_row import Context
from cornu.types import Config

__all__ = ["convert_layer"]


def convert_layer(entry: Config, context: Context) -> Config:
    """Returns the entry of today for the entry of a layer.

    Args:
        entry: the entry, with `class_name` and `config`.
        context: what the conversion depends on.

    Raises:
        ValueError: files of Keras 1 are not supported yet.
    """
    raise ValueError(
        f"The model was written by {context.source}, which is not supported yet: "
        f"{entry['class_name']!r}.\nIf this is wrong, pass keras_version, such as "
        "keras_version='2.2.4'."
    )
