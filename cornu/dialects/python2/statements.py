"""Statements of Python 2 that Python 3 does not parse: `print`, `exec`, `raise` and `except`."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

__all__ = ["translate_statements"]

Token = tokenize.TokenInfo

_OPENING, _CLOSING = ("(", "[", "{"), (")", "]", "}")
_LAYOUT = (
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT),
    tokenize.ENDMARKER,
)


class Edit(NamedTuple):
    """A replacement of a part of a line.

    Attributes:
        row: the number of the line, from 1.
        start, end: the columns of the part.
        text: what replaces it.
    """

    row: int
    start: int
    end: int
    text: str


def translate_statements(source: str) -> str:
    """Returns a program whose statements Python 3 parses.

    Translated are `print` as a statement, `exec code in names`, `raise Error, "message"`, and
    `except Error, name`. The numbers of lines stay the same.

    Args:
        source: a program in Python 2.

    Example:

    >>> translate_statements('print "loss:", 3,')
    'print("loss:", 3, end=" ")'
    """
    edits = [edit for tokens in _simple_statements(source) for edit in _translate(tokens)]
    lines = source.splitlines(keepends=True)
    for row, start, end, text in sorted(edits, reverse=True):
        line = lines[row - 1]
        lines[row - 1] = line[:start] + text + line[end:]
    return "".join(lines)


def _simple_statements(source: str) -> Iterator[list[Token]]:
    """Yields the tokens of each simple statement, and of each header up to its colon."""
    found: list[Token] = []
    depth = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        depth += _depth_change(token)
        is_separator = depth == 0 and token.type == tokenize.OP and token.string in (";", ":")
        if token.type == tokenize.NEWLINE or is_separator:
            yield found
            found = []
        elif token.type not in _LAYOUT:
            found.append(token)
    yield found


def _translate(tokens: list[Token]) -> list[Edit]:
    translate = _STATEMENTS.get(tokens[0].string) if tokens else None
    return [] if translate is None else translate(tokens)


def _print(tokens: list[Token]) -> list[Edit]:
    rest = tokens[1:]
    if rest and (rest[0].string in ("=", ".") or _is_parenthesized(rest)):
        return []
    edits = [_opened(tokens[0])]
    closing = ""
    if rest and rest[0].string == ">>":
        file = rest[1 : (_commas(rest) or [len(rest)])[0]]
        closing = f"file={''.join(token.string for token in file)}"
        removed = rest[: len(file) + 2]  # with the comma
        edits += [_replaced(token, "") for token in removed]
        rest = rest[len(removed) :]
        closing = f", {closing}" if rest else closing
    if rest and rest[-1].string == ",":
        edits.append(_replaced(rest[-1], ', end=" "'))
    return [*edits, _inserted(tokens[-1].end, f"{closing})")]


def _except(tokens: list[Token]) -> list[Edit]:
    return [_replaced(tokens[1 + i], " as") for i in _commas(tokens[1:])]


def _raise(tokens: list[Token]) -> list[Edit]:
    new = zip(_commas(tokens[1:]), ("(", ").with_traceback("), strict=False)
    edits = [_replaced(tokens[1 + i], text) for i, text in new]
    return [*edits, _inserted(tokens[-1].end, ")")] if edits else []


def _exec(tokens: list[Token]) -> list[Edit]:
    rest = tokens[1:]
    if not rest or _is_parenthesized(rest):
        return []
    names = [_replaced(rest[i], ",") for i in _outside_of_brackets(rest, "in")]
    return [_opened(tokens[0]), *names, _inserted(rest[-1].end, ")")]


_STATEMENTS: dict[str, Callable[[list[Token]], list[Edit]]] = {
    "except": _except,
    "exec": _exec,
    "print": _print,
    "raise": _raise,
}


def _replaced(token: Token, text: str) -> Edit:
    return Edit(token.start[0], token.start[1], token.end[1], text)


def _inserted(position: tuple[int, int], text: str) -> Edit:
    return Edit(position[0], position[1], position[1], text)


def _opened(name: Token) -> Edit:
    """Returns the edit that writes a parenthesis after a name, in place of a space."""
    row, column = name.end
    return Edit(row, column, column + name.line[column:].startswith(" "), "(")


def _depth_change(token: Token) -> int:
    is_operator = token.type == tokenize.OP
    return is_operator * ((token.string in _OPENING) - (token.string in _CLOSING))


def _is_parenthesized(tokens: Sequence[Token]) -> bool:
    """Whether tokens are one pair of parentheses and what is in it."""
    depth = 0
    for i, token in enumerate(tokens):
        depth += _depth_change(token)
        if depth == 0:
            return token.string == ")" and i == len(tokens) - 1 and tokens[0].string == "("
    return False


def _outside_of_brackets(tokens: Sequence[Token], text: str) -> list[int]:
    """Returns the positions of tokens with a text that are not in brackets."""
    found = []
    depth = 0
    for i, token in enumerate(tokens):
        depth += _depth_change(token)
        if depth == 0 and token.string == text:
            found.append(i)
    return found


def _commas(tokens: Sequence[Token]) -> list[int]:
    return _outside_of_brackets(tokens, ",")
