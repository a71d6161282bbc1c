"""Rewrites the calls of a program."""

from __future__ import annotations

import inspect
from typing import Any

import libcst as cst

from cornu.dialects.backend import signatures
from cornu.legacy.keras1.argument_values import get_initializer
from cornu.legacy.keras1.class_mapping import OldClass, parse_signature
from cornu.modernize import backend_functions, merging, model_methods
from cornu.modernize.arguments import (
    Given,
    UnreadableError,
    bind_call,
    changed_arguments,
    is_unchanged,
    write_arguments,
)
from cornu.modernize.context import Context
from cornu.modernize.expressions import Expression, code_of, parse, read_value
from cornu.modernize.layers import convert_class_call
from cornu.modernize.methods import FUNCTIONS
from cornu.modernize.names import find_today, object_of_today
from cornu.modernize.optimizers import convert_optimizer, convert_tensorflow, find_optimizer
from cornu.modernize.rendering import UnwritableError, render
from cornu.modernize.scope import Path

__all__ = ["rewrite_call"]

_ORDERS = {"'th'": "'channels_first'", "'tf'": "'channels_last'"}
# Arguments of functions of the backend that only documented something.
_IGNORED = ("image_shape", "filter_shape", "volume_shape", "name")
_MODEL_NAMES = ("input", "output")


def rewrite_call(original: cst.Call, updated: cst.Call, context: Context) -> cst.BaseExpression:
    """Returns what is written for a call today.

    Args:
        original: the call in the program.
        updated: the call with rewritten parts.
        context: the state of the rewriting.
    """
    path = context.scope.path_of(original.func)
    try:
        if path is None:
            return model_methods.rewrite_method(original, updated, context)
        return _rewrite_path(path, original, updated, context)
    except UnreadableError as error:
        context.mark(original, f"the arguments of this call were not changed: {error}")
    except UnwritableError as error:
        context.mark_kept(original, str(error))
    return updated


def _rewrite_path(
    path: Path, original: cst.Call, updated: cst.Call, context: Context
) -> cst.BaseExpression:
    if path.name.startswith("backend."):
        return _rewrite_backend(path, original, updated, context)
    old = context.era.find(path.name, path.is_tensorflow)
    last = path.name.rpartition(".")[2]
    if last in ("Merge", "merge") and context.era.is_keras_1:
        return merging.rewrite_merge(last, original, updated, context)
    if find_optimizer(old) is not None:
        return _rewrite_optimizer(old, original, updated, context)
    if path.is_tensorflow and path.name.startswith("optimizers."):
        return convert_tensorflow(updated, context.references)
    if path.name == "initializations.get":
        return _rewrite_initialization(original, updated, context)
    if isinstance(old, OldClass):
        return _rewrite_class(old, original, updated, context)
    if last in ("Model", "Sequential"):
        return _rewrite_model(last, updated, context)
    today = find_today(path.name)
    if today is not None and today in FUNCTIONS and callable(old):
        return _rewrite_function(old, today, FUNCTIONS[today], updated, context)
    return updated


def _rewrite_initialization(
    original: cst.Call, updated: cst.Call, context: Context
) -> cst.BaseExpression:
    """Converts a name of `initializations.get`; marks what is not a constant."""
    value = read_value(updated.args[0].value) if len(updated.args) == 1 else None
    if isinstance(value, str):
        try:
            converted = render(get_initializer(value), context.references)
        except ValueError as error:
            raise UnreadableError(str(error).partition("\n")[0]) from None
        return updated.with_changes(args=[updated.args[0].with_changes(value=converted)])
    context.mark(
        original,
        "'orthogonal', 'glorot_normal' and 'he_normal' have other distributions in Keras 3: a "
        "gain of 1 instead of 1.1, and truncated normal distributions",
        is_once=True,
    )
    return updated


def _with_function(
    original: cst.Call, updated: cst.Call, path: str, context: Context
) -> cst.BaseExpression:
    """Returns the function of a call of today; aliases of the program keep their names."""
    name = original.func
    if isinstance(name, cst.Name) and name.value not in context.scope.imported:
        return updated.func
    if isinstance(name, cst.Name) and name.value == path.rpartition(".")[2]:
        return updated.func
    if isinstance(name, cst.Attribute) and code_of(updated.func).endswith(path):
        return updated.func
    return context.references.like(path, name)


def _rewrite_class(
    old: OldClass, original: cst.Call, updated: cst.Call, context: Context
) -> cst.BaseExpression:
    new = convert_class_call(updated, old)
    if new.note:
        context.mark(original, new.note, is_once=True)
    arguments = dict(new.arguments)
    shape = None
    if new.shape is not None:
        kind, value = new.shape
        shape = Expression(render(value, context.references))
        is_open = isinstance(value, tuple) and set(value) == {None}  # as without a shape
        if not _place_input(kind, shape, original, context) and not is_open:
            arguments["input_shape" if kind == "shape" else "batch_input_shape"] = shape
    old_names = dict(new.old_names)
    args = write_arguments(updated, arguments, new.given, old_names, new.today, context.references)
    function = _with_function(original, updated, new.path, context)
    result = updated if is_unchanged(updated, args) else updated.with_changes(args=args)
    result = result.with_changes(func=function)
    if shape is not None and _is_first_element(original, context):
        assert new.shape is not None
        context.input_elements[id(result)] = _input_call(new.shape[0], shape, context)
    return result


