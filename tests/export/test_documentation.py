"""The programs of the pages about export and weights run."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.slow
@pytest.mark.parametrize("page", ["export.md", "weights.md"])
def test_programs_of_the_page(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = (DOCS / page).read_text(encoding="utf-8")
    names = {}
    for program in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(compile(program, page, "exec"), names)
    printed = [f"# {line}" for line in capsys.readouterr().out.splitlines()]
    assert printed and all(line in text for line in printed)
