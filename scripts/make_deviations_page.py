"""Generates docs/deviations.md from the table: `python -m scripts.make_deviations_page`."""

from pathlib import Path

from cornu.deviations import document

if __name__ == "__main__":
    page = Path(__file__).parents[1] / "docs" / "deviations.md"
    page.write_text(document(), encoding="utf-8")
