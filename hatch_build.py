"""How releases get their version: from the tag, or from cornu/_version.py where there is none.

A commit with the tag v1.2.3 is version 1.2.3, and `cornu/_version.py` must say so. A commit without
a tag is a development version of what `_version.py` announces: 1.2.3.dev45+g0123abc, where 45 is
the number of commits since the last tag. An unpacked source distribution has the version that it
was built with. Nothing is required: without git, the version is that of `_version.py`.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
MODULE = "cornu/_version.py"
VERSION = re.compile(r'(?<=^__version__ = ")[^"]+', re.MULTILINE)


def find_version() -> str:
    """Returns the version of the files beside this one."""
    announced = VERSION.search((ROOT / MODULE).read_text(encoding="utf-8"))
    assert announced is not None, MODULE
    built = ROOT / "PKG-INFO"
    if built.is_file():  # of a source distribution
        match = re.search(r"^Version: (.+)$", built.read_text(encoding="utf-8"), re.MULTILINE)
        return match[1] if match else announced[0]
    # A repository around this folder, such as that of a program that contains cornu, is not asked.
    if not (ROOT / ".git").exists():
        return announced[0]
    tag = _git("describe", "--tags", "--exact-match", "--match", "v[0-9]*")
    if tag is not None:
        if tag.removeprefix("v") != announced[0]:
            raise ValueError(f"The tag is {tag}, and {MODULE} has the version {announced[0]}.")
        return announced[0]
    last = _git("describe", "--tags", "--abbrev=0", "--match", "v[0-9]*")
    count = _git("rev-list", "--count", f"{last}..HEAD" if last else "HEAD")
    commit = _git("rev-parse", "--short", "HEAD")
    if count is None or commit is None:
        return announced[0]
    return f"{announced[0]}.dev{count}+g{commit}"


def _git(*arguments: str) -> str | None:
    """Returns what git prints; None if it fails or is not installed."""
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


class CustomBuildHook(BuildHookInterface):
    """Writes the version of a wheel into its `cornu/_version.py`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Replaces the module in a wheel; editable installations have that of the repository."""
        if version == "editable":
            return
        text = VERSION.sub(self.metadata.version, (ROOT / MODULE).read_text(encoding="utf-8"))
        folder = tempfile.mkdtemp()  # read after this method; the system deletes it
        replaced = Path(folder) / "_version.py"
        replaced.write_text(text, encoding="utf-8")
        build_data["force_include"][str(replaced)] = MODULE
