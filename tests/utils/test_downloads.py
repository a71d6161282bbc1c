"""get_file: downloads, cache paths, and rejected files."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import io
import os
import socket
import ssl
import tarfile
import threading
import urllib.error
import zipfile
from pathlib import Path

import keras
import pytest

import cornu
from cornu.utils import get_file
from cornu.utils.downloads import _open_address

DATA = b"some data\n" * 300_000


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Server:
    """A server on this machine: pages by path, as bytes or as functions of the handler."""

    def __init__(self):
        self.pages = {}
        self.requests = []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                server.requests.append(self.path)
                page = server.pages.get(self.path)
                if callable(page):
                    page(self)
                elif page is None:
                    self.send_error(404)
                else:
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(page)))
                    self.end_headers()
                    self.wfile.write(page)

            def log_message(self, *args):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,))
        self.thread.start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def server(monkeypatch):
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    server = Server()
    yield server
    server.close()


@pytest.fixture
def cache(tmp_path):
    cornu.utils.disable_interactive_logging()
    return tmp_path / "cache"


def files(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def redirect(target):
    def page(handler):
        handler.send_response(302)
        handler.send_header("Location", target)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return page


# --------------------------------------------------------------------------------- what it fetches


def test_a_file_is_fetched_once(server, cache):
    server.pages["/a.txt"] = DATA
    kwargs = {"origin": f"{server.url}/a.txt?version=1", "file_hash": sha256(DATA)}
    server.pages["/a.txt?version=1"] = DATA
    path = get_file(cache_dir=cache, **kwargs)
    assert path == str(cache / "datasets" / "a.txt") and Path(path).read_bytes() == DATA
    assert get_file(cache_dir=cache, **kwargs) == path and len(server.requests) == 1
    get_file(cache_dir=cache, force_download=True, **kwargs)
    assert len(server.requests) == 2
    # One that has changed since is fetched again.
    (cache / "datasets" / "a.txt").write_bytes(b"changed")
    get_file(cache_dir=cache, **kwargs)
    assert Path(path).read_bytes() == DATA and files(cache) == ["datasets/a.txt"]
    plain = cache / "plain"
    plain.touch()
    assert os.stat(path).st_mode == plain.stat().st_mode


def test_hashes(server, cache):
    server.pages["/a"] = DATA
    md5 = hashlib.md5(DATA).hexdigest()
    for i, kwargs in enumerate(
        (
            {"file_hash": sha256(DATA).upper()},
            {"file_hash": sha256(DATA), "hash_algorithm": "sha256"},
            {"file_hash": md5},
            {"file_hash": md5, "hash_algorithm": "md5"},
            {"md5_hash": md5},
        )
    ):
        assert get_file(f"{i}", f"{server.url}/a", cache_dir=cache, **kwargs).endswith(str(i))


def test_a_wrong_hash_leaves_nothing_behind(server, cache):
    server.pages["/a"] = DATA
    wrong = sha256(b"other")
    with pytest.raises(ValueError, match=f"has the sha256 hash {sha256(DATA)}, expected {wrong}"):
        get_file(origin=f"{server.url}/a", cache_dir=cache, file_hash=wrong)
    assert files(cache) == []
    # What was there stays.
    old = cache / "datasets" / "a"
    old.write_bytes(b"old")
    with pytest.raises(ValueError, match="was deleted"):
        get_file(origin=f"{server.url}/a", cache_dir=cache, file_hash=wrong)
    assert files(cache) == ["datasets/a"] and old.read_bytes() == b"old"


def test_paths_of_downloaded_files_equal_keras(tmp_path, monkeypatch, capsys):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("inner.txt", "1")
    source = tmp_path / "source.tar.zip"
    source.write_bytes(data.getvalue())
    cornu.utils.disable_interactive_logging()
    keras.utils.disable_interactive_logging()
    for extract in (False, True):
        for fname in (None, "name", "name.x.zip"):
            for sub in ("datasets", "deep/er", str(tmp_path / f"absolute{extract}")):
                kwargs = {"extract": extract, "cache_subdir": sub, "origin": source.as_uri()}
                paths = []
                for lib in (cornu, keras):
                    home = tmp_path / f"{lib.__name__}{extract}"
                    home.mkdir(exist_ok=True)
                    path = lib.utils.get_file(fname, cache_dir=str(home), **kwargs)
                    paths.append(path.replace(str(home), ""))
                    assert os.path.isdir(path) if extract else os.path.isfile(path)
                assert paths[0] == paths[1]
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "kh"))
    assert get_file(origin=source.as_uri()) == str(tmp_path / "kh" / "datasets" / source.name)
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    found = get_file(origin=source.as_uri())
    assert found == str(tmp_path / "home" / ".keras" / "datasets" / source.name)
    assert capsys.readouterr().out == ""


def test_printed_messages(server, cache, capsys):
    cornu.utils.enable_interactive_logging()
    server.pages["/a"] = DATA
    kwargs = {"origin": f"{server.url}/a", "cache_dir": cache, "file_hash": sha256(DATA)}
    path = get_file(**kwargs)
    assert capsys.readouterr().out == f"Downloading {server.url}/a\n"
    get_file(**kwargs)
    assert capsys.readouterr().out == ""
    Path(path).write_bytes(b"")
    get_file(**kwargs)
    assert "does not have the expected sha256 hash.\nDownloading" in capsys.readouterr().out


# -------------------------------------------------------------------------------- what it refuses


@pytest.mark.parametrize(
    "origin, message",
    [
        (None, "origin must be the URL of a file"),
        ("", "origin must be the URL of a file"),
        ("http://127.0.0.1/a", "could be modified in transit"),
        ("ftp://127.0.0.1/a", "the URL must begin with https"),
        ("data:text/plain,x", "the URL must begin with https"),
        ("/etc/passwd", "the URL must begin with https"),
        ("jar:file:///a", "the URL must begin with https"),
        ("file://other/etc/passwd", "refers to another machine"),
        ("https://127.0.0.1", "the URL contains the file name ''"),
        ("https://127.0.0.1/a/", "the URL contains the file name ''"),
        ("https://127.0.0.1/a/..", r"the URL contains the file name '..'"),
        ("https://127.0.0.1/a/.", r"the URL contains the file name '.'"),
        ("https://127.0.0.1/a/..\\..\\evil", "the URL contains the file name"),
        ("https://127.0.0.1/a/\x01", "the URL contains the file name"),
    ],
)
def test_addresses(cache, origin, message):
    with pytest.raises(ValueError, match=message):
        get_file(origin=origin, cache_dir=cache)
    assert not cache.exists() or files(cache) == []


def test_percent_signs_in_an_address_are_no_path(server, cache):
    server.pages["/%2e%2e%2fevil"] = DATA
    path = get_file(origin=f"{server.url}/%2e%2e%2fevil", cache_dir=cache, file_hash=sha256(DATA))
    assert path == str(cache / "datasets" / "%2e%2e%2fevil")


@pytest.mark.parametrize("fname", ["../evil", "/tmp/evil", "a/b", "..", "a\\b", "a\0"])
def test_names(tmp_path, cache, fname):
    (tmp_path / "a").write_bytes(DATA)
    for extract in (False, True):
        with pytest.raises(ValueError, match="fname contains the file name"):
            get_file(fname, (tmp_path / "a").as_uri(), cache_dir=cache, extract=extract)
    assert sorted(tmp_path.iterdir()) == [tmp_path / "a"]


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"file_hash": "abc"}, "file_hash must have 64 hexadecimal digits"),
        ({"file_hash": "z" * 64}, "file_hash must have 64 hexadecimal digits"),
        ({"file_hash": "a" * 32, "hash_algorithm": "sha256"}, "file_hash must have 64 hexadecimal"),
        ({"md5_hash": "a" * 64}, "file_hash must have 32 hexadecimal"),
        ({"file_hash": "a" * 64, "hash_algorithm": "sha1"}, "hash_algorithm must be"),
        ({"extract": True, "archive_format": None}, "archive_format must be"),
        ({"extract": True, "archive_format": ["tar", "rar"]}, "archive_format must be"),
    ],
)
def test_wrong_arguments(tmp_path, cache, kwargs, message):
    (tmp_path / "a").write_bytes(DATA)
    with pytest.raises(ValueError, match=message):
        get_file(origin=(tmp_path / "a").as_uri(), cache_dir=cache, **kwargs)
    assert not cache.exists()


def test_an_address_that_forwards(server, cache, tmp_path):
    server.pages["/a"] = DATA
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    server.pages["/there"] = redirect(f"{server.url}/a")
    server.pages["/file"] = redirect(secret.as_uri())
    server.pages["/ftp"] = redirect("ftp://127.0.0.1/a")
    server.pages["/round"] = redirect("/round")
    kwargs = {"cache_dir": cache, "file_hash": sha256(DATA)}
    path = get_file(origin=f"{server.url}/there", **kwargs)
    assert path.endswith("there") and Path(path).read_bytes() == DATA
    for name, error in (("file", ValueError), ("ftp", ValueError), ("round", OSError)):
        with pytest.raises((error, urllib.error.URLError)):
            get_file(origin=f"{server.url}/{name}", **kwargs)
    # From https without a hash, http is no way on.
    with pytest.raises(ValueError, match="could be modified in transit"):
        with _open_address(f"{server.url}/there", "https", False):
            pass
    assert files(cache) == ["datasets/there"]


def test_failures_leave_nothing_behind(server, cache):
    def short(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"x" * 10)

    def huge(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(1 << 60))
        handler.end_headers()
        handler.wfile.write(b"x" * 10)

    server.pages |= {"/short": short, "/huge": huge}
    kwargs = {"cache_dir": cache, "file_hash": sha256(DATA)}
    with pytest.raises(OSError, match=r"received only 10 of the 1000 bytes of '.*/short'"):
        get_file(origin=f"{server.url}/short", **kwargs)
    with pytest.raises(OSError, match=r"/huge' has 1152921504606846976 bytes, but only"):
        get_file(origin=f"{server.url}/huge", **kwargs)
    with pytest.raises(urllib.error.URLError, match="/none could not be read: HTTP Error 404"):
        get_file(origin=f"{server.url}/none", **kwargs)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(urllib.error.URLError, match="could not be read") as caught:
        get_file(origin=f"http://127.0.0.1:{port}/a", **kwargs)
    assert f"copy the file to '{cache / 'datasets' / 'a'}'" in str(caught.value)
    with pytest.raises(FileNotFoundError):
        get_file(origin=(cache / "none").as_uri(), cache_dir=cache)
    assert files(cache) == []


def test_certificates_are_verified(server, cache):
    # The server speaks no TLS, so the handshake fails before any request.
    with pytest.raises(urllib.error.URLError, match="SSL|WRONG_VERSION|could not be read"):
        get_file(origin=f"{server.url}/a".replace("http:", "https:"), cache_dir=cache)
    assert server.requests == [] and ssl.create_default_context().verify_mode == ssl.CERT_REQUIRED


# -------------------------------------------------------------------------------------- archives


def packed(**members):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return gzip.compress(data.getvalue())


def test_archives_are_extracted_once(server, cache):
    server.pages["/a.tgz"] = data = packed(**{"x/1.txt": b"1", "2.txt": b"2"})
    kwargs = {"cache_dir": cache, "origin": f"{server.url}/a.tgz", "file_hash": sha256(data)}
    for extra, names in (
        ({"extract": True}, ("a.tgz", "a.tgz_archive")),
        ({"untar": True, "fname": "b"}, ("b", "b_archive")),
        ({"extract": True, "fname": "c.tgz", "archive_format": "tar"}, ("c_extracted", "c.tgz")),
    ):
        folder = get_file(**kwargs, **extra)
        assert folder == str(cache / "datasets" / names[0])
        assert (cache / "datasets" / names[1]).read_bytes() == data
        assert files(cache / "datasets" / names[0]) == ["2.txt", "x/1.txt"]
    (cache / "datasets" / "b" / "2.txt").unlink()
    get_file(**kwargs, untar=True, fname="b")
    assert files(cache / "datasets" / "b") == ["x/1.txt"] and len(server.requests) == 3
    get_file(**kwargs, untar=True, fname="b", force_download=True)
    assert files(cache / "datasets" / "b") == ["2.txt", "x/1.txt"]


def test_archives_that_are_unsafe_or_not_archives(server, cache):
    for data, message in (
        (packed(**{"good": b"1", "../../evil": b"2"}), "is outside of the folder"),
        (packed(**{"good": b"1", "/tmp/evil": b"2"}), "is outside of the folder"),
        (b"no archive", "is not an archive of type tar or zip"),
    ):
        server.pages["/a"] = data
        kwargs = {"cache_dir": cache, "origin": f"{server.url}/a", "file_hash": sha256(data)}
        for _ in range(2):  # nor when it comes from the cache
            with pytest.raises(ValueError, match=message):
                get_file(extract=True, **kwargs)
            assert files(cache) == ["datasets/a_archive"]
