"""Layers that use Tensors of the model which are not inputs of the layer.

In Keras 1 and 2 a layer is a part of the graph, so that a layer of the program may keep a Tensor as
an attribute and use it when it is called, as an LSTM does that attends to the output of another
layer. Here such Tensors become further inputs of the call.
"""

from __future__ import annotations

from typing import Any

from cornu.core.graph.tensor import Tensor

__all__ = ["SurroundingTensors"]

# The keyword argument of a call that the Tensors are passed as.
_KEY = "surrounding_tensors"


class SurroundingTensors:
    """Mixin for layers of the program: Tensors among the attributes are inputs of each call."""

    def _infer_call_(self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return super()._infer_call_(args, kwargs | _surrounding(self))  # type: ignore[misc]

    def _record_(
        self: Any, args: Any, kwargs: Any, outputs: Any, looks_up_masks: bool = False
    ) -> Any:
        given = kwargs | _surrounding(self)
        return super()._record_(args, given, outputs, looks_up_masks)  # type: ignore[misc]

    def _run_(self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        values = kwargs.get(_KEY)
        if values is None:
            return super()._run_(args, kwargs)  # type: ignore[misc]
        attributes = vars(self)
        before = {name: attributes[name] for name in values}
        attributes.update(values)
        try:
            given = {name: value for name, value in kwargs.items() if name != _KEY}
            return super()._run_(args, given)  # type: ignore[misc]
        finally:
            attributes.update(before)


def _surrounding(layer: Any) -> dict[str, Any]:
    """Returns the keyword argument with the Tensors among the attributes, by their names."""
    found = {name: value for name, value in vars(layer).copy().items() if _is_tensor(value)}
    return {_KEY: found} if found else {}


def _is_tensor(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return bool(value) and all(isinstance(item, Tensor) for item in value)
    return isinstance(value, Tensor)
