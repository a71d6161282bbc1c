"""Modernizes all example programs, runs them beside the dialect: the table of docs/modernize.md.

    python -m scripts.modernize RESULTS [PROGRAM ...]

RESULTS is a folder. A run whose result is there is not repeated.
"""

import difflib
import json
import subprocess
import sys
from pathlib import Path

from cornu.modernize import load_era, modernize_source
from cornu.modernize.context import COMMENT
from scripts.modernize.page import REASONS, RULE, TABLE, with_optimizers

ROOT = Path(__file__).parents[2]
FOLDERS = {
    "examples/eras/keras1": "keras1",
    "examples/eras/keras2": "keras2",
    "examples/founding": "keras1",
}
LIMIT = 1e-5
STORED = ROOT / "tests/modernize/losses.json"


def programs():
    """Yields the programs, each with its version."""
    for folder, dialect in FOLDERS.items():
        for path in sorted((ROOT / folder).glob("*.py")):
            yield path, dialect


def name_of(path):
    """Returns the name of a program in the table, such as "keras1/mlp"."""
    return f"{path.parent.name}/{path.stem}"


def run(result, program, dialect, weights=None):
    """Returns the losses of a program; None if it fails."""
    if not result.exists() and not result.with_suffix(".failed").exists():
        command = [sys.executable, "-W", "ignore", "-m", "scripts.modernize.record"]
        command += [str(result), str(program), dialect]
        command += ["--weights", str(weights)] if weights else []
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if not result.exists():
            result.with_suffix(".failed").write_text(done.stdout + done.stderr)
    return json.loads(result.read_text())["losses"] if result.exists() else None


def difference(old, new):
    """Returns the largest difference of losses, relative where one exceeds 1."""
    if len(old) != len(new) or not old:
        return float("inf")
    return max(abs(a - b) / max(1, abs(a)) for a, b in zip(old, new, strict=True))


def compare(path, dialect, new, folder):
    """Returns how a program was compared, and the difference; None if it did not run.

    The losses of the dialect from the same seed are returned as well.
    """
    start = folder / name_of(path).replace("/", "_")
    own = [start.with_name(f"{start.name}_{end}") for end in ("old.json", "new.json")]
    old_losses = run(own[0], path, dialect)
    new_losses = run(own[1], new, "keras3")
    if old_losses is None or new_losses is None:
        return "", None, old_losses
    found = difference(old_losses, new_losses)
    if found <= LIMIT:
        return "same seed", found, old_losses
    weights = start.with_name(f"{start.name}_weights.npz")
    other = [start.with_name(f"{start.name}_{end}") for end in ("old_w.json", "new_w.json")]
    pairs = run(other[0], path, dialect, weights), run(other[1], new, "keras3", weights)
    if None not in pairs and difference(*pairs) < found:
        return "same weights", difference(*pairs), old_losses
    return "same seed", found, old_losses


def row(path, dialect, folder):
    """Returns the row of a program, and the losses of the dialect."""
    text = path.read_text()
    new = modernize_source(text, load_era(dialect))
    program = folder / f"{name_of(path).replace('/', '_')}.py"
    if program.exists() and program.read_text() != new.text:
        for result in folder.glob(f"{program.stem}_new*"):
            result.unlink()
    program.write_text(new.text)
    lines = list(difflib.ndiff(text.splitlines(), new.text.splitlines()))
    added, removed = (sum(line.startswith(sign) for line in lines) for sign in "+-")
    how, found, losses = compare(path, dialect, program, folder)
    if found is None:
        result = "does not run"
    else:
        result = f"{found:.0e}" if found else "0"
    equal = "yes" if found is not None and found <= LIMIT else "no"
    reason = "" if equal == "yes" else REASONS.get(name_of(path), "")
    link = f"[{name_of(path)}](../{path.relative_to(ROOT)})"
    cells = [link, f"+{added} -{removed}", str(new.text.count(COMMENT)), how, result, equal, reason]
    return f"| {' | '.join(cells)} |", losses


def main():
    folder, names = Path(sys.argv[1]), sys.argv[2:]
    folder.mkdir(parents=True, exist_ok=True)
    lines, stored = [], {}
    for path, dialect in programs():
        if names and name_of(path) not in names:
            continue
        line, losses = row(path, dialect, folder)
        print(line, flush=True)
        lines.append(line)
        stored[name_of(path)] = losses
    if not names:
        equal = sum("| yes |" in line for line in lines)
        end = f"\n{equal} of {len(lines)} programs compute the losses of the dialect.\n"
        page = ROOT / "docs/modernize.md"
        head = with_optimizers(page.read_text().partition(TABLE)[0])
        page.write_text(head + "\n".join([TABLE, RULE, *lines]) + "\n" + end)
        rows = [f"{json.dumps(name)}: {json.dumps(values)}" for name, values in stored.items()]
        STORED.write_text("{\n" + ",\n".join(rows) + "\n}\n")


if __name__ == "__main__":
    main()
