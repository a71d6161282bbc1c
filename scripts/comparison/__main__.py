"""`python -m scripts.comparison`: writes docs/comparison.md, and the figures of the READMEs."""

from __future__ import annotations

from scripts.comparison.figures import READMES, with_figures
from scripts.comparison.page import page
from scripts.comparison.tables import ROOT

if __name__ == "__main__":
    (ROOT / "docs/comparison.md").write_text(page(), encoding="utf-8")
    for name in READMES:
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        path.write_text(with_figures(name, text), encoding="utf-8")
