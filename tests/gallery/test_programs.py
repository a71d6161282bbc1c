"""The programs of the gallery run, and their notebooks have the outputs of these programs."""

import ast
import re
from importlib import metadata

import nbformat
import pytest

from scripts.gallery import tables
from scripts.gallery.__main__ import run
from scripts.gallery.catalog import OWN_PROCESS, PACKAGES, SUBJECTS, names
from scripts.gallery.cells import read_cells
from scripts.gallery.execution import execute
from scripts.gallery.notebook import FOLDER, fingerprint, notebook_path, read_notebook
from tests.sampling import slow_except

QUICK = ("tabular", "time_series")


def program(name):
    return FOLDER / f"{name}.py"


def text_of(name):
    return program(name).read_text(encoding="utf-8")


def notebook_of(name):
    return read_notebook(notebook_path(program(name)))


def kinds(outputs):
    """Returns what an output is: a text, or the types of what a notebook shows of a value."""
    return ["text" if "text" in output else sorted(output.data) for output in outputs]


def words(text):
    """Returns the last line of a text without its numbers, which differ between machines."""
    return re.sub(r"-?\d[\d.,]*", "#", text.splitlines()[-1])


@pytest.mark.parametrize("name", slow_except(names(), QUICK))
def test_a_program_prints_what_its_notebook_shows(name, tmp_path, monkeypatch):
    for package in PACKAGES.get(name, ()):
        try:
            metadata.version(package)
        except metadata.PackageNotFoundError:
            pytest.skip(f"{package} is not installed")
    monkeypatch.chdir(tmp_path)
    expected = [cell.outputs for cell in notebook_of(name).cells if cell.cell_type == "code"]
    if name in OWN_PROCESS:
        run(name, tmp_path / "made.ipynb")
        cells = read_notebook(tmp_path / "made.ipynb").cells
        found = [cell.outputs for cell in cells if cell.cell_type == "code"]
    else:
        found = execute(program(name))
    assert [kinds(outputs) for outputs in found] == [kinds(outputs) for outputs in expected]
    assert words(found[-1][-1].text) == words(expected[-1][-1].text)


@pytest.mark.parametrize("name", names())
def test_a_notebook_is_of_the_current_program(name):
    notebook, text = notebook_of(name), text_of(name)
    cells = [(cell.cell_type, cell.source) for cell in notebook.cells]
    assert cells == [(cell.kind, cell.source) for cell in read_cells(text)]
    assert notebook.metadata.made_from.sha256 == fingerprint(text), (
        f"python -m scripts.gallery {name}"
    )
    assert notebook.metadata.made_from.seconds < 30
    assert notebook_path(program(name)).stat().st_size < 100_000
    nbformat.validate(notebook)
    folders = re.findall(r"/[\w/.-]*(?=examples/gallery)", nbformat.writes(notebook))
    assert set(folders) <= {"/"}, "a path of one machine"


@pytest.mark.parametrize("name", names())
def test_a_program_says_what_it_shows_and_proves_its_result(name):
    text = text_of(name)
    first = read_cells(text)[0]
    title, blank, paragraph = first.source.split("\n", 2)
    assert first.kind == "markdown" and re.match(r"# \w", title) and not blank
    assert len(paragraph.split()) > 20
    assert isinstance(ast.parse(text).body[-1], ast.Assert)
    code = [
        line for c in read_cells(text) if c.kind == "code" for line in c.source.splitlines() if line
    ]
    assert 30 <= len(code) <= 100
    # The result and its baseline, in one line.
    assert re.search(r"\d.*;.*\d", tables.result(notebook_of(name)))


def test_the_page_lists_all_programs():
    assert sorted(names()) == sorted(path.stem for path in FOLDER.glob("*.py"))
    text = tables.PAGE.read_text(encoding="utf-8")
    assert text == tables.page(text, SUBJECTS), "python -m scripts.gallery --tables"
