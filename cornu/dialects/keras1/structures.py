"""Arguments of Keras 1 that are lists, dicts or single values."""

from __future__ import annotations

from typing import Any

from cornu.data.class_weights import checked_class_weight, weights_of_classes

__all__ = ["unwrap_single", "weight_rows"]


def unwrap_single(things: Any) -> Any:
    """Returns the element of a list of length one, and other values unchanged."""
    return things[0] if isinstance(things, (list, tuple)) and len(things) == 1 else things


def weight_rows(y: Any, class_weight: Any, sample_weight: Any) -> tuple[Any, Any]:
    """Converts class weights to sample weights if there is one output."""
    if class_weight is None or (
        isinstance(class_weight, dict)
        and any(isinstance(one, dict) for one in class_weight.values())
    ):
        return class_weight, sample_weight
    checked = checked_class_weight(class_weight, "y")
    # In Keras 1, sample weights take precedence over class weights.
    if sample_weight is None:
        sample_weight = weights_of_classes(unwrap_single(y), checked, "y")
    return None, sample_weight