def _place_input(kind: str, shape: Expression, layer: cst.Call, context: Context) -> bool:
    """Writes the shape of the input of a layer in an `Input`; returns whether that was possible."""
    parent = context.parent(layer)
    if isinstance(parent, cst.Call) and parent.func is layer:
        return True  # called on a tensor, whose shape is known
    if _is_first_element(layer, context):
        return True
    addition = context.parent(parent) if isinstance(parent, cst.Arg) else None
    if not isinstance(addition, cst.Call) or not isinstance(addition.func, cst.Attribute):
        return False
    if addition.func.attr.value != "add":
        return False
    if id(addition) in context.scope.first_additions:
        receiver = code_of(addition.func.value)
        text = f"{receiver}.add({code_of(_input_call(kind, shape, context))})\n"
        context.frame.before += cst.parse_module(text).body
        return True
    # Layers after the first one know the shape of their input.
    return context.scope.kind_of(addition.func.value) == "Sequential" and "None" in repr(shape)


def _is_first_element(layer: cst.Call, context: Context) -> bool:
    """Tells whether a layer is the first one in `Sequential([...])`."""
    element = context.parent(layer)
    elements = context.parent(element) if isinstance(element, cst.Element) else None
    if not isinstance(elements, cst.List) or elements.elements[0] is not element:
        return False
    argument = context.parent(elements)
    call = context.parent(argument) if isinstance(argument, cst.Arg) else None
    return isinstance(call, cst.Call) and context.scope.kind_of(call) == "Sequential"


def _input_call(kind: str, shape: Expression, context: Context) -> cst.BaseExpression:
    name = code_of(context.references.input())
    return parse(f"{name}({'' if kind == 'shape' else 'batch_'}shape={shape!r})")


def _rewrite_optimizer(
    old: Any, original: cst.Call, updated: cst.Call, context: Context
) -> cst.BaseExpression:
    new = convert_optimizer(updated, old, context.references)
    for note in new.notes:
        context.mark_kept(original, note)
    args = write_arguments(
        updated, new.arguments, new.given, new.old_names, new.today, context.references
    )
    if new.is_inserted:
        function = new.function(context.references)
    else:
        function = _with_function(original, updated, new.path, context)
    return updated.with_changes(args=args, func=function)


def _rewrite_model(kind: str, updated: cst.Call, context: Context) -> cst.BaseExpression:
    """Renames the arguments of Model; adds an Input to the layers of a Sequential."""
    if kind == "Model":
        args = [
            arg.with_changes(keyword=cst.Name(f"{arg.keyword.value}s"))
            if arg.keyword is not None and arg.keyword.value in _MODEL_NAMES
            else arg
            for arg in updated.args
        ]
        return updated.with_changes(args=args)
    if not updated.args or not isinstance(updated.args[0].value, cst.List):
        return updated
    layers = updated.args[0].value
    if not layers.elements or id(layers.elements[0].value) not in context.input_elements:
        return updated
    first = layers.elements[0]
    comma = first.comma
    if not isinstance(comma, cst.Comma):
        comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    # Between two elements stands what stands between the first two.
    element = cst.Element(context.input_elements[id(first.value)], comma=comma)
    elements = [element, *layers.elements]
    new = updated.args[0].with_changes(value=layers.with_changes(elements=elements))
    return updated.with_changes(args=[new, *updated.args[1:]])


def _rewrite_function(
    old: Any, today: str, renames: dict[str, str], updated: cst.Call, context: Context
) -> cst.BaseExpression:
    given = bind_call(updated.args, inspect.signature(old))
    new = {renames.get(k, k): given.values[k] for k in given.nodes}
    old_names = {renames[k]: k for k in given.nodes if k in renames}
    signature = inspect.signature(object_of_today(today))
    changed = changed_arguments(new, given, old_names, signature)
    args = write_arguments(updated, changed, given, old_names, signature, context.references)
    return updated.with_changes(args=args)


# ------------------------------------------------------------------------------------------ backend


