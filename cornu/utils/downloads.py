"""Files from the net, kept in a cache: there as a whole, checked, or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cornu import settings
from cornu.saving.atomic_write import atomic_write
from cornu.terminal.console import console
from cornu.terminal.progbar import Progbar
from cornu.utils import extraction

__all__ = ["get_file"]

_HASHES = {"sha256": 64, "md5": 32}  # and how many digits they have
_FORMATS = ("tar", "zip")
_CHUNK = 1 << 20
_TIMEOUT = 60.0  # seconds without an answer
_PATIENCE = 1 << 40  # bytes; more is no file that one caches


def get_file(
    fname: Any = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: Any = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: Any = "auto",
    cache_dir: Any = None,
    force_download: bool = False,
) -> str:
    """Returns the path of a file from the net, downloading it if it is not in the cache.

    The file is written beside its place, compared with the hash, and then moved there. From
    archives only plain files are taken, only into their folder, and no more than an archive of
    that size may hold; nothing is written if one of its members is otherwise.

    Args:
        fname: the file's name in the cache, by default the last part of the address. With
            `extract`, a name without dot is that of the folder.
        origin: the address: `https://`, `file://`, or `http://` with a hash.
        untar: an old word for `extract` with `archive_format="tar"`.
        md5_hash: an old word for `file_hash` with `hash_algorithm="md5"`.
        file_hash: the hash that the file must have, in hexadecimal digits.
        cache_subdir: the folder in the cache, or the whole path of one.
        hash_algorithm: `"sha256"`, `"md5"`, or `"auto"` by the number of digits.
        extract: whether the file is an archive that is to be unpacked.
        archive_format: `"tar"` (also packed by gzip, bzip2 or xz), `"zip"`, a list of both, or
            `"auto"`.
        cache_dir: the cache; by default `$KERAS_HOME`, or `~/.keras`.
        force_download: whether to download it even if it is there.

    Returns:
        The path of the file, or with `extract` that of the folder.

    Raises:
        ValueError: the address is of another kind, names no file or leads to one that is not
            safe; the file has another hash or size, or is an archive that is not safe.
        OSError: the file cannot be downloaded (`urllib.error.URLError`), or not be written.

    Example:

    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "numbers.txt").write_text("1 2 3")
    >>> path = get_file(origin=(folder / "numbers.txt").as_uri(), cache_dir=folder / "cache")
    Downloading ...numbers.txt
    >>> pathlib.Path(path).relative_to(folder).as_posix(), pathlib.Path(path).read_text()
    ('cache/datasets/numbers.txt', '1 2 3')

    Differences: without a hash, `http://` is refused, and so is an address that forwards to it:
        anyone between here and there could change the file. In Keras the file has its name before
        its hash is compared; a wrong one stays in the cache. An archive that is not safe, or none
        at all, is an error, where Keras warns and goes on without some members; links in archives
        are refused. An archive that was unpacked is not unpacked again. If the cache cannot be
        written to, that is an error; Keras takes a folder in `/tmp`, which others can write to.
    """
    check, unpack = _hash(md5_hash, file_hash, hash_algorithm), extract or untar
    kind = _kind(origin, check is not None)
    formats = _formats("tar" if untar else archive_format) if unpack else ()
    home = Path(cache_dir or os.environ.get("KERAS_HOME") or Path("~", ".keras")).expanduser()
    name = _name(fname, origin)
    file, folder = _places(home / cache_subdir, name, fname is not None, unpack)
    missing = force_download or not file.is_file()
    if not missing and check is not None and not check.fits(file):
        _say(f"{str(file)!r} has not the {check.algorithm} hash that is asked for.")
        missing = True
    if missing:
        _say(f"Downloading {origin}")
        _download(origin, kind, file, check)
    if folder is None:
        return str(file)
    if missing or not folder.is_dir():
        extraction.extract(file, folder, formats)
    return str(folder)


class _Hash:
    """The hash that a file must have."""

    def __init__(self, algorithm: str, digits: str) -> None:
        self.algorithm = algorithm
        self.digits = digits.lower()

    def start(self) -> Any:
        return hashlib.new(self.algorithm, usedforsecurity=self.algorithm != "md5")

    def fits(self, path: Path) -> bool:
        running = self.start()
        with open(path, "rb") as file:
            while data := file.read(_CHUNK):
                running.update(data)
        return running.hexdigest() == self.digits


def _hash(md5: str | None, digits: str | None, algorithm: str) -> _Hash | None:
    if algorithm not in ("auto", *_HASHES):
        raise ValueError(
            f"get_file: hash_algorithm is 'auto', 'sha256' or 'md5'. Received: {algorithm!r}"
        )
    if digits is None and md5 is not None:
        digits, algorithm = md5, "md5"
    if digits is None:
        return None
    lengths = {length: name for name, length in _HASHES.items()}
    found = lengths.get(len(digits)) if re.fullmatch("[0-9a-fA-F]+", digits) else None
    if found is None or algorithm not in ("auto", found):
        wanted = {"auto": "64 hexadecimal digits (sha256) or 32 (md5)"}.get(
            algorithm, f"{_HASHES.get(algorithm)} hexadecimal digits"
        )
        raise ValueError(f"get_file: file_hash has {wanted}. Received: {digits!r}")
    return _Hash(found, digits)


def _kind(origin: Any, hashed: bool) -> str:
    """Returns the scheme of an address from which a file may come."""
    if not isinstance(origin, str) or not origin:
        raise ValueError(
            f"get_file: origin is the address of a file: 'https://...'. Received: {origin!r}"
        )
    scheme = urllib.parse.urlsplit(origin).scheme.lower()
    if scheme not in ("https", "http", "file"):
        raise ValueError(
            f"get_file: an address begins with https://, http:// or file://. Received: {origin!r}"
        )
    if scheme == "http" and not hashed:
        raise ValueError(
            f"get_file: anyone on the way could change what comes from {origin!r}.\n"
            "Use https://, or pass file_hash=... (`sha256sum FILE` shows it)."
        )
    return scheme


def _formats(wanted: Any) -> tuple[str, ...]:
    formats = _FORMATS if wanted == "auto" else (wanted,) if isinstance(wanted, str) else wanted
    if not formats or any(one not in _FORMATS for one in formats):
        raise ValueError(
            "get_file: archive_format is 'auto', 'tar', 'zip' or a list of 'tar' and 'zip'. "
            f"Received: {wanted!r}"
        )
    return tuple(formats)


def _name(fname: Any, origin: str) -> str:
    if fname:
        name, said = os.fspath(fname), "fname"
    else:
        name, said = urllib.parse.urlsplit(origin).path.rpartition("/")[2], "the address"
    if not isinstance(name, str) or not extraction.plain_name(name):
        raise ValueError(
            f"get_file: {said} gives the file the name {name!r}, which is none of a file in a "
            "folder.\nPass the name as fname=..., and the folder as cache_dir=... and "
            "cache_subdir=..."
        )
    return name


def _places(cache: Path, name: str, given: bool, unpack: bool) -> tuple[Path, Path | None]:
    """Returns where the file lies, and the folder that it is unpacked to: those of Keras."""
    if not unpack:
        return cache / name, None
    if given and "." in name:
        return cache / name, cache / f"{name[: name.find('.')]}_extracted"
    return cache / f"{name}_archive", cache / name


def _download(origin: str, kind: str, target: Path, check: _Hash | None) -> None:
    with (
        atomic_write(target) as temporary,
        _source(origin, kind, check is not None) as (source, size),
    ):
        room = min(shutil.disk_usage(temporary.parent).free, _PATIENCE)
        if size is not None and size > room:
            raise OSError(
                f"get_file: {origin!r} has {size} bytes, and there is room for {room} in "
                f"{str(target.parent)!r}."
            )
        got, running = 0, check and check.start()
        bar = Progbar(
            size, verbose=int(settings.get("interactive_logging") and console.interactive)
        )
        with open(temporary, "wb") as file:
            while data := source.read(_CHUNK):
                got += len(data)
                if got > room:
                    raise OSError(f"get_file: {origin!r} has more than {room} bytes.")
                file.write(data)
                if running is not None:
                    running.update(data)
                bar.update(got)
        if size is not None and got != size:
            raise OSError(f"get_file: of the {size} bytes of {origin!r} only {got} came.")
        if check is not None and running.hexdigest() != check.digits:
            raise ValueError(
                f"get_file: what came from {origin!r} has the {check.algorithm} hash "
                f"{running.hexdigest()}, and not {check.digits}.\nIt was thrown away. If the file "
                "has a new version, ask those who made it for its hash."
            )


@contextlib.contextmanager
def _source(origin: str, kind: str, hashed: bool) -> Iterator[tuple[Any, int | None]]:
    """Opens what an address names, and says how many bytes it has."""
    if kind == "file":
        parts = urllib.parse.urlsplit(origin)
        if parts.netloc not in ("", "localhost"):
            raise ValueError(f"get_file: {origin!r} names a file of another machine.")
        with open(urllib.request.url2pathname(parts.path), "rb") as file:
            yield file, os.fstat(file.fileno()).st_size
        return
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Forwarded(hashed),
    ):
        opener.add_handler(handler)
    request = urllib.request.Request(origin, headers={"User-Agent": "cornu"})
    try:
        with opener.open(request, timeout=_TIMEOUT) as answer:
            length = answer.headers.get("Content-Length")
            yield answer, int(length) if length and length.isdigit() else None
    except urllib.error.URLError as error:
        raise urllib.error.URLError(f"get_file: {origin} cannot be read: {error}") from error


class _Forwarded(urllib.request.HTTPRedirectHandler):
    """Follows to addresses of the kinds that could have been given."""

    def __init__(self, hashed: bool) -> None:
        self.hashed = hashed

    def redirect_request(
        self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any
    ) -> Any:
        if _kind(newurl, self.hashed) == "file":
            raise ValueError(f"get_file: {req.full_url!r} forwards to {newurl!r}, a local file.")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _say(text: str) -> None:
    if settings.get("interactive_logging"):
        console.say(text)
