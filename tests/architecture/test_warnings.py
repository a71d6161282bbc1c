"""Warnings of the library point at the user's line, however deep they are raised."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2] / "cornu"


def test_no_warning_counts_frames():
    # `warn` in errors.py adds one to the level that its caller found.
    found = [
        path.relative_to(ROOT).as_posix()
        for path in sorted(ROOT.rglob("*.py"))
        if re.search(r"stacklevel=\d", path.read_text(encoding="utf-8"))
    ]
    assert not found, found
