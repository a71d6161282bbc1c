"""Addresses of repositories and files: `hf://owner/repo@revision/file#sha256=...`."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Address", "is_address", "is_plain_path", "parse_address"]

_SCHEME = "hf://"
_FORM = "hf://owner/repo, hf://owner/repo@revision or hf://owner/repo@revision/file#sha256=digest"
# The rules of the hub. https://github.com/huggingface/huggingface_hub/issues/1008
_NAME = re.compile(r"[A-Za-z0-9_](?:[\w.-]*[A-Za-z0-9_])?", re.ASCII)
_REVISION = re.compile(r"[A-Za-z0-9_][\w.-]*", re.ASCII)
_MAX_NAME = 96
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Address(NamedTuple):
    """A repository, or a file in it.

    Attributes:
        repository: the owner and the name, such as `"owner/repo"`.
        revision: a branch, a tag or a commit; None for the main branch.
        file: the path of the file in the repository; None if it is not named.
        sha256: the digest that the file must have, in hexadecimal.
    """

    repository: str
    revision: str | None
    file: str | None
    sha256: str | None

    def __str__(self) -> str:
        revision = f"@{self.revision}" if self.revision else ""
        return f"{_SCHEME}{self.repository}{revision}{f'/{self.file}' if self.file else ''}"


def is_address(value: object) -> bool:
    """Returns whether a value is an address of the hub, and not a path."""
    return isinstance(value, str) and value.startswith(_SCHEME)


def parse_address(text: str) -> Address:
    """Returns the parts of an address.

    Raises:
        ValueError: it has another form.

    Example:

    >>> parse_address("hf://owner/repo@v1/weights/model.keras")
    Address(repository='owner/repo', revision='v1', file='weights/model.keras', sha256=None)
    """
    rest, has_fragment, fragment = text.removeprefix(_SCHEME).partition("#")
    owner, _, rest = rest.partition("/")
    name, has_file, file = rest.partition("/")
    name, has_revision, revision = name.partition("@")
    for part, kind in ((owner, "owner"), (name, "repository")):
        if not _is_name(part):
            raise ValueError(
                f"{text!r}: the name of the {kind} must consist of letters, digits, '-', '_' and "
                f"'.'. Received: {part!r}\nExpected an address of the form {_FORM}."
            )
    if has_revision and not _REVISION.fullmatch(revision) or ".." in revision:
        raise ValueError(
            f"{text!r}: a revision is a branch, a tag or a commit without slashes. "
            f"Received: {revision!r}"
        )
    if has_file and not is_plain_path(file):
        raise ValueError(f"{text!r}: {file!r} is not the path of a file in a repository.")
    digest = fragment.removeprefix("sha256=").lower()
    if has_fragment and not (fragment.startswith("sha256=") and _DIGEST.fullmatch(digest)):
        raise ValueError(
            f"{text!r}: expected 'sha256=' and 64 hexadecimal digits after '#'. "
            f"Received: {fragment!r}"
        )
    return Address(f"{owner}/{name}", revision or None, file or None, digest or None)


def _is_name(name: str) -> bool:
    is_plain = ".." not in name and "--" not in name and not name.endswith(".git")
    return is_plain and len(name) <= _MAX_NAME and _NAME.fullmatch(name) is not None


def is_plain_path(path: str) -> bool:
    """Returns whether a path leads to a file within a folder, on all systems."""
    parts = path.split("/")
    return all(
        part not in ("", ".", "..") and part.isprintable() and not set(part) & set('\\:*?"<>|')
        for part in parts
    )
