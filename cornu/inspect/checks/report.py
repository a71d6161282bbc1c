"""The findings of checks, and the report that `model.check` returns."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cornu.inspect.checks.catalog import KINDS, CheckKind
from cornu.names import printable

__all__ = ["Finding", "Report"]

_LINES = "\n"  # the control characters that texts of findings contain

_ORDER = ("error", "warning", "info")


@dataclass(frozen=True)
class Finding:
    """A probable mistake in a model, its data or its training.

    Attributes:
        code: the kind of the finding; see `docs/checks.md`.
        text: what was found, with numbers.
        path: the layer, input or output, with its block path.
        place: the source location `file:line` in the user's code, '' if unknown.
        severity: "error", "warning" or "info".
        already_warned: whether a warning was shown when the layer was called.
    """

    code: str
    text: str
    path: str = ""
    place: str = ""
    severity: str = ""
    already_warned: bool = False

    def __post_init__(self) -> None:
        if not self.severity:
            object.__setattr__(self, "severity", self.kind.severity)

    @property
    def kind(self) -> CheckKind:
        """The row of the table of checks."""
        return KINDS[self.code]

    @property
    def title(self) -> str:
        """A short description of its kind."""
        return self.kind.title

    @property
    def where(self) -> str:
        """The path and the source location."""
        return f"{self.path} ({self.place})" if self.place else self.path

    @property
    def line(self) -> str:
        """The finding on one line."""
        where = f"{self.where}: " if self.where else ""
        return f"{self.code} {self.title}: {where}{self.text} {self.kind.advice}"


class Report:
    """The findings of `model.check`, most severe first. It prints as a table.

    Example:

    >>> Report([Finding("C012", "The output is always 1.", "head", "net.py:7")]).codes
    ['C012']
    """

    def __init__(self, findings: Iterable[Finding], ignored: Iterable[str] = ()) -> None:
        ignored = set(ignored)
        for code in ignored - set(KINDS):
            raise ValueError(f"Unknown check {code!r}. Known codes: {', '.join(KINDS)}.")
        kept = {(f.code, f.where, f.text): f for f in findings if f.code not in ignored}
        self.findings = sorted(kept.values(), key=lambda f: (_ORDER.index(f.severity), f.code))

    @property
    def codes(self) -> list[str]:
        """The codes of the findings."""
        return [finding.code for finding in self.findings]

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __getitem__(self, index: int) -> Finding:
        return self.findings[index]

    def __repr__(self) -> str:
        if not self.findings:
            return "No findings."
        lines = []
        for finding in self.findings:
            lines.append(f"{finding.code}  {finding.severity:7}  {finding.title}")
            if finding.where:
                lines.append(f"      {printable(finding.where)}")
            body = printable(f"{finding.text} {finding.kind.advice}", _LINES)
            lines += [
                piece
                for part in body.split("\n")
                for piece in textwrap.wrap(
                    part, 94, initial_indent=" " * 6, subsequent_indent=" " * 6
                )
            ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        if not self.findings:
            return "<p>No findings.</p>"
        head = "".join(f"<th>{c}</th>" for c in ("code", "severity", "what", "where", "what to do"))
        rows = [
            (f.code, f.severity, f"{f.title}: {f.text}", f.where, f.kind.advice)
            for f in self.findings
        ]
        body = "".join(
            "<tr>"
            + "".join(f"<td>{html.escape(printable(cell, _LINES))}</td>" for cell in row)
            + "</tr>"
            for row in rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
