"""The page that compares cornu is current, and so are the figures of the READMEs."""

import re

import pytest

from scripts.comparison import tables
from scripts.comparison.figures import READMES, with_figures
from scripts.comparison.page import page
from scripts.comparison.tables import ROOT

PAGE = "| a | b | b |\n| --- | --- | --- |\n| x | 1,200 | 2 |\n\ntext\n\n| c |\n| --- |\n| 7 |\n"


def test_the_page_is_current():
    found = (ROOT / "docs/comparison.md").read_text(encoding="utf-8")
    assert found == page(), "python -m scripts.comparison writes it from the pages of results"


@pytest.mark.parametrize("name", READMES)
def test_the_figures_of_the_readme_are_current(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert with_figures(name, text) == text
    changed = re.sub(r"(?<!\d)63(?!\d)", "62", text)
    assert changed != text and with_figures(name, changed) == text
    with pytest.raises(ValueError, match="has no sentence"):
        with_figures(name, "")


def test_tables_are_found_by_their_columns(tmp_path, monkeypatch):
    (tmp_path / "page.md").write_text(PAGE)
    monkeypatch.setattr(tables, "ROOT", tmp_path)
    assert tables.rows("page.md", "a", "b") == [{"a": "x", "b": "1,200"}]
    assert tables.rows("page.md", "c") == [{"c": "7"}] and tables.number("**1,200**") == 1200
    for call in (tables.rows, tables.find):
        with pytest.raises(ValueError, match="page.md has no"):
            call("page.md", "absent")
