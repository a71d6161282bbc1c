"""How releases get their version."""

import importlib.util
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def build(tmp_path, monkeypatch):
    """The build hook, for a project in a temporary folder."""
    interface = types.SimpleNamespace(BuildHookInterface=object)
    monkeypatch.setitem(sys.modules, "hatchling.builders.hooks.plugin.interface", interface)
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    (tmp_path / "cornu").mkdir()
    (tmp_path / module.MODULE).write_text('"""Versions."""\n\n__version__ = "1.2.0"\n')
    return module


def git(folder, *arguments):
    user = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *user, *arguments], cwd=folder, check=True, capture_output=True)


def test_without_a_repository_the_version_is_that_of_the_module(build):
    assert build.find_version() == "1.2.0"


def test_a_source_distribution_keeps_its_version(build, tmp_path):
    (tmp_path / "PKG-INFO").write_text("Metadata-Version: 2.4\nName: cornu\nVersion: 1.2.0.dev3\n")
    assert build.find_version() == "1.2.0.dev3"


def test_versions_of_commits(build, tmp_path):
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    assert re.fullmatch(r"1\.2\.0\.dev1\+g[0-9a-f]+", build.find_version())
    git(tmp_path, "tag", "v1.2.0")
    assert build.find_version() == "1.2.0"
    git(tmp_path, "commit", "--allow-empty", "-m", "second")
    git(tmp_path, "commit", "--allow-empty", "-m", "third")
    assert build.find_version().startswith("1.2.0.dev2+g")
    git(tmp_path, "tag", "v1.3.0")
    with pytest.raises(ValueError, match=r"The tag is v1.3.0, and cornu/_version.py has .* 1.2.0"):
        build.find_version()
