"""Breaks calls that became too long for a line."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from cornu.modernize.expressions import code_of

__all__ = ["drop_placeholders", "placeholder", "wrap_call"]

_WIDTH = 100
# Beyond this column, arguments begin on a new line.
_MAX_INDENT = 60


_PLACEHOLDER = "__removed__"


def placeholder(lines: Sequence[cst.EmptyLine]) -> cst.SimpleStatementLine:
    """Returns what stands for a removed statement, with the comments before it."""
    return cst.SimpleStatementLine([cst.Expr(cst.Name(_PLACEHOLDER))], leading_lines=lines)


def drop_placeholders(body: Sequence[cst.BaseStatement]) -> list[cst.BaseStatement]:
    """Removes placeholders; their comments move to the next statement."""
    kept: list[cst.BaseStatement] = []
    lines: list[cst.EmptyLine] = []
    for statement in body:
        assert isinstance(statement, (cst.SimpleStatementLine, cst.BaseCompoundStatement))
        if code_of(statement).strip().endswith(_PLACEHOLDER):
            lines += [one for one in statement.leading_lines if one.comment or not lines]
        elif lines:
            own = statement.leading_lines
            empty = lines if any(one.comment for one in lines) or not own else []
            kept.append(statement.with_changes(leading_lines=[*empty, *own]))
            lines = []
        else:
            kept.append(statement)
    return kept


def wrap_call(call: cst.Call, column: int, original: cst.Call | None = None) -> cst.Call:
    """Returns a call whose arguments are spread over lines, if one of its lines is too long.

    Args:
        call: the call.
        column: the column where it begins.
        original: the call before; its lines are aligned with its first argument.

    Example:

    >>> from cornu.modernize.expressions import parse
    >>> print(code_of(wrap_call(parse(f"f({'a' * 50}, b, {'c' * 50})"), 0)))
    f(aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, b,
      cccccccccccccccccccccccccccccccccccccccccccccccccc)
    """
    first, *rest = code_of(call).split("\n")
    is_long = column + len(first) > _WIDTH or any(len(line) > _WIDTH for line in rest)
    texts = [code_of(arg.with_changes(comma=cst.MaybeSentinel.DEFAULT)) for arg in call.args]
    moved = original is not None and len(code_of(original.func)) != len(code_of(call.func))
    if not (is_long or rest and moved) or len(texts) < 2 or any("\n" in text for text in texts):
        return call
    indent = column + len(code_of(call.func).split("\n")[-1]) + 1
    if indent > _MAX_INDENT:
        return call
    args: list[cst.Arg] = []
    end = indent
    for i, (arg, text) in enumerate(zip(call.args, texts, strict=True)):
        end += len(text) + 2
        if i and end > _WIDTH:
            end = indent + len(text) + 2
            args[-1] = args[-1].with_changes(comma=_line_break(indent))
        args.append(arg.with_changes(comma=_comma()))
    args[-1] = args[-1].with_changes(comma=call.args[-1].comma)
    return call.with_changes(args=args)


def _comma() -> cst.Comma:
    return cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))


def _line_break(indent: int) -> cst.Comma:
    return cst.Comma(
        whitespace_after=cst.ParenthesizedWhitespace(
            first_line=cst.TrailingWhitespace(newline=cst.Newline()),
            last_line=cst.SimpleWhitespace(" " * indent),
        )
    )
