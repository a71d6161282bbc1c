"""Downloads files of repositories into the cache of huggingface_hub, and verifies them."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cornu.errors import did_you_mean, missing_package
from cornu.saving import validation
from cornu.saving.hub.address import Address, is_address, is_plain_path, parse_address

__all__ = ["MODELS", "WEIGHTS", "Files", "import_hub", "local_model", "local_weights"]

MODELS = ("*.keras",)
"""Files that are models."""
WEIGHTS = (
    "model.weights.h5",
    "model.safetensors",
    "*.weights.h5",
    "*.weights.json",
    "*.safetensors",
    "*.keras",
    "*.h5",
    "*.npz",
)
"""Files that `load_weights` reads, the preferred ones first."""
# A model that Keras or cornu saved without an archive, as they do on the hub.
_FOLDER = ("config.json", "metadata.json")
_FOLDER_WEIGHTS = ("model.weights.h5", "model.safetensors")
_INDICES = (".safetensors.index.json", ".weights.json")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_CHUNK = 1 << 20  # bytes
_MAX_SHOWN = 10
_SERVER_ERROR = 500  # of the status codes of HTTP


class _Digest(NamedTuple):
    """The digest of a file in a repository.

    Attributes:
        kind: `"sha256"` of the contents, or `"git"`: SHA-1 of the header of git and the contents.
        value: the digest in hexadecimal.
    """

    kind: str
    value: str


class Files:
    """The files of one revision of a repository.

    Args:
        address: the address.

    Raises:
        ImportError: huggingface_hub is not installed.
        FileNotFoundError: there is no such repository or revision.
        PermissionError: it needs a token.
        ConnectionError: the hub cannot be reached, and the repository is not in the cache.
    """

    def __init__(self, address: Address) -> None:
        self._hub, self._address = import_hub(), address
        self._endpoint: str = self._hub.constants.ENDPOINT
        self._cached: Path | None = None
        self._digests: dict[str, _Digest | None] = {}
        try:
            info = self._hub.HfApi(self._endpoint, library_name="cornu").model_info(
                address.repository, revision=address.revision, files_metadata=True
            )
        except Exception as error:  # which classes there are depends on the version of the hub
            if answer := self._explain(error):
                raise answer from error
            self._open_cache(error)
            return
        self._check_commit(info.sha)
        self._digests = {
            item.rfilename: _digest_of(item)
            for item in info.siblings or ()
            if is_plain_path(item.rfilename)
        }

    @property
    def names(self) -> list[str]:
        """The paths of the files in the repository."""
        return list(self._digests)

    def fetch(self, name: str) -> Path:
        """Downloads a file if it is not in the cache, and verifies its digest.

        Raises:
            ValueError: the contents are not those that the hub or the address states.
        """
        if name not in self._digests:
            hint = did_you_mean(name, self.names) or f"It has: {_list(self.names)}."
            raise FileNotFoundError(f"{self._address}: there is no file {name!r}. {hint}")
        if self._cached is not None:
            path = self._cached / name
        else:
            path = Path(self._download(name))
        digests = [self._digests[name]]
        if self._address.sha256 is not None:
            digests.append(_Digest("sha256", self._address.sha256))
        for expected in digests:
            if expected is not None and (found := _compute(path, expected.kind)) != expected.value:
                raise ValueError(
                    f"{self._address}: the file {name!r} does not have the expected contents.\n"
                    f"Expected {expected.kind} {expected.value}, received {found}.\n"
                    f"If it was damaged on the way, delete {str(path.resolve())!r} and load again."
                )
        return path

    def _download(self, name: str) -> str:
        try:
            found: str = self._hub.hf_hub_download(
                self._address.repository,
                name,
                revision=self._address.revision,
                library_name="cornu",
                endpoint=self._endpoint,
            )
        except Exception as error:
            is_local = isinstance(error, OSError) and error.errno is not None
            if is_local and not isinstance(error, (ConnectionError, TimeoutError)):
                raise  # such as a full disk
            raise self._explain(error) or self._unreachable(error) from error
        return found

    def _explain(self, error: Exception) -> Exception | None:
        """Returns the error for an answer of the hub; None if it did not answer."""
        errors, address = self._hub.errors, self._address
        if isinstance(error, errors.GatedRepoError):
            return PermissionError(
                f"{address} is gated: accept its conditions on the page of the repository, and "
                "log in with `hf auth login` or the variable HF_TOKEN."
            )
        if isinstance(error, errors.RevisionNotFoundError):
            return FileNotFoundError(
                f"{address}: the repository has no revision {address.revision or 'main'!r}."
            )
        if isinstance(error, errors.RepositoryNotFoundError):
            return FileNotFoundError(
                f"The Hugging Face Hub has no model {address.repository!r} that you may read.\n"
                "Check the name. A private one needs `hf auth login` or the variable HF_TOKEN."
            )
        if isinstance(error, errors.EntryNotFoundError) and not isinstance(
            error, errors.LocalEntryNotFoundError
        ):
            return FileNotFoundError(f"{address}: the hub no longer has the file.")
        response = error.response if isinstance(error, errors.HfHubHTTPError) else None
        if response is not None and response.status_code in (401, 403):
            return PermissionError(
                f"{address}: the hub does not let you read it.\n"
                "Log in with `hf auth login`, or set HF_TOKEN to a token that may read it."
            )
        if response is not None and response.status_code < _SERVER_ERROR:
            return ConnectionError(f"{address}: the hub refused the request. {error}")
        return None

    def _unreachable(self, error: Exception) -> ConnectionError:
        cache = self._hub.constants.HF_HUB_CACHE
        return ConnectionError(
            f"{self._address}: the Hugging Face Hub at {self._endpoint} cannot be reached, and "
            f"the files are not in the cache {cache!r}.\n"
            f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}\n"
            "Load it once with a connection, or set HF_HOME to a folder with the files."
        )

    def _open_cache(self, error: Exception) -> None:
        """Finds the files of the revision in the cache, when the hub cannot be reached."""
        root = Path(self._hub.constants.HF_HUB_CACHE)
        root /= f"models--{self._address.repository.replace('/', '--')}"
        revision = self._address.revision or "main"
        reference = root / "refs" / revision
        commit = reference.read_text().strip() if reference.is_file() else revision
        folder = root / "snapshots" / commit
        if not _COMMIT.fullmatch(commit) or not folder.is_dir():
            raise self._unreachable(error) from error
        self._cached = folder
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                name = path.relative_to(folder).as_posix()
                self._digests[name] = _digest_of_blob(path, root / "blobs")

    def _check_commit(self, sha: str | None) -> None:
        revision = self._address.revision
        if revision and _COMMIT.fullmatch(revision) and sha != revision:
            raise ValueError(
                f"{self._address}: the hub answered with the commit {sha!r} instead of the "
                "requested one."
            )


def import_hub() -> Any:
    """Returns the module `huggingface_hub`; raises an ImportError that says how to install it."""
    try:
        import huggingface_hub
        import huggingface_hub.constants
        import huggingface_hub.errors
    except ImportError as error:
        raise missing_package("huggingface_hub", "hub", "An address hf://...") from error
    return huggingface_hub


def _digest_of(item: Any) -> _Digest | None:
    """Returns the digest that the hub states for a file."""
    if item.lfs is not None:
        return _Digest("sha256", item.lfs.sha256)
    return _Digest("git", item.blob_id) if item.blob_id else None


def _digest_of_blob(path: Path, blobs: Path) -> _Digest | None:
    """Returns the digest of a file in the cache, which is the name of its blob."""
    blob = path.resolve()
    if blob.parent != blobs.resolve():
        return None  # systems without symbolic links have copies
    name = blob.name
    if _COMMIT.fullmatch(name):
        return _Digest("git", name)
    return _Digest("sha256", name) if len(name) == 64 else None


def _compute(path: Path, kind: str) -> str:
    digest = hashlib.sha256() if kind == "sha256" else hashlib.sha1()
    if kind == "git":
        digest.update(f"blob {path.stat().st_size}\0".encode())
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:_MAX_SHOWN]))
    return f"{shown}, and {len(names) - _MAX_SHOWN} more" if len(names) > _MAX_SHOWN else shown


# ------------------------------------------------------------------------------ what is downloaded


def local_model(text: str) -> Path | Mapping[str, Path]:
    """Downloads a model.

    Returns:
        The `.keras` file; or, for a model that was saved without an archive, the files of its
        folder by name.

    Raises:
        FileNotFoundError: the repository has no model of Keras.
        ValueError: the address is not valid, several files fit, or a digest differs.
    """
    address = parse_address(text)
    files = Files(address)
    if address.file is not None:
        return files.fetch(address.file)
    names = files.names
    weights = [name for name in _FOLDER_WEIGHTS if name in names]
    if weights and all(name in names for name in _FOLDER):
        if address.sha256 is not None:
            raise ValueError(
                f"{address} is a model of several files, and #sha256= is the digest of one. Pin "
                "the commit instead: hf://owner/repo@commit"
            )
        assets = [name for name in names if name.startswith("assets/")]
        return {name: files.fetch(name) for name in (*_FOLDER, *weights, *assets)}
    return files.fetch(_choose(address, names, MODELS, _NO_MODEL))


_NO_MODEL = (
    "To load the weights of another library into a model, use "
    "cornu.export.load_state_dict(model, {address!r})."
)


def local_weights(
    source: str | os.PathLike[str], patterns: Sequence[str] = WEIGHTS
) -> str | os.PathLike[str]:
    """Downloads the weights at an address; returns a path as it is.

    Args:
        source: a path or an address. Without a file, the one that fits best is chosen.
        patterns: the files that can be read, the preferred ones first.

    Raises:
        FileNotFoundError: the repository has no such file.
        ValueError: the address is not valid, several files fit, or a digest differs.
    """
    if not isinstance(source, str) or not is_address(source):
        return source
    address = parse_address(source)
    files = Files(address)
    path = files.fetch(address.file or _choose(address, files.names, patterns, ""))
    if path.name.endswith(_INDICES):
        folder = (address.file or "").rpartition("/")[0]
        shards = Files(address._replace(sha256=None))
        for name in _shards(path):
            shards.fetch(f"{folder}/{name}" if folder else name)
    return path


def _choose(address: Address, names: Sequence[str], patterns: Sequence[str], remedy: str) -> str:
    """Returns the file at the top of the repository that fits best."""
    for pattern in patterns:
        ending = pattern.removeprefix("*")
        found = [n for n in names if "/" not in n and n.endswith(ending)]
        found = [n for n in found if pattern.startswith("*") or n == pattern]
        if len(found) == 1:
            return found[0]
        if found:
            raise ValueError(
                f"{address} has several files {pattern!r}: {_list(found)}. Choose one, such as "
                f"{str(address._replace(file=found[0]))!r}."
            )
    raise FileNotFoundError(
        f"{address} has no file {' or '.join(map(repr, patterns))}. It has: {_list(names)}.\n"
        + remedy.format(address=str(address))
    )


def _shards(index: Path) -> list[str]:
    """Returns the names of the files that an index lists."""
    content = validation.read_json_file(index)
    table = content.get("weight_map") if isinstance(content, dict) else None
    values = table.values() if isinstance(table, dict) else ()
    names = {n for v in values for n in (v if isinstance(v, list) else [v]) if isinstance(n, str)}
    if not names or not all(map(is_plain_path, names)):
        raise ValueError(f"{str(index)!r} has no table 'weight_map' of file names by key.")
    return sorted(names)
