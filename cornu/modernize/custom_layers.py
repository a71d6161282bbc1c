"""Rewrites layers that the program defines: methods, weights, and attributes of layers."""

from __future__ import annotations

import inspect

import libcst as cst

from cornu.core.layer.layer import Layer
from cornu.modernize.arguments import (
    UnreadableError,
    bind_call,
    changed_arguments,
    write_arguments,
)
from cornu.modernize.context import Context
from cornu.modernize.expressions import code_of, parse
from cornu.modernize.names import find_today

__all__ = [
    "initialize_base",
    "is_add_weight",
    "rename_attribute",
    "rename_method",
    "rewrite_add_weight",
    "rewrite_creation",
]

# Functions of the backend that create weights -> initializers of today.
_CREATIONS = {"backend.zeros": "'zeros'", "backend.ones": "'ones'"}
_FROZEN = (
    "frozen BatchNormalization layers compute with their moving averages in Keras 3, with those of "
    "the batch before"
)
_METHODS = {"get_output_shape_for": "compute_output_shape"}
# Attributes of layers that only models have today.
_SHAPES = {"output_shape": "output", "input_shape": "input"}


def rename_method(
    original: cst.FunctionDef, updated: cst.FunctionDef, context: Context
) -> cst.FunctionDef:
    """Returns a method under its name of today."""
    name = original.name.value
    is_method = isinstance(context.parent(context.parent(original) or original), cst.ClassDef)
    if name not in _METHODS or not is_method:
        return updated
    return updated.with_changes(name=cst.Name(_METHODS[name]))


def is_add_weight(call: cst.Call, context: Context) -> bool:
    """Tells whether a call is `self.add_weight(...)`."""
    return code_of(call.func) == "self.add_weight"


def rewrite_add_weight(original: cst.Call, updated: cst.Call, context: Context) -> cst.Call:
    """Writes the arguments of `add_weight` in today's order."""
    old = context.era.find("engine.Layer") or context.era.find("layers.Layer")
    parameters = list(inspect.signature(old.add_weight).parameters.values())[1:]
    signature = inspect.Signature(parameters)
    today = inspect.Signature(list(inspect.signature(Layer.add_weight).parameters.values())[1:])
    try:
        given = bind_call(updated.args, signature)
    except UnreadableError as error:
        context.mark(original, f"the arguments of add_weight were not changed: {error}")
        return updated
    values = {k: v for k, v in given.values.items() if k in given.nodes}
    changed = changed_arguments(values, given, {}, today)
    args = write_arguments(updated, changed, given, {}, today, context.references)
    return updated.with_changes(args=args)


def rewrite_creation(original: cst.Call, updated: cst.Call, context: Context) -> cst.Call | None:
    """Writes the creation of a weight in `build` as a call of `add_weight`; None for other calls.

    Weights were created by `self.init(shape, name=...)` and `K.zeros(shape)`.
    """
    if not _is_in_build(original, context):
        return None
    path = context.scope.path_of(original.func)
    if context.scope.makes_initializer(original.func):
        initializer = code_of(updated.func)
    elif path is not None and path.name in _CREATIONS:
        initializer = _CREATIONS[path.name]
    else:
        return None
    shape = [arg for arg in updated.args if arg.keyword is None or arg.keyword.value == "shape"]
    names = [arg for arg in updated.args if arg.keyword and arg.keyword.value == "name"]
    if len(shape) != 1:
        return None
    texts = [f"shape={code_of(shape[0].value)}", f"initializer={initializer}"]
    texts += [f"name={code_of(arg.value)}" for arg in names]
    call = parse(f"self.add_weight({', '.join(texts)})")
    assert isinstance(call, cst.Call)
    return call


def _is_in_build(call: cst.Call, context: Context) -> bool:
    """Tells whether a call is the value of an attribute that `build` of a class sets."""
    assign = context.parent(call)
    if not isinstance(assign, cst.Assign) or not code_of(assign.targets[0]).startswith("self."):
        return False
    node: cst.CSTNode | None = assign
    while node is not None and not isinstance(node, cst.FunctionDef):
        node = context.parent(node)
    return node is not None and node.name.value == "build"


def _are_created(node: cst.BaseExpression, context: Context) -> bool:
    """Tells whether all elements of a list are weights that `add_weight` creates today."""
    if not isinstance(node, cst.List):
        return False
    for element in node.elements:
        values = context.scope.values_of(code_of(element.value))
        if not values or not all(_is_creation(value, context) for value in values):
            return False
    return True


def _is_creation(node: cst.BaseExpression, context: Context) -> bool:
    if not isinstance(node, cst.Call):
        return False
    path = context.scope.path_of(node.func)
    return (
        is_add_weight(node, context)
        or context.scope.makes_initializer(node.func)
        or (path is not None and path.name in _CREATIONS)
    )


def rename_attribute(
    original: cst.Attribute, updated: cst.Attribute, context: Context
) -> cst.BaseExpression:
    """Rewrites attributes of layers: methods, and shapes that layers no longer have."""
    name = original.attr.value
    if name in _METHODS:
        return updated.with_changes(attr=cst.Name(_METHODS[name]))
    if name in _SHAPES and _is_layer(original.value):
        base = updated.with_changes(attr=cst.Name(_SHAPES[name]))
        return cst.Attribute(base, cst.Name("shape"))
    is_target = isinstance(context.parent(original), cst.AssignTarget)
    if name == "trainable" and is_target and context.scope.has_normalization:
        context.mark(original, _FROZEN, is_once=True)
    if name == "trainable_weights" and code_of(original.value) == "self":
        target = context.parent(original)
        assign = context.parent(target) if isinstance(target, cst.AssignTarget) else None
        if isinstance(assign, cst.Assign) and _are_created(assign.value, context):
            context.frame.replacement = []
        elif assign is not None:
            context.mark(
                original,
                "Keras 3 finds weights by itself: create them with self.add_weight, and remove "
                "this line",
            )
    return updated


def initialize_base(
    original: cst.ClassDef, updated: cst.ClassDef, context: Context
) -> cst.ClassDef:
    """Calls the base constructor in subclasses of `Sequence`, as PyDataset requires."""
    bases = [context.scope.path_of(base.value) for base in original.bases]
    if not any(path and find_today(path.name) == "utils.PyDataset" for path in bases):
        return updated
    if not isinstance(updated.body, cst.IndentedBlock):
        return updated
    body = [_with_base_call(one) for one in updated.body.body]
    return updated.with_changes(body=updated.body.with_changes(body=body))


def _with_base_call(statement: cst.BaseStatement) -> cst.BaseStatement:
    if not isinstance(statement, cst.FunctionDef) or statement.name.value != "__init__":
        return statement
    if "super(" in code_of(statement) or not isinstance(statement.body, cst.IndentedBlock):
        return statement
    call = cst.parse_module("super().__init__()\n").body
    return statement.with_changes(
        body=statement.body.with_changes(body=[*call, *statement.body.body])
    )


def _is_layer(node: cst.BaseExpression) -> bool:
    """Tells whether an expression is a layer: `model.layers[0]`, or a name such as `layer`."""
    text = code_of(node)
    return (
        ".layers[" in text
        or "get_layer(" in text
        or text in ("layer", "self.layer")
        or (isinstance(node, cst.Subscript) and "layer" in text)
    )
