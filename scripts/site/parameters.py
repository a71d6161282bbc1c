"""Parameters that no docstring describes, and described ones that do not exist."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

from scripts.site.reference import Entry, docstring, entries, find, own_bases

__all__ = ["nonexistent", "undocumented"]

# The phrases by which a docstring refers to the one that describes further arguments.
_REFERENCE = re.compile(
    r"(?:arguments\s+are\s+those\s+of|\.\.\.:\s+as\s+in|Call\s+arguments:\s+as\s+in)\s+`([\w.]+)`"
)

# The names before a colon, not in a continued line: `x, y, *args: the arguments`.
_ITEM = re.compile(
    r"^(?: {4})?((?:\*{0,2}\w+|\.\.\.)(?:,\s+(?:\*{0,2}\w+|\.\.\.))*):", re.MULTILINE
)
# The methods that take the arguments of `call`, or their shapes.
_OF_CALL = ("build", "call", "compute_output_shape", "compute_output_spec")
_CODE = re.compile(r"`([^`]+)`")
_ARGS = re.compile(r"^Args:\n((?:    .*\n?|\n(?=    ))+)", re.MULTILINE)


def undocumented() -> Iterator[tuple[str, list[str]]]:
    """Yields the path of each function, class or method with undescribed parameters, and these.

    A parameter is described if its name is an item or code in the docstring, in that of the method
    of the same name of a base class, or in a docstring to which one of these refers. The docstring
    of a class describes the arguments of `call` as well.
    """
    for entry in entries():
        value = entry.value
        if not inspect.isclass(value):
            yield from _check(entry.path, value, [docstring(value)], entry)
            continue
        of_class = [docstring(base) for base in value.__mro__]
        yield from _check(entry.path, value, of_class, entry)
        for name in _methods(value):
            method = getattr(value, name)
            texts = [docstring(vars(base)[name]) for base in value.__mro__ if name in vars(base)]
            texts.append(docstring(method))  # of a method that another library generates
            if name in _OF_CALL:
                texts += of_class
            yield from _check(f"{entry.path}.{name}", method, texts, entry)


def nonexistent() -> Iterator[tuple[str, list[str]]]:
    """Yields the path of each function, class or method that describes arguments it does not have.

    A function with `**kwargs` has arguments of any name.
    """
    for entry in entries():
        functions = {entry.path: entry.value}
        if inspect.isclass(entry.value):
            for base in reversed(own_bases(entry.value)):
                methods = vars(base).keys() & set(_methods(entry.value))
                functions |= {f"{entry.path}.{name}": vars(base)[name] for name in methods}
        for path, function in functions.items():
            function = getattr(function, "__func__", function)  # of a static or class method
            section = _ARGS.search(docstring(function))
            parameters = _signature(function)
            if section and all(p.kind is not p.VAR_KEYWORD for p in parameters):
                named = re.findall(r"\w+", " ".join(_ITEM.findall(section[1])))
                unknown = set(named) - {p.name for p in parameters}
                if unknown:
                    yield path, sorted(unknown)


def _methods(value: type) -> list[str]:
    """Returns the public methods of a class, without those inherited from a public class."""
    names = {
        name
        for base in own_bases(value)
        for name, member in vars(base).items()
        if not name.startswith("_")
        and not inspect.isclass(member)
        and callable(getattr(value, name, None))
    }
    return sorted(names)


def _check(
    path: str, function: Any, own: list[str], entry: Entry
) -> Iterator[tuple[str, list[str]]]:
    texts = own + [text for one in own for text in _referenced(one, entry)]
    described = {name for text in texts for name in _described_names(text)}
    # The shape of an argument of `call`, such as `query_shape`, is described with it.
    missing = [
        name
        for name in _parameters(function)
        if not described & {name, name.removesuffix("_shape")}
    ]
    if missing:
        yield path, missing


def _described_names(text: str) -> set[str]:
    """Returns the words in the names of items, and in code within the text."""
    parts = (*_ITEM.findall(text), *_CODE.findall(text))
    return {word for part in parts for word in re.findall(r"\w+", part)}


def _referenced(text: str, around: Entry) -> Iterator[str]:
    """Yields the docstrings to which a docstring refers, and those to which they refer."""
    for name in _REFERENCE.findall(text):
        other = find(name, around)
        assert other is not None, f"{around.path} refers to {name}, which is not a public name"
        found = docstring(other.value)
        yield from (found, *_referenced(found, other))


def _parameters(function: Any) -> list[str]:
    parameters = _signature(function)
    # A class without a constructor of its own has the parameters of `__new__`.
    variable = all(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters)
    if inspect.isclass(function) and variable:
        return []
    return [p.name for p in parameters if p.name not in ("self", "_")]


def _signature(function: Any) -> list[inspect.Parameter]:
    try:
        return [*inspect.signature(function).parameters.values()]
    except (TypeError, ValueError):
        return []
