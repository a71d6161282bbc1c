"""Programs of pages that are not guides: fragments, after what they take for granted.

test_guides.py runs the guides, whose programs are complete.
"""

import contextlib
import io

import pytest

from tests.site.test_guides import BLOCK, DOCS
from tests.site.test_guides import PAGES as GUIDES

ROOT = DOCS.parent
MODEL = """
import numpy as np

import cornu

x, y = np.ones((8, 4), "float32"), np.zeros((8, 1), "float32")
model = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(1)])
model.compile("adam", "mse")
"""
# What a page takes for granted before its first program.
FRAGMENTS = {
    "README.ko.md": "",
    "docs/browser.md": MODEL,
    "docs/compatibility.md": "",
    "docs/custom_objects.md": "import cornu\n",
    "docs/deprecations.md": "",
    "docs/determinism.md": "",
    "docs/files_of_strangers.md": MODEL + 'model.save("downloaded.keras")\n',
    "docs/performance.md": MODEL,
    "docs/planning.md": MODEL,
    "docs/resume.md": MODEL,
    "docs/strings.md": 'table, y = {"city": ["a", "b"], "age": [1.0, 2.0]}, [[1.0], [2.0]]\n',
}
SLOW = ("README.ko.md", "docs/planning.md", "docs/strings.md")
# Pages whose programs other tests run.
ELSEWHERE = {
    "CONTRIBUTING.md": "tests/site/test_contributing.py",
    "README.md": "tests/models/test_readme.py",
    "docs/errors.md": "tests/test_errors.py",
    "docs/export.md": "tests/export/test_documentation.py",
    "docs/modernize.md": "tests/modernize/test_examples.py",
    "docs/quantization.md": "tests/quantizers/test_documentation.py",
    "docs/tasks.md": "tests/test_tasks.py",
    "docs/weights.md": "tests/export/test_documentation.py",
}
NOT_RUN = {
    "docs/data.md": "one fragment for all kinds of data; tests/data has a test of each",
    "docs/distribution.md": "needs eight devices and several processes; tests/distribution",
    "docs/old_files.md": "needs files of old versions; tests/saving/old_files loads them",
    "docs/old_programs.md": "replaces the module keras of the process; tests/dialects",
    "docs/packages.md": "replaces the module keras of the process; tests/packages",
    "docs/pickling.md": "starts processes that import the program; tests/saving/test_pickling.py",
    "docs/pictures.md": "generated with its pictures by scripts/make_pictures.py",
    "docs/serving.md": "needs a running server; tests/serving",
}


def _named(page):
    return page.relative_to(ROOT).as_posix()


def test_each_page_with_programs_is_run_or_has_a_reason():
    pages = [*DOCS.rglob("*.md"), *ROOT.glob("*.md")]
    with_programs = {_named(page) for page in pages if BLOCK.search(page.read_text("utf-8"))}
    tables = [{_named(page) for page in GUIDES}, {*FRAGMENTS}, {*ELSEWHERE}, {*NOT_RUN}]
    assert sum(map(len, tables)) == len(set().union(*tables))
    assert with_programs - set().union(*tables) == set()
    assert set().union(*tables[1:]) <= with_programs
    for page, test in ELSEWHERE.items():
        assert page.rpartition("/")[2] in (ROOT / test).read_text(encoding="utf-8"), page


@pytest.mark.filterwarnings("ignore::cornu.errors.ModelWarning")
@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=[pytest.mark.slow] * (page in SLOW)) for page in FRAGMENTS],
)
def test_fragments_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "page"}
    blocks = [source for source, _ in BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))]
    for number, source in enumerate([FRAGMENTS[page], *blocks]):
        program = tmp_path / f"block_{number}.py"  # errors show the lines of the file
        program.write_text(source)
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(source, str(program), "exec"), namespace)
