"""Rewrites calls of layers and callbacks with the signatures and conversions of a dialect."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import libcst as cst

from cornu import callbacks, layers
from cornu.core.layer.layer import Layer
from cornu.dialects.keras1.callbacks import Keras1ReduceLROnPlateau, PeriodicModelCheckpoint
from cornu.legacy.keras1.argument_values import (
    VALUE_CONVERTERS,
    PerGateInitializer,
)
from cornu.legacy.keras1.class_mapping import (
    TARGET_CLASS,
    Arguments,
    ClassMapping,
    OldClass,
    parse_signature,
)
from cornu.legacy.keras2.layer_table import LAYERS as KERAS_2_LAYERS
from cornu.legacy.layers.batch_normalization import OldBatchNormalization
from cornu.legacy.layers.modes import ActivityRegularization, DroppedEmbedding
from cornu.modernize.arguments import Given, UnreadableError, bind_call, changed_arguments
from cornu.modernize.expressions import Expression, code_of, read_value
from cornu.modernize.names import path_of_object
from cornu.modernize.rendering import PassedInitializer, PassedRegularizer, UnwritableError
from cornu.parts import initializers

__all__ = ["NewClass", "convert_class_call"]

_SHAPES = ("input_shape", "batch_input_shape", "batch_size")
# The ends of the names of arguments whose values the dialect of Keras 2 converts.
_CONVERTED = ("_initializer", "_constraint", "activation")
# Arguments whose defaults of the version are those of today, although they are spelled otherwise.
_EQUAL_DEFAULTS = ("mode", "name", "trainable", "input_shape", "batch_input_shape", "log_dir")


class _Variant(NamedTuple):
    """A class of an old version, instead of which today's API has another one.

    Attributes:
        note: what differs.
        is_refused: whether the call is left as it is.
        neutral: arguments that today's class lacks, with the values that change nothing.
    """

    note: str
    is_refused: bool = False
    neutral: tuple[tuple[str, Any], ...] = ()


_VARIANTS: dict[type, _Variant] = {
    OldBatchNormalization: _Variant(
        "the moving variance of Keras 2 is n / (n - 1) times that of Keras 3, so that predictions "
        "after training differ slightly"
    ),
    ActivityRegularization: _Variant(
        "the penalty of ActivityRegularization was summed over the batch; Keras 3 divides it by "
        "the batch size"
    ),
    PeriodicModelCheckpoint: _Variant("", neutral=(("period", 1),)),
    Keras1ReduceLROnPlateau: _Variant(
        "ReduceLROnPlateau of Keras 1 waits one epoch longer before the first reduction"
    ),
    DroppedEmbedding: _Variant(
        "Embedding(dropout=...) dropped whole words; write a layer that does, or remove it", True
    ),
}


class NewClass(NamedTuple):
    """A call of a class of today.

    Attributes:
        path: its path below `keras`.
        arguments: the arguments that must be written.
        old_names: names of today -> names in the program.
        given: the arguments of the program.
        today: the signature of today.
        shape: the shape of the input that the call has: "shape" or "batch_shape", and its value.
        note: what the class of today computes otherwise; "" if nothing.
    """

    path: str
    arguments: dict[str, Any]
    old_names: dict[str, str]
    given: Given
    today: inspect.Signature
    shape: tuple[str, Any] | None
    note: str


def convert_class_call(call: cst.Call, old: OldClass) -> NewClass:
    """Returns the call of today for the call of a class of an old version.

    Args:
        call: the call.
        old: the class in the dialect.

    Raises:
        UnreadableError: the arguments cannot be read.
        UnwritableError: today's API has no such class, or no such value.
    """
    mapping = _without_wrapper(old.mapping)
    given = _bind(call, mapping)
    arguments = dict(given.values)
    shape = _take_shape(arguments, given)
    try:
        new = _convert(mapping, arguments)
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        reason = str(error).partition("\n")[0]
        raise UnreadableError(f"{mapping.old_name}: {reason}") from None
    target = new.pop(TARGET_CLASS, mapping.target)
    target, variant = _choose_target(mapping.old_name, target)
    path = path_of_object(target)
    assert path is not None
    for name, value in variant.neutral:
        if new.pop(name, value) != value:
            raise UnwritableError(f"{mapping.old_name}({name}=...) does not exist in Keras 3")
    if shape is None:
        shape = _shape_of(new)
    for name in (*_SHAPES, "input_length"):
        new.pop(name, None)
    if "data_format" in new and not {"dim_ordering", "data_format"} & given.nodes.keys():
        del new["data_format"]
    _merge_gates(new)
    note = variant.note or _drop_fans(new, given)
    old_names = _old_names(mapping, given, new)
    today = inspect.signature(target)
    dropped = [
        name
        for name in _EQUAL_DEFAULTS
        if name in new and old_names.get(name, name) not in given.nodes
    ]
    kept = {name: value for name, value in new.items() if name not in dropped}
    changed = changed_arguments(kept, given, old_names, today)
    return NewClass(path, changed, old_names, given, today, shape, note)


def _without_wrapper(mapping: ClassMapping) -> ClassMapping:
    """Returns the row of Dense for TimeDistributedDense: Dense maps the last axis today."""
    if mapping.old_name != "TimeDistributedDense":
        return mapping
    return replace(mapping, target=layers.Dense, conversions=mapping.conversions[:-1])


def _bind(call: cst.Call, mapping: ClassMapping) -> Given:
    """Binds a call to the signature of the version, which may accept that of Keras 1 as well."""
    signature = parse_signature(mapping.signature, mapping.keywords)
    if mapping.era.prepare is None:
        return bind_call(call.args, signature)
    if any(arg.star for arg in call.args):
        raise UnreadableError("arguments that are given with * or ** cannot be read")
    leading = [arg for arg in call.args if arg.keyword is None]
    named = {arg.keyword.value: arg for arg in call.args if arg.keyword is not None}
    by_position = tuple(read_value(arg.value) for arg in leading)
    by_name = {name: read_value(arg.value) for name, arg in named.items()}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about old spellings
            args, kwargs = mapping.era.prepare(mapping, (by_position, by_name))
    except (TypeError, ValueError) as error:
        raise UnreadableError(str(error).partition("\n")[0]) from None
    if args == by_position and kwargs == by_name:
        return bind_call(call.args, signature)
    bound = signature.bind_partial(*args, **kwargs)
    bound.apply_defaults()
    given = Given(dict(bound.arguments), {}, len(by_position))
    names = list(signature.parameters)
    for i, value in enumerate(args[: len(by_position)]):
        if value is by_position[i]:
            given.nodes[names[i]] = leading[i]
    for name, value in kwargs.items():
        old = name if name in by_name else None
        old = old or next((k for k, v in by_name.items() if v is value and k not in kwargs), None)
        if old is not None:
            given.nodes[name] = named[old]
    order = {id(arg): i for i, arg in enumerate(call.args)}
    given.nodes = dict(sorted(given.nodes.items(), key=lambda pair: order[id(pair[1])]))
    return given


def _take_shape(arguments: Arguments, given: Given) -> tuple[str, Any] | None:
    """Takes the shape of the input from the arguments, if the program writes it."""
    shape = None
    if "batch_input_shape" in given.nodes:
        shape = ("batch_shape", arguments["batch_input_shape"])
    elif "input_shape" in given.nodes:
        shape = ("shape", arguments["input_shape"])
        if "batch_size" in given.nodes:
            size, value = code_of(given.nodes["batch_size"].value), arguments["input_shape"]
            text = f"({size}, *{value!r})"
            if isinstance(value, tuple):
                text = f"({size}, {repr(value)[1:]}"
            elif isinstance(value, Expression) and isinstance(value.node, cst.Tuple):
                text = f"({size}, {repr(value)[1:]}"
            shape = ("batch_shape", Expression(cst.parse_expression(text)))
    if shape is not None:
        arguments.update((name, None) for name in _SHAPES if name in arguments)
    return shape


def _shape_of(new: Arguments) -> tuple[str, Any] | None:
    """Returns the shape that a dialect computed from other arguments."""
    if new.get("batch_input_shape") is not None:
        batch = new["batch_input_shape"]
        return ("shape", batch[1:]) if batch[0] is None else ("batch_shape", batch)
    return None if new.get("input_shape") is None else ("shape", new["input_shape"])


def _convert(mapping: ClassMapping, arguments: Arguments) -> Arguments:
    """Converts the arguments as the dialect does; expressions are passed on."""
    held: Arguments = {}
    for name, value in arguments.items():
        if not isinstance(value, Expression):
            continue
        if name in ("border_mode", "padding"):
            held["padding"] = value
        elif name.endswith("_regularizer"):
            arguments[name] = PassedRegularizer(value)
        elif name in VALUE_CONVERTERS or name.endswith(_CONVERTED):
            arguments[name] = PassedInitializer(value)
    if "border_mode" in arguments and held:
        arguments["border_mode"] = "valid"
    converted = mapping.era.convert(mapping, arguments)
    return {name: _unwrap(value) for name, value in {**converted, **held}.items()}


def _unwrap(value: Any) -> Any:
    passed = isinstance(value, (PassedInitializer, PassedRegularizer))
    return value.expression if passed else value


def _choose_target(name: str, target: Callable[..., Any]) -> tuple[Any, _Variant]:
    """Returns the class of today, and how it differs from the one of the dialect."""
    if path_of_object(target) is not None:
        return target, _Variant("")
    for cls in getattr(target, "__mro__", ()):
        if cls in _VARIANTS and _VARIANTS[cls].is_refused:
            raise UnwritableError(_VARIANTS[cls].note)
    variant = next(
        (_VARIANTS[cls] for cls in getattr(target, "__mro__", ()) if cls in _VARIANTS), None
    )
    public = next(
        (cls for cls in getattr(target, "__mro__", ()) if path_of_object(cls) is not None), None
    )
    is_callback = isinstance(target, type) and issubclass(target, callbacks.Callback)
    if public is None or public in (Layer, layers.Layer) or (variant is None and not is_callback):
        raise UnwritableError(f"{name} has no equal in Keras 3")
    return public, variant or _Variant("")


def _merge_gates(new: Arguments) -> None:
    """Replaces the biases of gates by `unit_forget_bias`, if that means the same."""
    bias = new.get("bias_initializer")
    if isinstance(bias, PerGateInitializer) and "unit_forget_bias" in new:
        kinds = [type(part) for part in bias.parts]
        if kinds.count(initializers.Zeros) + kinds.count(initializers.Ones) == len(kinds):
            new["unit_forget_bias"] = initializers.Ones in kinds
            new["bias_initializer"] = "zeros"


def _drop_fans(new: Arguments, given: Given) -> str:
    """Leaves out an initializer whose fans are those of a kernel of Keras 1."""
    init = new.get("kernel_initializer")
    is_scaled = isinstance(init, initializers.VarianceScaling) and init.input_axes is not None
    if not is_scaled or "init" in given.nodes:
        return ""
    del new["kernel_initializer"]
    return "the initial weights of 1D, 3D and transposed convolutions of Keras 1 have another scale"


def _old_names(mapping: ClassMapping, given: Given, new: Arguments) -> dict[str, str]:
    """Returns the name in the program for each name of today that differs."""
    found = {}
    later = KERAS_2_LAYERS[mapping.old_name].renames if mapping.old_name in KERAS_2_LAYERS else {}
    for old, today in {**mapping.argument_names, **later}.items():
        if old in given.nodes and today in new and today not in given.nodes:
            found[today] = old
    return found
