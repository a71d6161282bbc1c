"""Errors of a layer call: which layer failed, where the user called it, and on what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cornu import tree
from cornu.core.graph.tensor import STRINGS_NOT_ACCEPTED, Tensor, standardize_shape
from cornu.core.layer.signature import call_signature
from cornu.core.state import scope
from cornu.core.tracebacks.api_boundary import has_location, locate_error, trim_traceback
from cornu.core.tracebacks.user_frames import user_location
from cornu.foreign import explain_argument, keras_class

if TYPE_CHECKING:
    from cornu.core.layer.layer import Layer

__all__ = ["describe_missing_input", "locate_call_error"]


def locate_call_error(
    layer: Layer, error: Exception, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Exception:
    """Returns the error to raise: it begins with the layer, the user's line and the inputs."""
    if has_location(error):
        return trim_traceback(error, error)
    error = explain_argument(error, (args, kwargs))
    if not (layer._accepts_strings_ or layer._is_model_) and _contains_strings((args, kwargs)):
        # Before its dtype, the shape of the Tensor may have been wrong for the layer.
        error = TypeError(STRINGS_NOT_ACCEPTED)
    signature = call_signature(type(layer))
    mismatch = signature.describe_mismatch(args, kwargs) if isinstance(error, TypeError) else ""
    if mismatch:
        error.args = (f"{type(layer).__name__}.call{mismatch}",)
    shapes = ", ".join(map(_format_shapes, signature.bind_tensors(args, kwargs).values()))
    shapes = shapes or ", ".join(map(_format_argument, args)) or "nothing"
    layer_path = scope.current().layer_path
    location = user_location()
    if layer_path:
        location = f"in {' > '.join(layer_path)} ({location.rpartition('(')[2]}"
    label = layer._label_().replace(" layer ", " ") if layer._is_model_ else layer._label_()
    return locate_error(error, f"{label} {location}, called on {shapes}", label, not mismatch)


def describe_missing_input(value: Any) -> str:
    """Returns the message for a first call that received no array to build the layer for."""
    if value is None:
        remedy = "A common cause is a function without a `return` statement."
    elif keras_class(value) is not None:
        remedy = "It is an object of Keras: create the inputs of the model by cornu.Input(...)."
    else:
        remedy = "Convert it to an array first: numpy.asarray(x)."
    return (
        "expected an array or a symbolic Tensor, from whose shape the layer is built; "
        f"received {_format_type(value)}.\n{remedy}"
    )


def _contains_strings(arguments: Any) -> bool:
    return any(isinstance(x, Tensor) and x.dtype == "string" for x in tree.leaves(arguments))


def _format_shapes(value: Any) -> str:
    shapes = tree.map(lambda x: standardize_shape(x.shape) if hasattr(x, "shape") else x, value)
    return f"shape {shapes}"


def _format_argument(value: Any) -> str:
    return _format_shapes(value) if hasattr(value, "shape") else _format_type(value)


def _format_type(value: Any) -> str:
    if value is None:
        return "None"
    module = type(value).__module__
    return f"a {type(value).__name__}" + ("" if module == "builtins" else f" of {module}")
