"""Runs a sample of the tests with several Pythons, and the oldest and newest dependencies.

    python -m scripts.versions PYTHON [PYTHON ...]

Each PYTHON is an executable, such as /usr/bin/python3.12. For each, two environments are created in
a temporary folder: one with the oldest versions that pyproject.toml allows, one with the newest.
Results replace those of the same kind in results.json, and docs/versions.md is written from them.
Each environment takes about three minutes.
"""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
import tempfile
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from scripts.versions.page import PAGE, RESULTS, ROOT, write_page

# The examples of all docstrings use each public module; resumed runs compare bits.
SAMPLE = ("tests/test_examples.py", "tests/training/resume/test_session.py")
# What the tests and the examples of the sample import, besides the dependencies.
EXTRAS = "parity,sklearn,onnx,flax,serve,modernize,images,yaml"
# What was not run: the options with which pip looks for wheels of the dependencies.
NOT_RUN = {
    "Python 3.14": ("--python-version=3.14",),
    "Linux on ARM": (
        "--python-version=3.13",
        *(f"--platform=manylinux_{glibc}_aarch64" for glibc in ("2_28", "2_27", "2_17")),
    ),
    "macOS on ARM": ("--python-version=3.13", "--platform=macosx_14_0_arm64"),
    "macOS on Intel": ("--python-version=3.13", "--platform=macosx_14_0_x86_64"),
    "Windows": ("--python-version=3.13", "--platform=win_amd64"),
}


def requirements() -> list[str]:
    """Returns the dependencies in pyproject.toml, such as "jax>=0.10,<0.11"."""
    found = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return list(found["project"]["dependencies"])


def lower_bounds() -> dict[str, str]:
    """Returns the oldest version of each dependency that pyproject.toml allows."""
    matches = [re.fullmatch(r"([\w-]+)>=([\d.]+),<[\d.]+", text) for text in requirements()]
    return {match[1]: match[2] for match in matches if match}


def run(*command: str | Path) -> str:
    """Runs a command and returns what it prints."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def measure(python: str, dependencies: str, folder: Path) -> dict[str, Any]:
    """Returns the result of one environment.

    Args:
        python: an executable.
        dependencies: "oldest" or "newest".
        folder: an empty folder.
    """
    constraints = folder / "constraints.txt"
    pins = [f"{name}=={version}" for name, version in lower_bounds().items()]
    constraints.write_text("\n".join(pins) if dependencies == "oldest" else "")
    run(python, "-m", "venv", folder / "env")
    inside = folder / "env/bin/python"
    install = [inside, "-m", "pip", "install", "--quiet", "--no-compile", "-c", constraints]
    run(*install, "pytest", f"{ROOT}[{EXTRAS}]")
    report = folder / "report.xml"
    command = [inside, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
    subprocess.run([*command, *SAMPLE], cwd=ROOT, capture_output=True, check=False)
    listed = json.loads(run(inside, "-m", "pip", "list", "--format=json"))
    installed = {package["name"].lower(): package["version"] for package in listed}
    version = run(inside, "-c", "import platform; print(platform.python_version())").strip()
    suite = next(iter(ElementTree.parse(report).getroot()))
    cases = list(suite)
    failed = [f"{case.get('classname')}::{case.get('name')}" for case in cases if _failed(case)]
    skipped = sum(case.find("skipped") is not None for case in cases)
    return {
        "python": version,
        "dependencies": dependencies,
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {name: installed[name] for name in lower_bounds()},
        "passed": len(cases) - len(failed) - skipped,
        "failed": failed,
    }


def _failed(case: ElementTree.Element) -> bool:
    return case.find("failure") is not None or case.find("error") is not None


def find_wheels(options: tuple[str, ...], folder: Path) -> list[str]:
    """Returns the wheels of the dependencies for a platform that is not here; [] if one lacks.

    Args:
        options: options of `pip download`.
        folder: an empty folder.
    """
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:"]
    command += [*options, "-d", str(folder), *requirements()]
    if subprocess.run(command, capture_output=True).returncode:
        return []
    names = {*lower_bounds(), "jaxlib"}
    return sorted(path.name for path in folder.iterdir() if path.name.split("-")[0] in names)


def main(pythons: list[str]) -> None:
    """Runs the environments of some Pythons, and writes the results and the page."""
    stored: dict[str, Any] = {"runs": [], "wheels": {}}
    if RESULTS.exists():
        stored = json.loads(RESULTS.read_text(encoding="utf-8"))
    for python in pythons:
        for dependencies in ("oldest", "newest"):
            with tempfile.TemporaryDirectory() as folder:
                result = measure(python, dependencies, Path(folder))
            print(result, flush=True)
            kept = [run for run in stored["runs"] if _kind(run) != _kind(result)]
            stored["runs"] = sorted([*kept, result], key=_kind)
            _write(stored)  # each environment takes minutes
    for name, options in NOT_RUN.items():
        with tempfile.TemporaryDirectory() as folder:
            stored["wheels"][name] = find_wheels(options, Path(folder))
    _write(stored)


def _kind(result: dict[str, Any]) -> tuple[int, bool]:
    """Returns the minor version of Python, and whether the dependencies are the newest."""
    return int(result["python"].split(".")[1]), result["dependencies"] == "newest"


def _write(stored: dict[str, Any]) -> None:
    RESULTS.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(write_page(stored), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
