"""Rewrites the calls of methods of models: fit, compile, and others."""

from __future__ import annotations

import inspect
from typing import Any

import libcst as cst

from cornu.models import Model
from cornu.modernize.arguments import (
    UnreadableError,
    bind_call,
    changed_arguments,
    is_unchanged,
    join_arguments,
    write_arguments,
)
from cornu.modernize.context import Context
from cornu.modernize.expressions import Expression, code_of, parse, read_value
from cornu.modernize.methods import METHODS, Method, describe_removed_method
from cornu.modernize.optimizers import convert_named

__all__ = ["rewrite_method"]

_BINARY_LOSSES = ("binary_crossentropy",)
_CLASS_LOSSES = ("categorical_crossentropy", "sparse_categorical_crossentropy")
_TENSOR_SHAPES = {"get_output_shape_at": "output.shape", "get_input_shape_at": "input.shape"}
_ON_NODES = {"get_output_at": "output", "get_input_at": "input", **_TENSOR_SHAPES}


def rewrite_method(original: cst.Call, updated: cst.Call, context: Context) -> cst.BaseExpression:
    """Returns what is written for the call of a method today; other calls are returned as is.

    Raises:
        UnreadableError: the arguments cannot be read.
    """
    if not isinstance(original.func, cst.Attribute):
        return updated
    name, receiver = original.func.attr.value, original.func.value
    if name in _ON_NODES and [code_of(arg.value) for arg in updated.args] == ["0"]:
        return parse(f"{code_of(receiver)}.{_ON_NODES[name]}")
    if name == "get" and updated.args:
        return _rename_keys(updated, context)
    if name not in METHODS:
        if name in ("to_yaml",) and context.scope.kind_of(receiver) in ("Model", "Sequential"):
            context.mark_kept(original, f"{name}: {describe_removed_method(name)}".rstrip("."))
        return updated
    kind = context.scope.kind_of(receiver)
    if kind is None and (_is_certain(name, updated) or name == "compile"):
        kind = "Model"
    if kind not in ("Model", "Sequential"):
        return updated
    return _rewrite_model_method(name, kind, original, updated, context)


def _is_certain(name: str, call: cst.Call) -> bool:
    """Tells whether only models have a method, or such arguments."""
    own = ("generator", "on_batch", "predict_classes", "predict_proba")
    keywords = {arg.keyword.value for arg in call.args if arg.keyword is not None}
    return any(part in name for part in own) or bool(
        keywords & {"nb_epoch", "epochs", "batch_size", "validation_data"}
    )


def _rewrite_model_method(
    name: str, kind: str, original: cst.Call, updated: cst.Call, context: Context
) -> cst.BaseExpression:
    row = METHODS[name]
    signature = context.era.method(kind, name)
    if signature is None:
        return updated
    today = _signature_of_today(row.name)
    if _has_arguments_of_today(updated, signature, today):
        return updated
    receiver = code_of(original.func.value) if isinstance(original.func, cst.Attribute) else ""
    given = bind_call(updated.args, signature)
    converted = dict(given.values)
    if name == "compile":
        _convert_compile(converted, receiver, original, context)
    renames = {old: new for old, new in row.renames.items() if old in signature.parameters}
    extra = [key for key in given.nodes if key not in signature.parameters]
    renames |= {key: row.renames[key] for key in extra if key in row.renames}
    if not isinstance(given.values.get("reset_metrics", True), bool):
        raise UnreadableError("reset_metrics must be True or False")
    values = {key: value for key, value in converted.items() if key not in row.dropped}
    for key in row.equal_defaults:
        if key not in given.nodes:
            values.pop(key, None)
    _divide_samples(row, values, given.nodes, original, context)
    new = {renames.get(key, key): value for key, value in values.items()}
    old_names = {renames.get(key, key): key for key in values}
    changed = changed_arguments(new, given, old_names, today)
    unknown = [key for key in changed if key not in today.parameters]
    if unknown:
        raise UnreadableError(f"{row.name} has no argument {unknown[0]!r} today")
    args = write_arguments(updated, changed, given, old_names, today, context.references)
    assert isinstance(updated.func, cst.Attribute)
    function = updated.func.with_changes(attr=cst.Name(row.name))
    if name == row.name and is_unchanged(updated, args):
        result = updated
    else:
        result = updated.with_changes(func=function, args=args)
    if "fit" in name or name == "train_on_batch":
        _restore_trainable(receiver, context)
    if name in ("train_on_batch", "test_on_batch") and given.values.get("reset_metrics", True):
        _reset_metrics(receiver, original, context)
    return _classes(receiver, result, original, context) if name == "predict_classes" else result


