"""Everything that a config refers to and the program does not have, for one error message.

`deserialize` stops at the first unknown class or function, so that users would have to load the
file again for each name that is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from cornu.registry.archive import LAMBDA
from cornu.registry.custom_objects import get_registered_object
from cornu.registry.lambdas import COMPILE, find_replacement, is_lambda, is_unknown_function
from cornu.registry.names import category_of, classes, functions, search

__all__ = ["describe_missing"]

_MAX_LINES = 100


class _Missing(NamedTuple):
    """A class or function that the program does not have.

    Attributes:
        name: its name; of a lambda, the name of its layer.
        what: its kind and name, as the message shows it.
        owner: the object that refers to it.
        module: the module of the program that it was saved from, or "".
        compiled: whether only the arguments of `compile` refer to it.
    """

    name: str
    what: str
    owner: str
    module: str
    compiled: bool


def describe_missing(config: Any) -> str | None:
    """Returns a message that lists all that is missing, and the line that passes it.

    Args:
        config: the config of a model in a file.

    Returns:
        The message; None if less than two names are missing, about which the error that was
        raised says all.
    """
    found: dict[str, _Missing] = {}
    for one in _iterate_missing(config, "", False):
        if len(found) == _MAX_LINES:
            break
        if one.name not in found or found[one.name].compiled:
            found[one.name] = one
    if len(found) < 2:
        return None
    lines = [
        f"\n  {one.what}, of {one.owner}" + (f" (from the module {one.module})" * bool(one.module))
        for one in found.values()
    ]
    # Names come from a file: only identifiers are shown as code to copy.
    pairs = [
        f"{one.name!r}: {one.name if one.what != LAMBDA else 'function'}"
        for one in found.values()
        if one.name.removeprefix(f"{COMPILE}/").isidentifier()
    ]
    text = (
        f"The model refers to {len(found)} classes and functions that this program does not have:"
        f"{''.join(lines)}\nImport or define them, and pass\n"
        f"    custom_objects={{{', '.join(pairs)}}}\n"
        "or decorate them with @cornu.saving.register_keras_serializable()."
    )
    if any(one.compiled for one in found.values()):
        names = ", ".join(repr(one.name) for one in found.values() if one.compiled)
        text += f"\nload_model(..., compile=False) needs none of {names}."
    return text


def _iterate_missing(value: Any, owner: str, compiled: bool) -> Iterator[_Missing]:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _iterate_missing(item, owner, compiled)
        return
    if not isinstance(value, dict):
        return
    name, inner = value.get("class_name"), value.get("config")
    if not isinstance(name, str) or "config" not in value:
        for item in value.values():
            yield from _iterate_missing(item, owner, compiled)
        return
    if name.startswith("__"):  # plain data, such as arrays
        return
    if name == "function":
        if isinstance(inner, str) and not _is_known_function(category_of(value), inner):
            yield _Missing(inner, f"function {inner!r}", owner, "", compiled)
        return
    module = value.get("module") or ""
    registered = str(value.get("registered_name") or name)
    if not module.startswith(("keras.ops", "keras.src.ops")) and not _is_known_class(
        category_of(value), registered
    ):
        short = registered.rpartition(">")[2]
        own = "" if module.startswith(("keras", "builtins")) else module
        yield _Missing(short, f"class {short!r}", owner or "the model", own, compiled)
    label = name
    if isinstance(inner, dict):
        label += f" {inner['name']!r}" if isinstance(inner.get("name"), str) else ""
        yield from _iterate_arguments(inner, name, label, compiled)
    for key, item in value.items():
        if key == "compile_config" and isinstance(item, dict):
            yield from _iterate_compiled(item, label)
        elif key != "config":
            yield from _iterate_missing(item, label, compiled)


def _iterate_arguments(
    config: dict[str, Any], class_name: str, label: str, compiled: bool
) -> Iterator[_Missing]:
    """Yields what is missing in the arguments of a constructor."""
    for argument, item in config.items():
        if (is_lambda(item) or is_unknown_function(item)) and find_replacement(config, argument):
            continue
        if is_lambda(item):
            if not get_registered_object(LAMBDA):
                key = str(config.get("name"))
                yield _Missing(key, LAMBDA, f"{label}, {argument}", "", compiled)
        else:
            where = f"{label}, {argument}" if isinstance(item, dict) else label
            yield from _iterate_missing(item, where, compiled)


def _iterate_compiled(config: dict[str, Any], label: str) -> Iterator[_Missing]:
    """Yields what is missing in the arguments of `compile`."""
    named = {**config, "name": COMPILE}
    for argument, item in config.items():
        where = f"{label}, {argument} of compile"
        if is_lambda(item):
            if find_replacement(named, argument) is None and not get_registered_object(LAMBDA):
                yield _Missing(f"{COMPILE}/{argument}", LAMBDA, where, "", True)
        else:
            yield from _iterate_missing(item, where, True)


def _is_known_function(category: str | None, name: str) -> bool:
    if get_registered_object(name) or get_registered_object(f"Custom>{name}"):
        return True
    return search(name, category, functions)[0] is not None


def _is_known_class(category: str | None, name: str) -> bool:
    # Not by `find`, whose messages about similar names take long for a file with many.
    if get_registered_object(name) or get_registered_object(name.rpartition(">")[2]):
        return True
    return search(name, category, classes)[0] is not None
