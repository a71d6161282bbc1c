"""Makes the notebook of a program: its cells with the outputs of a run."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import nbformat

from scripts.gallery.cells import read_cells
from scripts.gallery.execution import execute

__all__ = ["FOLDER", "fingerprint", "make_notebook", "notebook_path", "read_notebook"]

FOLDER = Path(__file__).parents[2] / "examples" / "gallery"
_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def make_notebook(program: Path) -> nbformat.NotebookNode:
    """Runs a program; returns its notebook, with the seconds of processor time that it took.

    Args:
        program: the program, in the percent format.
    """
    text = program.read_text(encoding="utf-8")
    start = time.process_time()
    outputs = execute(program)
    seconds = time.process_time() - start
    cells: list[nbformat.NotebookNode] = []
    count = 0
    for number, cell in enumerate(read_cells(text)):
        if cell.kind == "markdown":
            made = nbformat.v4.new_markdown_cell(cell.source)
        else:
            count += 1
            made = nbformat.v4.new_code_cell(
                cell.source, execution_count=count, outputs=outputs[count - 1]
            )
        made.id = f"cell-{number}"  # those of nbformat differ in each run
        cells.append(made)
    made_from = {"sha256": fingerprint(text), "seconds": round(seconds, 1)}
    metadata = {
        "kernelspec": _KERNEL,
        "language_info": {"name": "python"},
        "made_from": made_from,
    }
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    nbformat.validate(notebook)
    return notebook


def fingerprint(text: str) -> str:
    """Returns the checksum by which a notebook says of which program its outputs are."""
    return hashlib.sha256(text.encode()).hexdigest()


def notebook_path(program: Path) -> Path:
    """Returns the path of the notebook of a program."""
    return program.parent / "notebooks" / f"{program.stem}.ipynb"


def read_notebook(path: Path) -> nbformat.NotebookNode:
    """Returns a notebook."""
    return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