def _rewrite_backend(
    path: Path, original: cst.Call, updated: cst.Call, context: Context
) -> cst.BaseExpression:
    references = context.references
    name = path.name.removeprefix("backend.")
    if name in backend_functions.KEPT:
        if isinstance(original.func, cst.Name) or path.is_tensorflow:
            return updated.with_changes(func=references.dotted(path.name))
        return updated
    if name == "image_dim_ordering":
        return parse(f"{code_of(references.dotted('config.image_data_format'))}()")
    if name == "set_image_dim_ordering":
        value = code_of(updated.args[0].value).replace('"', "'")
        if value not in _ORDERS:
            raise UnreadableError("the ordering is not a constant")
        function = code_of(references.dotted("config.set_image_data_format"))
        return parse(f"{function}({_ORDERS[value]})")
    if name == "hard_sigmoid":
        return updated.with_changes(func=references.helper("hard_sigmoid"))
    if name == "rnn" and len(updated.args) == 3 and not any(arg.keyword for arg in updated.args):
        return updated.with_changes(func=references.helper("rnn"))
    if name == "function":
        return _rewrite_backend_function(original, updated, context)
    table = signatures.KERAS_1 if context.era.is_keras_1 else signatures.KERAS_2
    row = backend_functions.FUNCTIONS.get(name)
    if row is None or name not in table:
        reason = backend_functions.REASONS.get(name, "Keras 3 has no equal")
        raise UnwritableError(f"K.{name}: {reason}")
    given = bind_call(updated.args, parse_signature(table[name]))
    if row.text:
        if "data_format" in given.nodes:
            raise UnwritableError(f"K.{name} with data_format: add the values with their axes")
        unknown = [k for k, v in given.values.items() if v is None and f"{{{k}}}" in row.text]
        if unknown:
            raise UnwritableError(f"K.{name} without {unknown[0]}: use keras.ops.matmul")
        return _fill(row.text, given, context)
    today = inspect.signature(object_of_today(row.path))
    renames = {**(signatures.RENAMES if context.era.is_keras_1 else {}), **row.renames}
    values = {
        k: v
        for k, v in given.values.items()
        if k in given.nodes or k not in _IGNORED and _is_needed(renames.get(k, k), v, today)
    }
    if name == "relu" and len(given.nodes) > 1:
        raise UnwritableError("K.relu with a slope or a bound: use keras.activations.relu")
    _convert_ordering(values)
    new = {renames.get(k, k): v for k, v in values.items()}
    new |= {k: Expression(parse(v)) for k, v in row.fixed.items()}
    missing = [k for k in new if k not in today.parameters]
    if missing:
        raise UnreadableError(f"keras.{row.path} has no argument {missing[0]!r}")
    old_names = {renames.get(k, k): k for k in values}
    changed = changed_arguments(new, given, old_names, today)
    args = write_arguments(updated, changed, given, old_names, today, references)
    module, _, last = row.path.partition(".")
    made = references.op(last) if module == "ops" else references.dotted(row.path)
    return updated.with_changes(func=made, args=args)


def _is_needed(name: str, value: Any, today: inspect.Signature) -> bool:
    """Tells whether a default of the version may have to be written."""
    if value in (None, "default") and name in today.parameters:
        return today.parameters[name].default not in (None, inspect.Parameter.empty)
    return value is not None and name in today.parameters


def _convert_ordering(values: dict[str, Any]) -> None:
    """Converts a value of `dim_ordering` in place."""
    value = values.get("dim_ordering")
    if isinstance(value, str):
        converted = _ORDERS.get(repr(value))
        values["dim_ordering"] = None if converted is None else converted.strip("'")


def _fill(template: str, given: Given, context: Context) -> cst.BaseExpression:
    """Returns the expression of a template."""
    small = "1e-08" if context.era.is_keras_1 else "1e-07"
    texts = {name: repr(value) for name, value in given.values.items()}
    texts |= {name: _text(arg.value) for name, arg in given.nodes.items()}
    if "{ops}" in template:
        texts["ops"] = code_of(context.references.op("x")).removesuffix(".x")
    if "{keras}" in template:
        texts["keras"] = code_of(context.references.dotted("x")).removesuffix(".x")
    return parse(template.format(**texts, small=small))


def _text(node: cst.BaseExpression) -> str:
    """Returns the text of an expression, in parentheses if it is an operation."""
    operations = (cst.BinaryOperation, cst.UnaryOperation, cst.Comparison, cst.BooleanOperation)
    is_open = isinstance(node, (*operations, cst.IfExp, cst.Lambda)) and not node.lpar
    return f"({code_of(node)})" if is_open else code_of(node)


def _rewrite_backend_function(
    original: cst.Call, updated: cst.Call, context: Context
) -> cst.BaseExpression:
    """Rewrites `K.function` without updates and gradients to `keras.Function`."""
    given = bind_call(updated.args, parse_signature("inputs, outputs, updates=None"))
    inputs = given.values["inputs"]
    if "updates" in given.nodes or "learning_phase" in repr(inputs):
        raise UnwritableError(f"K.function: {backend_functions.REASONS['function']}")
    if context.scope.computes_gradients:
        raise UnwritableError(
            "K.function: Keras 3 has no functions of gradients; write one that jax.grad takes"
        )
    return updated.with_changes(func=context.references.dotted("Function"))
