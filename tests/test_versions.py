"""What pyproject.toml promises about Python and dependencies was run."""

import json
import re
import tomllib

from scripts.versions.page import PAGE, RESULTS, ROOT, write_page

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
STORED = json.loads(RESULTS.read_text(encoding="utf-8"))
BOUNDS = {
    match[1]: (match[2], match[3])
    for text in PROJECT["dependencies"]
    if (match := re.fullmatch(r"([\w-]+)>=([\d.]+),<([\d.]+)", text))
}


def numbers(version):
    return tuple(int(part) for part in version.split("."))


def minor(version):
    return ".".join(version.split(".")[:2])


def test_the_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == write_page(STORED)


def test_each_declared_python_was_run_and_no_other_is_declared():
    declared = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    for dependencies in ("oldest", "newest"):
        runs = [run for run in STORED["runs"] if run["dependencies"] == dependencies]
        assert [minor(run["python"]) for run in runs] == declared
        assert all(run["passed"] and not run["failed"] for run in runs)
    assert PROJECT["requires-python"] == f">={declared[0]}"
    assert PYPROJECT["tool"]["mypy"]["python_version"] == declared[0]
    assert PYPROJECT["tool"]["ruff"]["target-version"] == f"py{declared[0].replace('.', '')}"
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(f"python{version} " in makefile for version in declared)


def test_the_bounds_of_dependencies_were_run():
    assert len(BOUNDS) == len(PROJECT["dependencies"])
    for run in STORED["runs"]:
        assert set(run["versions"]) == set(BOUNDS)
        for name, version in run["versions"].items():
            low, high = map(numbers, BOUNDS[name])
            assert low <= numbers(version) < high
            if run["dependencies"] == "oldest":
                assert not any(numbers(version)[len(low) :]) and numbers(version)[: len(low)] == low
