"""Gathers the pages of the site in one folder: docs, the reference, and files that they link to."""

from __future__ import annotations

import os
import posixpath
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from scripts.gallery.notebook import notebook_path, read_notebook
from scripts.site import reference
from scripts.site.notebooks import notebook_page

__all__ = ["ROOT", "gather"]

ROOT = Path(__file__).parents[2]

# Code, or a link, whose text may have code in it.
_PART = re.compile(
    r"^ *(?P<fence>`{3,}).*?^ *(?P=fence) *$|`[^`\n]+`"
    r"|(?P<picture>!?)\[(?P<words>(?:[^\[\]]|\[[^\[\]]*\])*)\]\((?P<target>[^)\s]+)\)",
    re.MULTILINE | re.DOTALL,
)
# Files outside docs that are shown; links to others become plain text.
_SHOWN = (
    "benchmarks/",
    "examples/",
    "scripts/keras_programs/",
    "tests/packages/programs/",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
)
_LANGUAGES = {".py": "python", ".sh": "shell", ".yaml": "yaml", ".toml": "toml"}


def gather(folder: Path) -> int:
    """Writes all pages to a folder, which is replaced; returns their number.

    Args:
        folder: the folder from which the site is built.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "docs", folder)
    linked = _linked_files()
    for path in linked:
        if _is_of_gallery(path):
            _write_example(folder, Path(path))
        else:
            _write(folder / _address(path), _shown(path))
    written = _markdown(folder)
    for path, text in reference.pages():  # before the links, which may lead to them
        _write(folder / path, text.encode())
    for page in written:
        source = _source_of(page)
        text = (folder / page).read_text(encoding="utf-8")
        (folder / page).write_text(_with_links(text, source, page, folder), encoding="utf-8")
    return len(_markdown(folder))


def _write_example(folder: Path, program: Path) -> None:
    """Writes the page of a program of the gallery, its pictures, the notebook and the program."""
    notebook = notebook_path(program)
    text, pictures = notebook_page(read_notebook(ROOT / notebook), program.stem)
    _write(folder / _address(program.as_posix()), text.encode())
    for name, content in pictures.items():
        _write(folder / "gallery" / name, content)
    for file in (notebook, program):
        _write(folder / "files" / file, (ROOT / file).read_bytes())


def _is_of_gallery(path: str) -> bool:
    return re.fullmatch(r"examples/gallery/\w+\.py", path) is not None


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _markdown(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.md"))


def _linked_files() -> list[str]:
    """Returns the files outside docs that pages link to, and those that these link to."""
    found: set[str] = set()
    waiting = [f"docs/{path}" for path in _markdown(ROOT / "docs")]
    while waiting:
        source = waiting.pop()
        for goal in _goals((ROOT / source).read_text(encoding="utf-8"), source):
            if goal not in found and goal.startswith(_SHOWN) and os.path.isfile(ROOT / goal):
                found.add(goal)
                if goal.endswith(".md"):
                    waiting.append(goal)
    return sorted(found)


def _goals(text: str, source: str) -> Iterator[str]:
    """Yields the files that a page links to, relative to the root of the project."""
    for match in _PART.finditer(text):
        target = match["target"]
        if target is not None and not _leaves(target):
            yield _resolve(target.partition("#")[0], source)


def _leaves(target: str) -> bool:
    """Whether a link leads to another site, or to a place of the same page."""
    return re.match(r"[a-z]+:|#", target) is not None


def _resolve(address: str, source: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), address))


def _address(path: str) -> str:
    """Returns the path on the site of a file of the project."""
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if _is_of_gallery(path):
        return f"gallery/{Path(path).stem}.md"
    return f"files/{path}.md" if Path(path).suffix in _LANGUAGES else f"files/{path}"


def _source_of(page: str) -> str:
    return page.removeprefix("files/") if page.startswith("files/") else f"docs/{page}"


def _shown(path: str) -> bytes:
    """Returns a file, or a page that shows a program."""
    content = (ROOT / path).read_bytes()
    language = _LANGUAGES.get(Path(path).suffix)
    if language is None:
        return content
    return f"# {path}\n\n````{language}\n{content.decode()}\n````\n".encode()


def _with_links(text: str, source: str, page: str, folder: Path) -> str:
    """Returns a page whose links lead to pages of the site, or are plain text."""

    def change(match: re.Match[str]) -> str:
        picture, words, target = match["picture"], match["words"], match["target"]
        if target is None or _leaves(target):
            return match[0]
        address, _, fragment = target.partition("#")
        goal = _resolve(address, source)
        inside = _address(goal)
        if not (folder / inside).is_file():
            return words if words != address else f"`{goal}`"
        relative = posixpath.relpath(inside, posixpath.dirname(page) or ".")
        return f"{picture}[{words}]({relative}{'#' + fragment if fragment else ''})"

    return _PART.sub(change, text)
