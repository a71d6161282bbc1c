"""Programs are divided into cells, and run with the outputs of a notebook."""

import sys

import pytest

from scripts.gallery.cells import Cell, read_cells
from scripts.gallery.execution import execute
from scripts.gallery.notebook import make_notebook
from scripts.site.notebooks import notebook_page

PROGRAM = """\
# %% [markdown]
# # Title
#
# What it shows.

# %%
import sys


class Picture:
    def __init__(self, **contents):
        for kind, content in contents.items():
            setattr(self, f"_repr_{kind}_", lambda content=content: content)

    def __repr__(self):
        return "<Picture at 0x7f>"


print(__name__, sys.modules["__main__"].Picture is Picture)
Picture(html="<b>\\n\\n</b>")

# %%
Picture(svg="<svg/>")

# %%
Picture(png=b"PNG", html=None)

# %%
value = 1
"""


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return path


def test_cells_are_read():
    assert read_cells(PROGRAM)[0] == Cell("markdown", "# Title\n\nWhat it shows.", 2)
    assert [(cell.kind, cell.line) for cell in read_cells(PROGRAM)[2:]] == [
        ("code", 23),
        ("code", 26),
        ("code", 29),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [("x = 1\n# %%\n", "first line"), ("# %% [markdown]\n# a\nx = 1\n", "Line 3.*x = 1")],
)
def test_a_program_without_cells_is_an_error(text, message):
    with pytest.raises(ValueError, match=message):
        read_cells(text)


def test_outputs_are_those_of_a_notebook(program):
    main = sys.modules["__main__"]
    (printed, table), (vector,), (image,), none = execute(program)
    assert sys.modules["__main__"] is main
    assert printed.text == "__main__ True\n"
    assert table.data == {"text/plain": "<Picture>", "text/html": "<b>\n\n</b>"}
    assert vector.data["image/svg+xml"] == "<svg/>"
    assert image.data == {"text/plain": "<Picture>", "image/png": "UE5H"}
    assert none == []


def test_an_error_names_the_line_of_the_program(program):
    program.write_text(PROGRAM + "\n# %%\n1 / 0\n")
    with pytest.raises(ZeroDivisionError) as caught:
        execute(program)
    assert caught.traceback[-1].lineno + 1 == len(program.read_text().splitlines())


def test_the_page_of_a_notebook_shows_its_outputs(program):
    text, pictures = notebook_page(make_notebook(program), "program")
    assert pictures == {"program_1.svg": b"<svg/>", "program_2.png": b"PNG"}
    assert text.startswith("# Title\n\nWhat it shows.\n\n[Notebook](")
    for part in (
        "```text\n__main__ True\n```",
        "<div>\n<b>\n</b>\n</div>",
        "![<Picture>](program_1.svg)",
        "![<Picture>](program_2.png)",
        "```python\nvalue = 1\n```",
    ):
        assert f"\n\n{part}\n" in text


def test_outputs_have_no_folder_of_this_machine(tmp_path):
    path = tmp_path / "program.py"
    path.write_text("# %%\nprint(__file__)\n__file__\n")
    printed, value = execute(path)[0]
    assert printed.text == "program.py\n" and value.data["text/plain"] == "'program.py'"
