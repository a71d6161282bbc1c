"""Calls of layers on symbolic Tensors, and the specs of their outputs."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax

from cornu import tree
from cornu.core.graph.inference import infer_outputs, infer_outputs_by_config, record_op
from cornu.core.graph.op import MaskOp
from cornu.core.graph.tensor import Tensor
from cornu.core.layer import calling
from cornu.core.layer.masks import (
    attach_inner_masks,
    attach_masks,
    fill_mask_arguments,
    symbolic_mask,
)
from cornu.core.layer.shapes import map_shapes
from cornu.core.layer.signature import call_signature
from cornu.core.state import scope
from cornu.names import is_library_class
from cornu.types import PyTree

if TYPE_CHECKING:
    from cornu.core.layer.layer import Layer

__all__ = [
    "call_symbolic",
    "compute_symbolic_mask",
    "infer_call",
    "infer_output_shape",
    "infer_output_spec",
    "name_shape_parameters",
]


def call_symbolic(layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> PyTree:
    """Records a call as a node; returns its outputs, with their masks."""
    signature = call_signature(type(layer))
    kwargs = {k: v for k, v in kwargs.items() if not (k == "training" and v is None)}
    tensors = signature.bind_tensors(args, kwargs)
    masks = fill_mask_arguments(signature, tensors, kwargs, symbolic_mask)
    calling.build_and_check(layer, tensors)
    outputs, inner_masks = layer._infer_call_(args, kwargs)
    if not any(isinstance(leaf, Tensor) for leaf in tree.leaves(outputs)):
        raise TypeError(
            f"{type(layer).__name__}.call must return an array. Received: {outputs!r}\n"
            "Often a `return` is missing."
        )
    node = layer._record_(args, kwargs, outputs, looks_up_masks=layer._calls_user_code_())
    if tensors and (masks is not None or layer.supports_masking):
        attach_masks(layer, next(iter(tensors.values())), masks, node.outputs)
    if masks is None and inner_masks:
        attach_inner_masks(node.outputs, inner_masks)
    return node.outputs


def infer_call(
    layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[PyTree, list[Tensor | None]]:
    """Returns the outputs of a symbolic call, and the masks that layers within it attach."""
    if "compute_output_spec" in layer._overridden_:
        return layer.compute_output_spec(*args, **_drop_training(layer, kwargs)), []
    if layer._infers_by_config_:
        return infer_outputs_by_config(layer, args, kwargs), []
    if not layer._calls_user_code_():
        return infer_outputs(lambda *a, **k: layer._run_(a, k), args, kwargs), []

    def run(*args: Any, **kwargs: Any) -> tuple[Any, list[Any]]:
        outputs = layer._run_(args, kwargs)
        return outputs, [scope.current().masks.get(leaf) for leaf in tree.leaves(outputs)]

    declared: Callable[[], Any] | None = None
    if "compute_output_shape" in layer._overridden_:
        # Some calls cannot be traced without the sizes, such as those that slice a table of
        # positions. Then the layer says what it returns.
        declared = lambda: (_outputs_as_declared(layer, args, kwargs), [])  # noqa: E731
    outputs, masks = infer_outputs(run, args, kwargs, declared)
    return outputs, masks


def compute_symbolic_mask(layer: Layer, inputs: PyTree, masks: PyTree) -> PyTree:
    """Returns the masks of the outputs of a symbolic call, which are Tensors as well."""
    if "compute_mask" not in layer._overridden_:
        return masks
    return record_op(MaskOp(layer.compute_mask), (inputs, masks), {})


def _drop_training(layer: Layer, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Returns keyword arguments for `compute_output_spec`, which may not take `training`."""
    parameters = inspect.signature(layer.compute_output_spec).parameters.values()
    if any(p.name == "training" or p.kind is p.VAR_KEYWORD for p in parameters):
        return kwargs
    return {name: value for name, value in kwargs.items() if name != "training"}


def infer_output_spec(layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> PyTree:
    """Returns Tensors like the outputs of a call; see `Layer.compute_output_spec`."""
    calling.build_and_check(layer, call_signature(type(layer)).bind_tensors(args, kwargs))
    return infer_outputs(lambda *a, **k: layer._run_(a, k), args, kwargs)


def name_shape_parameters(cls: Any, general: Callable[..., PyTree]) -> None:
    """Gives `compute_output_shape` of a class with a new `call` the parameters that Keras has.

    Layers of the library that take one input have the parameter `input_shape`, and others any, as
    the base class.

    Args:
        cls: a class of layers.
        general: `compute_output_shape` of the base class.
    """
    is_own = "compute_output_shape" in vars(cls)
    if is_own or cls.compute_output_shape not in (general, _shape_for_one_input):
        return
    call = vars(cls)["call"]
    takes_one = (
        is_library_class(cls)
        and not cls._is_model_  # the inputs of a subclass are not known
        and inspect.isfunction(call)
        and call.__code__.co_argcount - len(call.__defaults__ or ()) == 2
        and not call.__code__.co_flags & inspect.CO_VARARGS
    )
    method = _shape_for_one_input if takes_one else general
    if cls.compute_output_shape is not method:
        cls.compute_output_shape = method


def _shape_for_one_input(self: Layer, input_shape: PyTree, *args: Any, **kwargs: Any) -> PyTree:
    """Returns the shape of the output for the shape of the input.

    Args:
        input_shape: the shape of the input, or a structure of shapes for several inputs.
        *args, **kwargs: further arguments of `call`.
    """
    return infer_output_shape(self, (input_shape, *args), kwargs)


_shape_for_one_input.__name__ = "compute_output_shape"
_shape_for_one_input.__qualname__ = "Layer.compute_output_shape"


def infer_output_shape(layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> PyTree:
    """Returns the shapes of the outputs; see `Layer.compute_output_shape`."""
    names = call_signature(type(layer)).names
    named: dict[str, Any] = {}
    for name, value in kwargs.items():
        parameter = names[0] if name in ("input_shape", "inputs_shape") and names else name
        named[parameter if parameter in names else parameter.removesuffix("_shape")] = value

    def to_tensors(value: Any) -> Any:
        if not isinstance(value, (list, tuple, dict)):
            return value
        return map_shapes(lambda shape: Tensor(shape, dtype=layer.compute_dtype), value)

    outputs = layer.compute_output_spec(
        *[to_tensors(value) for value in args],
        **{name: to_tensors(value) for name, value in named.items()},
    )
    return jax.tree_util.tree_map(lambda t: t.shape, outputs)


def _outputs_as_declared(layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> PyTree:
    """Returns Tensors with the shapes that `compute_output_shape` of a layer returns."""
    tensors = call_signature(type(layer)).bind_tensors(args, kwargs)
    shapes = {name: tree.map(lambda t: t.shape, value) for name, value in tensors.items()}
    parameters = inspect.signature(layer.compute_output_shape).parameters
    by_name = {f"{name}_shape": shape for name, shape in shapes.items()}
    if len(parameters) > 1 and parameters.keys() & by_name.keys():
        by_name = {name: shape for name, shape in by_name.items() if name in parameters}
        declared = layer.compute_output_shape(**by_name)
    else:
        declared = layer.compute_output_shape(next(iter(shapes.values())))
    return map_shapes(lambda shape: Tensor(shape, layer.compute_dtype), declared)
