"""How many combinations of arguments were the same, by name, when all were last compared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

PATH = Path(__file__).with_name("counts.json")
OUTCOMES = ("same", "refused", "known", "differs")


def load() -> dict[str, dict[str, int]]:
    """Returns the counts of each outcome by name."""
    if not PATH.exists():
        return {}
    return json.loads(PATH.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def store(counts: Mapping[str, Mapping[str, int]]) -> None:
    """Writes the counts, one line per name."""
    lines = [
        f"  {json.dumps(path)}: {json.dumps({k: found[k] for k in OUTCOMES if found.get(k)})}"
        for path, found in sorted(counts.items())
    ]
    PATH.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
