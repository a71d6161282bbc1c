"""The programs of the guides run, and print what the pages show."""

import contextlib
import io
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [DOCS / "index.md", *sorted((DOCS / "guides").glob("*.md"))]
QUICK = ("index", "functional")
# A program, and the text that it prints, if the page shows it.
BLOCK = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)


@pytest.mark.filterwarnings("ignore::cornu.errors.ModelWarning")
@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, id=page.stem, marks=[] if page.stem in QUICK else pytest.mark.slow)
        for page in PAGES
    ],
)
def test_programs_print_what_the_page_shows(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    namespace = {"__name__": "guide"}
    for number, (source, expected) in enumerate(blocks):
        program = tmp_path / f"block_{number}.py"  # errors show the lines of the file
        program.write_text(source)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(source, str(program), "exec"), namespace)
        if expected:
            assert printed.getvalue() == expected


def test_every_guide_begins_with_a_program():
    for page in PAGES[1:]:
        title, blank, first = page.read_text(encoding="utf-8").splitlines()[:3]
        assert title.startswith("# ") and not blank, page
        assert first in ("```python", "```console"), page
