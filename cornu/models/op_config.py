"""The configs of ops in a graph, as Keras writes and reads them.

Keras has a class for each op. Its constructor has the arguments that are no arrays, such as `axis`;
they are in the config, and the others are those of the call.
"""

from __future__ import annotations

import functools
import inspect
from types import ModuleType
from typing import Any, NamedTuple

from cornu import ops, registry, tree
from cornu.core.graph.op import Op
from cornu.core.graph.tensor import Node, Tensor
from cornu.errors import suggest
from cornu.models.keras_ops import KERAS_OPS
from cornu.names import snake_case

__all__ = ["call_arguments", "describe_op", "find_op", "is_op"]

_NAMES = {keras_class: name for name, (_, keras_class, _) in KERAS_OPS.items()}


def describe_op(node: Node, name: str) -> dict[str, Any]:
    """Returns the module, the class and the config of a node's op.

    Args:
        node: a call of an op.
        name: the name in the file.
    """
    if not isinstance(node.op, Op):  # an Operation of the program
        entry: dict[str, Any] = registry.serialize(node.op)
        return entry
    call = _as_in_keras(node)
    if call is None:
        module = "keras.ops.image" if _is_image_op(node.op) else "keras.ops"
        own = None if node.op.library_name else node.op.name  # a function of the program
        entry = _entry(module, node.op.name, own, {"name": name})
        is_copied = own is not None and registry.is_copying()
        return {**entry, "function": node.op.public} if is_copied else entry
    config = {"name": name, **{k: registry.serialize(v) for k, v in call.config.items()}}
    return _entry(f"keras.src.ops.{call.module}", call.class_name, call.class_name, config)


def call_arguments(node: Node) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Returns the arguments of a node that are not in the config of its op."""
    call = _as_in_keras(node) if isinstance(node.op, Op) else None
    return (node.args, node.kwargs) if call is None else (call.args, call.kwargs)


def is_op(entry: dict[str, Any]) -> bool:
    """Whether an entry of a config describes an op, not a layer."""
    return (entry.get("module") or "").startswith(("keras.ops", "keras.src.ops"))


def find_op(entry: dict[str, Any]) -> Any:
    """Returns the op of an entry, with the arguments in its config.

    Raises:
        ValueError: the op is unknown.
    """
    name = entry["class_name"]
    own = entry.get("function")
    if not callable(own):  # as in all configs from files
        own = registry.get_registered_object(name)
    if own is not None:
        return own
    if entry["module"] == "keras.ops" and entry.get("registered_name"):
        raise ValueError(
            f"Unknown op {name!r}: it is a function of the program that saved it.\n"
            f"Pass custom_objects={{{name!r}: cornu.op(...)}}."
        )
    name = _NAMES.get(name) or snake_case(name)
    module: ModuleType = ops
    if name.startswith("image.") or entry["module"].endswith(".image"):
        module, name = ops.image, name.removeprefix("image.")
    if name not in module.__all__:
        raise ValueError(
            f"Unknown op {name!r}. {suggest(name, module.__all__)}\n"
            f"If it is a custom op, pass custom_objects={{{name!r}: cornu.op(...)}}."
        )
    function = getattr(module, name)
    config = {
        k: _to_tuples(registry.deserialize(v)) for k, v in entry["config"].items() if k != "name"
    }
    return functools.partial(_call, function, config) if config else function


def _call(function: Any, config: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
    """Calls an op with the arguments of its config by name, and the others in order."""
    parameters = list(inspect.signature(function).parameters.values())
    kinds = [p.kind for p in parameters]
    if inspect.Parameter.VAR_POSITIONAL in kinds:  # einsum(subscripts, *operands)
        before = [p.name for p in parameters[: kinds.index(inspect.Parameter.VAR_POSITIONAL)]]
        rest = {name: value for name, value in config.items() if name not in before}
        return function(*(config[name] for name in before), *args, **rest, **kwargs)
    # By name, since arguments of the config may stand between them: `average(x, axis, weights)`.
    free = [p.name for p in parameters if p.name not in config]
    named = dict(zip(free, args, strict=False))
    return function(*args[len(free) :], **named, **config, **kwargs)  # too many are a TypeError


def _to_tuples(value: Any) -> Any:
    """Replaces lists by tuples: JSON has none, and arguments such as axes must be hashable."""
    return tuple(map(_to_tuples, value)) if isinstance(value, list) else value


def _is_image_op(op: Any) -> bool:
    return (getattr(op.function, "__module__", None) or "").startswith("cornu.ops.image")


class _KerasCall(NamedTuple):
    """A call of an op as Keras describes it."""

    module: str
    class_name: str
    config: dict[str, Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def _as_in_keras(node: Node) -> _KerasCall | None:
    """Returns the call of an op as Keras has it; None if Keras has no class that could hold it."""
    op = node.op
    if not op.library_name:
        return None
    prefix = "image." if _is_image_op(op) else ""
    if prefix + op.name not in KERAS_OPS:
        return None
    keras_module, class_name, fixed = KERAS_OPS[prefix + op.name]
    if op.name == "get_item":
        x, key = node.args
        return _KerasCall(keras_module, class_name, {}, (x, _to_lists(key)), {})
    if op.signature is None:
        has_config = fixed or node.kwargs
        return None if has_config else _KerasCall(keras_module, class_name, {}, node.args, {})
    bound = op.signature.bind(*node.args, **node.kwargs).arguments
    config = {name: value for name, value in bound.items() if name in fixed}
    # Keras takes arrays as arguments of the call only.
    has_tensor = any(isinstance(leaf, Tensor) for leaf in tree.leaves(list(config.values())))
    if has_tensor or not op.signature.parameters.keys() >= set(fixed):
        return None
    if isinstance(config.get("newshape"), int):
        config["newshape"] = (config["newshape"],)  # Keras reads no number here
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for name, value in bound.items():
        kind = op.signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            kwargs = value
        elif name not in fixed:
            args += value if kind is inspect.Parameter.VAR_POSITIONAL else [value]
    return _KerasCall(keras_module, class_name, config, tuple(map(_to_lists, args)), kwargs)


def _to_lists(value: Any) -> Any:
    """Replaces tuples by lists, since Keras reads no tuples in the arguments of calls."""
    return list(map(_to_lists, value)) if isinstance(value, (tuple, list)) else value


def _entry(
    module: str, class_name: str, registered_name: str | None, config: dict[str, Any]
) -> dict[str, Any]:
    return {
        "module": module,
        "class_name": class_name,
        "config": config,
        "registered_name": registered_name,
    }
