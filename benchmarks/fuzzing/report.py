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


def write(first: Sequence[Row], again: Sequence[Row]) -> None:
    """Writes the page.

    Args:
        first: the results of many mutated files.
        again: those of a part of them, after what they showed was mended.
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
                section(first),
                "## After the failures were mended",
                "",
                "The files above that were read with other numbers, crashed or hung are refused",
                "now; tests repeat them. The escapes are a codec that the zipfile module of Python",
                "imports. Raw errors below are of the safetensors library, which the fuzzer",
                "compares with: it refused metadata that cornu read, and refuses now. Crashes with",
                "exit code 1 are errors of the fuzzer. Long lists of equal failures are cut.",
                "",
                section(again),
            ]
        ),
        encoding="utf-8",
    )
