"""Writes the page and the figures; scripts that write pages with results call it."""

from __future__ import annotations

from scripts.comparison.figures import READMES, with_figures
from scripts.comparison.page import page
from scripts.comparison.tables import ROOT

__all__ = ["write_comparison"]


def write_comparison() -> None:
    """Writes docs/comparison.md, and the figures of the READMEs."""
    (ROOT / "docs/comparison.md").write_text(page(), encoding="utf-8")
    for name in READMES:
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        path.write_text(with_figures(name, text), encoding="utf-8")