def _has_arguments_of_today(
    call: cst.Call, old: inspect.Signature, today: inspect.Signature
) -> bool:
    """Tells whether a call has an argument of today that the version did not have."""
    kinds = [parameter.kind for parameter in old.parameters.values()]
    names = {arg.keyword.value for arg in call.args if arg.keyword is not None}
    new = names - old.parameters.keys()
    takes_any = inspect.Parameter.VAR_KEYWORD in kinds
    return bool(new) and not takes_any and new <= today.parameters.keys()


def _signature_of_today(name: str) -> inspect.Signature:
    parameters = list(inspect.signature(getattr(Model, name)).parameters.values())
    kinds = inspect.Parameter
    # What cornu adds has keyword-only parameters; it is not part of today's API.
    return inspect.Signature([p for p in parameters[1:] if p.kind is not kinds.KEYWORD_ONLY])


def _convert_compile(
    values: dict[str, Any], receiver: str, original: cst.Call, context: Context
) -> None:
    """Converts the optimizer and the metrics of `compile`, if they are constants."""
    optimizer = values.get("optimizer")
    if isinstance(optimizer, str):
        new = convert_named(optimizer, context.era, context.references)
        if new is not None:
            for note in new.notes:
                context.mark_kept(original, note)
            call = cst.Call(new.function(context.references))
            args = write_arguments(
                call, new.arguments, new.given, new.old_names, new.today, context.references
            )
            values["optimizer"] = Expression(call.with_changes(args=args))
    if isinstance(values.get("loss"), str):
        context.losses[receiver] = values["loss"]
        if values["loss"] == "cosine_proximity":
            context.mark(original, "cosine_proximity is called cosine_similarity in Keras 3")
            values["loss"] = "cosine_similarity"
    tensors = _tensors_in_loss(values.get("loss"), context)
    if tensors:
        context.mark_kept(
            original,
            f"the loss uses {', '.join(tensors)} of the model: compute that part in a layer, "
            "and pass it to add_loss there",
        )
    metrics = values.get("metrics")
    if isinstance(metrics, (list, dict)) and context.era.renames_accuracy:
        metrics = values["metrics"] = _rename_accuracy(metrics)
    if isinstance(metrics, list) and not any(isinstance(one, list) for one in metrics):
        outputs = _outputs(values.get("loss"), receiver, context)
        # In old versions, a list is computed for each output.
        if isinstance(outputs, list):
            values["metrics"] = dict.fromkeys(outputs, metrics)
        elif outputs > 1:
            values["metrics"] = [metrics] * outputs


def _tensors_in_loss(loss: Any, context: Context) -> list[str]:
    """Returns the names of tensors of the program that its loss function uses."""
    if not isinstance(loss, Expression):
        return []
    used = context.scope.names_in_function(repr(loss))
    return sorted(name for name in used if _is_tensor(name, context))


def _is_tensor(name: str, context: Context) -> bool:
    """Tells whether a name is the result of a layer, such as `Dense(3)(x)`."""
    value = context.scope.value_of(name)
    if not isinstance(value, cst.Call) or not isinstance(value.func, cst.Call):
        return False
    return context.scope.path_of(value.func.func) is not None


