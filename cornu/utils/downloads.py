"""Downloads files to a cache, and verifies their hashes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from cornu import settings
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.saving.atomic_write import atomic_write
from cornu.terminal.console import console, log_message
from cornu.terminal.progbar import Progbar
from cornu.utils import extraction

__all__ = ["get_file"]

_HASHES = {"sha256": 64, "md5": 32}  # the number of hexadecimal digits
_FORMATS = ("tar", "zip")
_CHUNK = 1 << 20
_TIMEOUT = 60.0  # seconds without a response
_MAX_SIZE = 1 << 40  # bytes


@api_boundary
def get_file(
    fname: str | os.PathLike[str] | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str | os.PathLike[str] = "datasets",
    hash_algorithm: Literal["auto", "sha256", "md5"] = "auto",
    extract: bool = False,
    archive_format: str | Sequence[str] = "auto",
    cache_dir: str | os.PathLike[str] | None = None,
    force_download: bool = False,
) -> str:
    """Downloads a file if it is not in the cache, and returns its path.

    The file is written to a temporary path, and renamed when its hash was verified. Archives may
    contain only regular files and folders, with paths within the target folder and a plausible
    total size; otherwise nothing is extracted.

    Args:
        fname: the file name in the cache; by default the last part of the URL. With `extract`, a
            name without a dot is the name of the folder.
        origin: the URL: `https://`, `file://`, or `http://` with a hash.
        untar: deprecated; the same as `extract` with `archive_format="tar"`.
        md5_hash: deprecated; the same as `file_hash` with `hash_algorithm="md5"`.
        file_hash: the expected hash in hexadecimal digits.
        cache_subdir: the subfolder of the cache, or an absolute path.
        hash_algorithm: `"sha256"`, `"md5"`, or `"auto"` to choose by the number of digits.
        extract: whether to extract the file as an archive.
        archive_format: `"tar"` (also compressed by gzip, bzip2 or xz), `"zip"`, a list of both,
            or `"auto"`.
        cache_dir: the folder of the cache; by default `$KERAS_HOME` or `~/.keras`.
        force_download: whether to download the file even if it is in the cache.

    Returns:
        The path of the file, or with `extract` that of the folder.

    Raises:
        ValueError: the URL has another scheme, contains no file name or redirects to an unsafe
            URL; the hash does not match; or the archive is unsafe.
        OSError: the file cannot be downloaded (`urllib.error.URLError`) or written.

    Example:

    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "numbers.txt").write_text("1 2 3")
    >>> path = get_file(origin=(folder / "numbers.txt").as_uri(), cache_dir=folder / "cache")
    Downloading ...numbers.txt
    >>> pathlib.Path(path).relative_to(folder).as_posix(), pathlib.Path(path).read_text()
    ('cache/datasets/numbers.txt', '1 2 3')

    Differences: `http://` without a hash is an error, also after a redirect, because the file could
    be modified in transit. An unsafe or invalid archive is an error; Keras warns and skips members.
    Links in archives are errors. An extracted archive is not extracted again. A cache that is not
    writable is an error; Keras uses a folder in `/tmp`, to which other users can write.

    Fixes: a file with a wrong hash does not remain in the cache.
    """
    check, unpack = _parse_hash(md5_hash, file_hash, hash_algorithm), extract or untar
    kind = _check_address(origin, check is not None)
    formats = _check_formats("tar" if untar else archive_format) if unpack else ()
    home = Path(cache_dir or os.environ.get("KERAS_HOME") or Path("~", ".keras")).expanduser()
    origin = str(origin)
    name = _choose_name(fname, origin)
    file, folder = _choose_paths(home / cache_subdir, name, fname is not None, unpack)
    missing = force_download or not file.is_file()
    if not missing and check is not None and not check.fits(file):
        log_message(f"{str(file)!r} does not have the expected {check.algorithm} hash.")
        missing = True
    if missing:
        log_message(f"Downloading {origin}")
        try:
            _download(origin, kind, file, check)
        except urllib.error.URLError as error:
            raise urllib.error.URLError(
                f"get_file: {error.reason}\n"
                f"Without access to the network, copy the file to {str(file)!r}."
            ) from error
    if folder is None:
        return str(file)
    if missing or not folder.is_dir():
        extraction.extract(file, folder, formats)
    return str(folder)


class FileHash:
    """The expected hash of a file."""

    def __init__(self, algorithm: str, digits: str) -> None:
        self.algorithm = algorithm
        self.digits = digits.lower()

    def start(self) -> Any:
        # Systems in FIPS mode provide MD5 only if it is not used for security.
        return hashlib.new(self.algorithm, usedforsecurity=self.algorithm != "md5")

    def fits(self, path: Path) -> bool:
        running = self.start()
        with open(path, "rb") as file:
            while data := file.read(_CHUNK):
                running.update(data)
        return bool(running.hexdigest() == self.digits)


def _parse_hash(md5: str | None, digits: str | None, algorithm: str) -> FileHash | None:
    if algorithm not in ("auto", *_HASHES):
        raise ValueError(
            f"get_file: hash_algorithm must be 'auto', 'sha256' or 'md5'. Received: {algorithm!r}"
        )
    if digits is None and md5 is not None:
        digits, algorithm = md5, "md5"
    if digits is None:
        return None
    lengths = {length: name for name, length in _HASHES.items()}
    found = lengths.get(len(digits)) if re.fullmatch("[0-9a-fA-F]+", digits) else None
    if found is None or algorithm not in ("auto", found):
        expected = {"auto": "64 hexadecimal digits (sha256) or 32 (md5)"}.get(
            algorithm, f"{_HASHES.get(algorithm)} hexadecimal digits"
        )
        raise ValueError(f"get_file: file_hash must have {expected}. Received: {digits!r}")
    return FileHash(found, digits)


def _check_address(origin: object, hashed: bool) -> str:
    """Checks a URL, and returns its scheme."""
    if not isinstance(origin, str) or not origin:
        raise ValueError(
            f"get_file: origin must be the URL of a file: 'https://...'. Received: {origin!r}"
        )
    scheme = urllib.parse.urlsplit(origin).scheme.lower()
    if scheme not in ("https", "http", "file"):
        raise ValueError(
            f"get_file: the URL must begin with https://, http:// or file://. Received: {origin!r}"
        )
    if scheme == "http" and not hashed:
        raise ValueError(
            f"get_file: a download from {origin!r} could be modified in transit.\n"
            "Use https://, or pass file_hash=... (as printed by `sha256sum FILE`)."
        )
    return scheme


def _check_formats(wanted: Any) -> tuple[str, ...]:
    formats = _FORMATS if wanted == "auto" else (wanted,) if isinstance(wanted, str) else wanted
    if not formats or any(one not in _FORMATS for one in formats):
        raise ValueError(
            "get_file: archive_format must be 'auto', 'tar', 'zip' or a list of 'tar' and 'zip'. "
            f"Received: {wanted!r}"
        )
    return tuple(formats)


def _choose_name(fname: Any, origin: str) -> str:
    if fname:
        name, source = os.fspath(fname), "fname"
    else:
        name, source = urllib.parse.urlsplit(origin).path.rpartition("/")[2], "the URL"
    if not isinstance(name, str) or not extraction.is_plain_name(name):
        raise ValueError(
            f"get_file: {source} contains the file name {name!r}, which is not valid.\n"
            "Pass a plain name as fname=..., and the folder as cache_dir=... and "
            "cache_subdir=..."
        )
    return name


def _choose_paths(cache: Path, name: str, given: bool, unpack: bool) -> tuple[Path, Path | None]:
    """Returns the path of the file and the folder to extract it to, as in Keras."""
    if not unpack:
        return cache / name, None
    if given and "." in name:
        return cache / name, cache / f"{name[: name.find('.')]}_extracted"
    return cache / f"{name}_archive", cache / name


def _download(origin: str, kind: str, target: Path, check: FileHash | None) -> None:
    with (
        atomic_write(target) as temporary,
        _open_address(origin, kind, check is not None) as (source, size),
    ):
        free = min(shutil.disk_usage(temporary.parent).free, _MAX_SIZE)
        if size is not None and size > free:
            raise OSError(
                f"get_file: {origin!r} has {size} bytes, but only {free} bytes are available in "
                f"{str(target.parent)!r}."
            )
        received = 0
        running: Any = None if check is None else check.start()
        bar = Progbar(
            size, verbose=int(settings.get("interactive_logging") and console.interactive)
        )
        with open(temporary, "wb") as file:
            while data := source.read(_CHUNK):
                received += len(data)
                if received > free:
                    raise OSError(f"get_file: {origin!r} has more than {free} bytes.")
                file.write(data)
                if running is not None:
                    running.update(data)
                bar.update(received)
        if size is not None and received != size:
            raise OSError(f"get_file: received only {received} of the {size} bytes of {origin!r}.")
        if check is not None and running.hexdigest() != check.digits:
            raise ValueError(
                f"get_file: the file from {origin!r} has the {check.algorithm} hash "
                f"{running.hexdigest()}, expected {check.digits}.\nIt was deleted. If the file "
                "has a new version, ask its publisher for the hash."
            )


@contextlib.contextmanager
def _open_address(origin: str, kind: str, hashed: bool) -> Iterator[tuple[Any, int | None]]:
    """Opens a URL; yields a file and its size in bytes, or None if the size is unknown."""
    if kind == "file":
        parts = urllib.parse.urlsplit(origin)
        if parts.netloc not in ("", "localhost"):
            raise ValueError(f"get_file: {origin!r} refers to another machine.")
        with open(urllib.request.url2pathname(parts.path), "rb") as file:
            yield file, os.fstat(file.fileno()).st_size
        return
    # Not `build_opener`, which also handles ftp:// and data: URLs.
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _RedirectHandler(hashed),
    ):
        opener.add_handler(handler)
    request = urllib.request.Request(origin, headers={"User-Agent": "cornu"})
    try:
        with opener.open(request, timeout=_TIMEOUT) as response:
            length = response.headers.get("Content-Length")
            yield response, int(length) if length and length.isdigit() else None
    except urllib.error.URLError as error:
        raise urllib.error.URLError(f"{origin} could not be read: {error}") from error


class _RedirectHandler(urllib.request.HTTPRedirectHandler):
    """Follows redirects to URLs that would be valid as `origin`."""

    def __init__(self, hashed: bool) -> None:
        self.hashed = hashed

    def redirect_request(
        self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any
    ) -> Any:
        if _check_address(newurl, self.hashed) == "file":
            raise ValueError(f"get_file: {req.full_url!r} redirects to {newurl!r}, a local file.")
        return super().redirect_request(req, fp, code, msg, headers, newurl)
