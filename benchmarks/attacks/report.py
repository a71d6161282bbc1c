"""The outcomes of attacks as Markdown, and the section of the page on reliability."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.attacks.attack import VERDICTS, Attack, Outcome
from benchmarks.attacks.formats import FORMATS

__all__ = ["failures", "formats_section", "read", "record", "section", "write"]

_PAGE = Path(__file__).parents[1] / "reliability.md"
_TITLE, _FORMATS_TITLE = "## Attacks", "## Attacks by format"
_WORDS = 300  # characters of the details of a failure


def failures(attack: Attack, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Returns the outcomes that the attack does not expect."""
    return [outcome for outcome in outcomes if outcome.verdict not in attack.expected]


def section(found: Mapping[str, Sequence[Outcome]], attacks: Mapping[str, Attack]) -> str:
    """Returns the section: one row for each kind of attack, and a list of failures."""
    kinds: dict[str, list[str]] = {}
    for name in found:
        kinds.setdefault(attacks[name].kind, []).append(name)
    lines = [
        _TITLE,
        "",
        "`python -m benchmarks.attacks` runs each attack in processes of its own, with limits of",
        "time and memory; `--quick` runs a part of them, `--only TEXT` those whose name contains",
        "it. Verdicts:",
        "",
        *(f"* {verdict}: {meaning}." for verdict, meaning in VERDICTS.items()),
        "",
        "| kind | attacks | rounds | signals | "
        + " | ".join(VERDICTS)
        + " | failures | longest, s | most, MB |",
        "| --- |" + " ---: |" * (len(VERDICTS) + 6),
    ]
    lines += [_row(kind, names, found, attacks) for kind, names in kinds.items()]
    failed = [_failure(attacks[name], found[name]) for name in found]
    lines += ["", "Failures:", "", *filter(None, failed)] if any(failed) else ["", "No failures."]
    return "\n".join([*lines, ""])


def formats_section(found: Mapping[str, Sequence[Outcome]]) -> str:
    """Returns the section of attacks by format: the outcome, seconds and megabytes of each."""
    rows = [(*FORMATS[name], found[name][0]) for name in FORMATS if name in found]
    columns = list(dict.fromkeys(row[2] for row in rows))
    kinds = list(dict.fromkeys((row[0], row[1]) for row in rows))
    cells = {(kind, column): _cell(outcome) for kind, _, column, outcome in rows}
    lines = [
        _FORMATS_TITLE,
        "",
        "`python -m benchmarks.attacks --only 'attacks by format'` reads a crafted file of each",
        "kind in each format in which it can exist; nothing is imported, opened or executed.",
        "Cells are the verdict, seconds and megabytes. The sources are advisories for Keras.",
        "",
        f"| attack | source | {' | '.join(columns)} |",
        "| --- | --- |" + " --- |" * len(columns),
    ]
    for kind, source in kinds:
        inner = " | ".join(cells.get((kind, column), "") for column in columns)
        lines.append(f"| {kind} | {source} | {inner} |")
    return "\n".join([*lines, ""])


def _cell(outcome: Outcome) -> str:
    return f"{outcome.verdict}, {outcome.seconds:.2f} s, {outcome.megabytes:.0f} MB"


def _row(
    kind: str,
    names: Sequence[str],
    found: Mapping[str, Sequence[Outcome]],
    attacks: Mapping[str, Attack],
) -> str:
    outcomes = [outcome for name in names for outcome in found[name]]
    counts = Counter(outcome.verdict for outcome in outcomes)
    failed = sum(len(failures(attacks[name], found[name])) for name in names)
    runs = [o for o in outcomes if not o.signals]
    cells = [
        kind,
        str(len(names)),
        str(len(outcomes)),
        str(sum(outcome.signals for outcome in outcomes)),
        *(str(counts[verdict]) for verdict in VERDICTS),
        str(failed),
        f"{max((o.seconds for o in runs), default=0.0):.1f}",
        f"{max((o.megabytes for o in outcomes), default=0.0):.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def _failure(attack: Attack, outcomes: Sequence[Outcome]) -> str:
    failed = failures(attack, outcomes)
    if not failed:
        return ""
    counts = ", ".join(f"{n} {v}" for v, n in Counter(o.verdict for o in failed).items())
    details = " ".join(failed[0].details.split())[:_WORDS].replace("`", "'")
    return (
        f"* {attack.name}: {counts} of {len(outcomes)}; round {failed[0].number}, "
        f"{failed[0].seconds:.1f} s, {failed[0].megabytes:.0f} MB: `{details}`"
    )


def record(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Appends outcomes to a file, one a line."""
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(outcome._asdict())}\n" for outcome in outcomes)


def read(path: Path) -> dict[str, list[Outcome]]:
    """Returns the outcomes in a file, by attack; the last run of an attack counts."""
    found: dict[str, list[Outcome]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        outcome = Outcome(**json.loads(line))
        if outcome.number == 0:
            found[outcome.attack] = []
        found[outcome.attack].append(outcome)
    return found


def write(text: str) -> None:
    """Replaces the section of the page that has the title of the text, or adds it at the end."""
    page = _PAGE.read_text(encoding="utf-8")
    title = text.partition("\n")[0]
    pattern = re.compile(rf"^{re.escape(title)}\n.*?(?=\n## |\Z)", re.DOTALL | re.MULTILINE)
    if pattern.search(page):
        page = pattern.sub(lambda match: text, page)
    else:
        page = f"{page}\n{text}"
    _PAGE.write_text(page, encoding="utf-8")
