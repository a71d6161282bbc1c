"""The results of fuzzing as Markdown."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.fuzzing.target import VERDICTS

__all__ = ["Row", "read", "record", "section", "write"]

_PAGE = Path(__file__).parents[1] / "fuzzing.md"
_WORDS = 200  # characters of the details of a failure

Row = Mapping[str, Any]


def section(rows: Sequence[Row]) -> str:
    """Returns the table of all targets, and the list of failures."""
    lines = [
        "| target | inputs | "
        + " | ".join(VERDICTS)
        + " | inputs per second | longest, s | most, MB |",
        "| --- |" + " ---: |" * (len(VERDICTS) + 4),
        *(_line(row["target"], [row]) for row in rows),
        _line("all", rows),
    ]
    failed = [
        f"* {item['target']} {item['number']}: {item['verdict']}, {item['seconds']:.1f} s, "
        f"{item['megabytes']:.0f} MB: {_short(item['description'])} `{_short(item['details'])}`"
        for row in rows
        for item in row["failures"]
    ]
    return "\n".join(
        [*lines, "", *(["Failures:", "", *failed] if failed else ["No failures."]), ""]
    )


def _line(name: str, rows: Sequence[Row]) -> str:
    counts: Counter[str] = Counter()
    for row in rows:
        counts.update(row["counts"])
    total = sum(counts.values())
    cells = [
        name,
        f"{total}",
        *(str(counts[verdict]) for verdict in VERDICTS),
        f"{total / max(sum(row['wall'] for row in rows), 1e-9):.0f}",
        f"{max(row['seconds'] for row in rows):.2f}",
        f"{max(row['megabytes'] for row in rows):.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def _short(text: str) -> str:
    return " ".join(text.split())[:_WORDS].replace("`", "'")


def record(path: Path, row: Row) -> None:
    """Appends the results of a target to a file."""
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{json.dumps(row)}\n")


def read(path: Path) -> list[Row]:
    """Returns the results in a file; the last of a target counts."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return list({row["target"]: row for row in rows}.values())


def write(files: Sequence[Row], numbers: Sequence[Row]) -> None:
    """Writes the page.

    Args:
        files: the results of mutated files.
        numbers: those of numbers in configs.
    """
    _PAGE.write_text(
        "\n".join(
            [
                "# Fuzzing",
                "",
                "`python -m benchmarks.fuzzing --inputs 1000000` reads mutated files, in processes",
                "with limits of time and memory, while what the interpreter imports, opens and",
                "executes is watched. `python -m benchmarks.fuzzing --numbers` replaces the",
                "numbers in the configs of all layers and ops by numbers of all sizes and kinds.",
                "An input is a function of its target and its number:",
                "`--only TARGET --first 57 --inputs 58` repeats one. Outcomes:",
                "",
                *(f"* {verdict}: {meaning}." for verdict, meaning in VERDICTS.items()),
                "",
                "## Mutated files",
                "",
                "Damaged files are those of cornu, in which every change of a number must be",
                "found. The other targets change the structure of files, with correct checksums:",
                "what is read must be what NumPy, h5py and safetensors read.",
                "",
                section(files),
                "## Numbers in configs",
                "",
                "Each number in the config of each layer and op of the catalogue is replaced, one",
                "at a time, by numbers of all sizes, and by values of other types.",
                "",
                "A target in which a failure was found was run again, whole, after the failure was",
                "mended; the tests repeat such files.",
                "",
                section(numbers),
            ]
        ),
        encoding="utf-8",
    )
