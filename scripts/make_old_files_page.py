"""Writes docs/old_files_table.md: every model of tests/saving/old_models, and how it loads.

python -m scripts.make_old_files_page
"""

import sys
import tempfile
from pathlib import Path

from tests.saving.old_files import archives

PAGE = Path(__file__).parents[1] / "docs" / "old_files_table.md"
HEAD = """# Old files

Every model was written by the version of Keras in the table and loaded by cornu. The columns are
the largest difference of the predictions from those of the old version, and the largest difference
of losses and predictions in three further steps of training, which need the state of the optimizer.
The last column is what a file is taken for if the attributes with its version are removed.
`python -m scripts.make_old_files_page` writes this page from `tests/saving/old_models`.

Not in the table: Nadam of tf.keras 2.11 and later, whose steps depend on the order in which the
weights are updated; cornu continues with the formula.

"""
COLUMNS = "| version, backend | model | kinds | predictions | three steps | without its version |\n"


def main() -> None:
    rows, worst = [], {}
    for archive in archives.ARCHIVES:
        for old in archives.models(archive):
            cells, largest = measure(old)
            print(" | ".join(cells), flush=True)
            rows.append(f"| {' | '.join(cells)} |\n")
            worst[archive] = [*worst.get(archive, []), largest]
    summary = "| version, backend | models | largest difference |\n| --- | --- | --- |\n"
    for archive, values in worst.items():
        summary += f"| {archive} | {len(values)} | {max(values):.1e} |\n"
    total = sum(len(values) for values in worst.values())
    text = f"{HEAD}{total} models load.\n\n{summary}\n{COLUMNS}{'| --- ' * 6}|\n{''.join(rows)}"
    PAGE.write_text(text)


def measure(old: archives.OldModel) -> tuple[list[str], float]:
    """Returns the cells of a row, and the largest difference."""
    kinds = ["HDF5", *(kind for end, kind in KINDS.items() if old.has(end))]
    with tempfile.TemporaryDirectory() as folder:
        model = archives.load(old, Path(folder))
    predicted = archives.output_difference(model, old)
    trained = archives.training_difference(model, old) if old.is_compiled else 0.0
    source = archives.judged_source(old)
    cells = [
        f"{old.version}, {old.backend}",
        old.name,
        ", ".join(kinds),
        f"{predicted:.1e}",
        f"{trained:.1e}" if old.is_compiled else "not compiled",
        f"{source}: {source.reason}",
    ]
    return cells, max(predicted, trained)


KINDS = {".weights.h5": "weights", ".json": "JSON", ".yaml": "YAML"}

if __name__ == "__main__":
    sys.exit(main())
