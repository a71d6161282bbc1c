"""The pages of docs/compatibility are up to date, and nothing is missing there."""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path

import cornu
from scripts.make_compatibility_page import DOCS, pages
from tests.conformance.differences import DIFFERENCES
from tests.conformance.evidence import ROOT, find_test
from tests.conformance.faults import find_faults
from tests.conformance.public_names import ABSENT, BASES, find_fixes, public_names, reason, sections

RUN = "run: python -m scripts.make_compatibility_page"
LINK = re.compile(r"\[[^]]*\]\(\.\./\.\./(tests/[^)]*)\)")


def _written() -> dict[str, str]:
    paths = [DOCS / "compatibility.md", *sorted((DOCS / "compatibility").glob("*.md"))]
    return {path.relative_to(DOCS).as_posix(): path.read_text() for path in paths}


def test_the_pages_are_up_to_date() -> None:
    # Except for the choice of tests, which changes with each new test.
    made, found = (
        {path: LINK.sub("test", text) for path, text in texts.items()}
        for texts in (pages(), _written())
    )
    stale = [path for path in {*made, *found} if made.get(path) != found.get(path)]
    assert not stale, f"{RUN} ({', '.join(stale)})"


def test_linked_tests_exist() -> None:
    sources: dict[str, str] = {}
    for text in _written().values():
        for match in LINK.finditer(text):
            file, shown = match[1], match[0].partition("]")[0]
            if file not in sources:
                assert (ROOT / file).is_file(), f"{file}: {RUN}"
                sources[file] = (ROOT / file).read_text()
            function = shown.rpartition("::")[2].strip("[")
            assert function.endswith(".py") or f"def {function}(" in sources[file], (
                f"{function}: {RUN}"
            )
    assert len(sources) > 50


def test_every_different_name_is_linked_to_tests_of_the_difference() -> None:
    names = {n.path for n in public_names() if n.status == "differs" and not n.alias_of}
    assert names == set(DIFFERENCES), "tests/conformance/differences.py lists the tests"


def test_every_absent_name_has_a_reason_and_every_reason_a_name() -> None:
    absent = [name.path for name in public_names() if name.status == "absent"]
    assert not [path for path in absent if reason(path) is None]
    assert not [p for p in ABSENT if not any(fnmatch.fnmatchcase(path, p) for path in absent)]


def test_every_mended_fault_is_shown_by_a_test() -> None:
    fixes = {d.text for name in public_names() for d in name.differences if d.fixes}
    assert fixes == {text for fault in find_faults() for text in find_fixes(fault.path)}
    without = [fault.path for fault in find_faults() if not find_fixes(fault.path)]
    assert not without, "the docstring has no section Fixes"


def test_every_section_of_a_docstring_is_in_a_page() -> None:
    shown = " ".join(d.text.lower() for name in public_names() for d in name.differences)
    lost = []
    for path in sorted(Path(cornu.__file__).parent.rglob("*.py")):
        for docstring in path.read_text(encoding="utf-8").split('"""')[1::2]:
            lost += [d.text for d in sections(docstring) if d.fixes and d.text.lower() not in shown]
    assert not lost


def test_tests_of_names_exist() -> None:
    for path in ("layers.Dense", "ops.softmax", "losses.Dice", "utils.get_file", "Model"):
        file, _, function = find_test(path).partition("::")
        assert (ROOT / file).is_file()
        assert path.rpartition(".")[2] in (ROOT / file).read_text()
        assert not function or f"def {function}(" in (ROOT / file).read_text()
    assert {path for path in BASES} <= {name.path for name in public_names()}