def _outputs(loss: Any, receiver: str, context: Context) -> list[str] | int:
    """Returns the names of the outputs of a model, or their number if it is known, else 1."""
    if isinstance(loss, Expression):
        value = context.scope.value_of(repr(loss))
        loss = loss if value is None else read_value(value)
    if isinstance(loss, dict) and len(loss) > 1:
        return list(loss)
    if isinstance(loss, list):
        return len(loss)
    model = context.scope.value_of(receiver)
    if not isinstance(model, cst.Call) or context.scope.kind_of(model) != "Model":
        return 1
    named = [arg for arg in model.args if arg.keyword and arg.keyword.value.startswith("output")]
    given = named or [arg for arg in model.args[1:2] if arg.keyword is None]
    outputs = given[0].value if given else None
    return len(outputs.elements) if isinstance(outputs, cst.List) else 1


def _rename_accuracy(metrics: Any) -> Any:
    if isinstance(metrics, dict):
        return {key: _rename_accuracy(value) for key, value in metrics.items()}
    if isinstance(metrics, list):
        return [_rename_accuracy(value) for value in metrics]
    return "accuracy" if metrics == "acc" else metrics


def _divide_samples(
    row: Method,
    values: dict[str, Any],
    nodes: dict[str, cst.Arg],
    original: cst.Call,
    context: Context,
) -> None:
    """Replaces numbers of samples by numbers of batches."""
    for name in row.samples:
        if name not in nodes or values.get(name) is None:
            values.pop(name, None)
            continue
        source = "validation_data" if name == "nb_val_samples" else "generator"
        size = _batch_size(nodes[source].value, context) if source in nodes else None
        count = code_of(nodes[name].value)
        if size is None:
            context.mark(
                original, f"{name} was a number of samples: divide it by the size of the batches"
            )
            continue
        context.references.module("math")
        values[name] = Expression(parse(f"math.ceil({count} / {size})"))


def _batch_size(generator: cst.BaseExpression, context: Context) -> str | None:
    """Returns the text of the batch size of a generator, if its call is written there."""
    if not isinstance(generator, cst.Call):
        value = context.scope.value_of(code_of(generator))
        return None if not isinstance(value, cst.Call) else _batch_size(value, context)
    for arg in generator.args:
        if arg.keyword is not None and arg.keyword.value == "batch_size":
            return code_of(arg.value)
    return None


def _restore_trainable(receiver: str, context: Context) -> None:
    """Sets `trainable` to its value at the time of `compile`, which decided in old versions."""
    if receiver not in context.scope.frozen:
        return
    value = context.scope.frozen[receiver]
    before, after = (f"{receiver}.trainable = {one}\n" for one in (not value, value))
    (statement,) = cst.parse_module(before).body
    comment = "# Keras 3 looks at `trainable` when a model is trained, not when it is compiled."
    lines = [cst.EmptyLine(comment=cst.Comment(comment))]
    context.frame.before.append(statement.with_changes(leading_lines=lines))
    context.frame.after += cst.parse_module(after).body


def _reset_metrics(receiver: str, original: cst.Call, context: Context) -> None:
    """Inserts `reset_metrics`: results of old versions are those of the batch alone."""
    parent = context.parent(original)
    if isinstance(parent, cst.Expr):
        return
    statement = cst.parse_module(f"{receiver}.reset_metrics()\n").body[0]
    assert isinstance(statement, cst.SimpleStatementLine)
    context.frame.before.append(statement)


def _classes(
    receiver: str, call: cst.BaseExpression, original: cst.Call, context: Context
) -> cst.BaseExpression:
    """Returns the expression for the classes of predictions."""
    loss = context.losses.get(receiver, "")
    text = code_of(call)
    if loss in _BINARY_LOSSES:
        return parse(f"({text} > 0.5).astype('int32')")
    if loss not in _CLASS_LOSSES:
        context.mark(original, "if the model has one output, write `> 0.5` instead of argmax")
    return parse(f"{text}.argmax(axis=-1)")


def _rename_keys(call: cst.Call, context: Context) -> cst.Call:
    """Renames "acc" in `logs.get("val_acc")`."""
    if not context.era.renames_accuracy or "log" not in code_of(call.func):
        return call
    value = code_of(call.args[0].value).strip("'\"")
    if value not in ("acc", "val_acc"):
        return call
    new = call.args[0].with_changes(value=parse(repr(value.replace("acc", "accuracy"))))
    return call.with_changes(args=join_arguments([new, *call.args[1:]], call))
