"""Writes the arguments of a call under their names of today, and keeps what did not change."""

from __future__ import annotations

import inspect
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import libcst as cst

from cornu.modernize.expressions import Expression, code_of, read_value
from cornu.modernize.references import References
from cornu.modernize.rendering import UnwritableError, is_same, render

__all__ = ["Given", "UnreadableError", "bind_call", "changed_arguments", "write_arguments"]


class UnreadableError(ValueError):
    """The arguments of a call cannot be read from its text."""


@dataclass
class Given:
    """The arguments of a call by their old names.

    Attributes:
        values: all values, with the defaults of the version.
        nodes: the arguments that the program writes.
        positional: the number of those by position.
    """

    values: dict[str, Any]
    nodes: dict[str, cst.Arg] = field(default_factory=dict)
    positional: int = 0


def split_arguments(args: Sequence[cst.Arg]) -> tuple[list[cst.Arg], dict[str, cst.Arg]]:
    """Returns the arguments by position, and those by name.

    Raises:
        UnreadableError: some are given as `*values` or `**values`.
    """
    if any(arg.star for arg in args):
        raise UnreadableError("arguments that are given with * or ** cannot be read")
    by_position = [arg for arg in args if arg.keyword is None]
    by_name = {arg.keyword.value: arg for arg in args if arg.keyword is not None}
    return by_position, by_name


def bind_call(args: Sequence[cst.Arg], signature: inspect.Signature) -> Given:
    """Binds the arguments of a call to a signature.

    Raises:
        UnreadableError: they do not fit.
    """
    by_position, by_name = split_arguments(args)
    try:
        bound = signature.bind(*by_position, **by_name)
    except TypeError as error:
        raise UnreadableError(str(error)) from None
    nodes: dict[str, cst.Arg] = {}
    for name, value in bound.arguments.items():
        if signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
            nodes |= value
        else:
            nodes[name] = value
    defaults = {
        name: parameter.default
        for name, parameter in signature.parameters.items()
        if parameter.default is not parameter.empty
    }
    values = {**defaults, **{name: read_value(arg.value) for name, arg in nodes.items()}}
    order = {id(arg): i for i, arg in enumerate(args)}
    nodes = dict(sorted(nodes.items(), key=lambda pair: order[id(pair[1])]))
    return Given(values, nodes, len(by_position))


def changed_arguments(
    new: Mapping[str, Any], given: Given, old_names: Mapping[str, str], today: inspect.Signature
) -> dict[str, Any]:
    """Returns the arguments that must be written, by their names of today.

    An argument that the program does not write is left out if its value is today's default.

    Args:
        new: the values of all arguments.
        given: the arguments of the program.
        old_names: names of today -> names in the program, where they differ.
        today: the signature of today.
    """
    found: dict[str, Any] = {}
    for name, value in new.items():
        old = old_names.get(name, name)
        if old in given.nodes:
            original = given.values[old]
            same = is_same(name, value, original)
            found[name] = Expression(given.nodes[old].value) if same else value
            continue
        known = today.parameters.get(name)
        if known is None or known.default is known.empty:
            if value is not None and name not in ("trainable", "name"):
                found[name] = value
        elif not is_same(name, value, known.default):
            found[name] = value
    return found


def write_arguments(
    call: cst.Call,
    new: Mapping[str, Any],
    given: Given,
    old_names: Mapping[str, str],
    today: inspect.Signature,
    references: References,
) -> list[cst.Arg]:
    """Returns the arguments of a call, in the order of the program, then those that are new.

    Raises:
        UnwritableError: a value has no spelling of today.
    """
    left = dict(new)
    leading: list[cst.Arg] = []
    for name, parameter in today.parameters.items():
        by_position = parameter.kind is not inspect.Parameter.KEYWORD_ONLY
        node = given.nodes.get(old_names.get(name, name))
        if len(leading) >= given.positional or name not in left or not by_position:
            break
        if node is not None and node.keyword is not None:
            break
        value = _render(left.pop(name), node, references)
        leading.append(_positional(value, node))
    by_old_name = {_place_of(name, given, old_names): name for name in left}
    named: list[cst.Arg] = []
    for old, node in given.nodes.items():
        if old in by_old_name:
            name = by_old_name[old]
            value = _render(left.pop(name), node, references)
            named.append(_keyword(name, value, node))
    named += [_keyword(name, render(value, references), None) for name, value in left.items()]
    return join_arguments([*leading, *named], call)


# Arguments that combine several old ones, and the first of these.
_PLACES = {"kernel_size": ("nb_row", "kernel_dim1")}


def _place_of(name: str, given: Given, old_names: Mapping[str, str]) -> str:
    """Returns the argument of the program in whose place an argument of today is written."""
    old = old_names.get(name, name)
    return next((first for first in _PLACES.get(name, ()) if first in given.nodes), old)


def _render(value: Any, node: cst.Arg | None, references: References) -> cst.BaseExpression:
    try:
        return render(value, references)
    except UnwritableError:
        # A function that the dialect wraps, such as a schedule, is that of the program.
        if node is None or not isinstance(value, types.FunctionType):
            raise
        return node.value


def _positional(value: cst.BaseExpression, node: cst.Arg | None) -> cst.Arg:
    if node is None:
        return cst.Arg(value)
    return node.with_changes(value=value, keyword=None, equal=cst.MaybeSentinel.DEFAULT)


def _keyword(name: str, value: cst.BaseExpression, node: cst.Arg | None) -> cst.Arg:
    equal = cst.AssignEqual(
        whitespace_before=cst.SimpleWhitespace(""), whitespace_after=cst.SimpleWhitespace("")
    )
    if node is None:
        return cst.Arg(value, keyword=cst.Name(name), equal=equal)
    if node.keyword is not None and isinstance(node.equal, cst.AssignEqual):
        equal = node.equal
    return node.with_changes(value=value, keyword=cst.Name(name), equal=equal)


def join_arguments(args: Sequence[cst.Arg], call: cst.Call) -> list[cst.Arg]:
    """Returns arguments with commas between them, and the end of the original call."""
    if not args:
        return []
    joined = [
        arg
        if isinstance(arg.comma, cst.Comma) and arg is not args[-1]
        else arg.with_changes(comma=cst.Comma(whitespace_after=cst.SimpleWhitespace(" ")))
        for arg in args
    ]
    last = call.args[-1] if call.args else cst.Arg(cst.Name("x"))
    joined[-1] = joined[-1].with_changes(
        comma=last.comma, whitespace_after_arg=last.whitespace_after_arg
    )
    joined[:-1] = [
        arg.with_changes(whitespace_after_arg=cst.SimpleWhitespace("")) for arg in joined[:-1]
    ]
    return joined


def is_unchanged(call: cst.Call, args: Sequence[cst.Arg]) -> bool:
    """Tells whether arguments are those that a call has already."""
    if len(args) != len(call.args):
        return False
    pairs = zip(args, call.args, strict=True)
    return all(code_of(a) == code_of(b) for a, b in pairs)
