"""RemoteMonitor, with a server on this machine."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import threading
import urllib.parse
import warnings

import numpy as np
import pytest

from cornu.callbacks import RemoteMonitor, remote_monitor
from tests.callbacks import fake


@contextlib.contextmanager
def server(status=200):
    """Yields the address of a server, and what it received: (path, headers, body)."""
    received = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            received.append((self.path, dict(self.headers), body))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http_server:
        thread = threading.Thread(target=http_server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{http_server.server_port}", received
        finally:
            http_server.shutdown()
            thread.join()


def test_a_form_as_keras_sends_it():
    with server() as (root, received):
        fake.drive(RemoteMonitor(root), [{"loss": 0.5}, {"loss": np.float32(0.25)}])
    assert [path for path, _, _ in received] == ["/publish/epoch/end/"] * 2
    assert received[0][1]["Content-Type"] == "application/x-www-form-urlencoded"
    sent = [json.loads(urllib.parse.parse_qs(body)["data"][0]) for _, _, body in received]
    assert sent == [{"epoch": 0, "loss": 0.5}, {"epoch": 1, "loss": 0.25}]


def test_json_with_headers():
    with server() as (root, received):
        monitor = RemoteMonitor(root, "/here", headers={"X-Key": "k"}, send_as_json=True)
        fake.drive(monitor, [{"each": np.array([1.0, np.nan]), "n": np.int64(3), "what": object}])
    ((path, headers, body),) = received
    assert path == "/here" and headers["X-Key"] == "k"
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body) == {"epoch": 0, "each": [1.0, None], "n": 3, "what": str(object)}


def test_an_unreachable_server_is_reported_once(monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        root = f"http://127.0.0.1:{free.getsockname()[1]}"
    monitor = RemoteMonitor(root)
    for _ in range(2):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fake.drive(monitor, [{"loss": 1.0}] * 3)
        assert len(caught) == 1 and "could not send the logs" in str(caught[0].message)


def test_a_server_that_rejects_or_does_not_respond(monkeypatch):
    with server(500) as (root, received), pytest.warns(UserWarning, match="500"):
        fake.drive(RemoteMonitor(root), [{"loss": 1.0}])
    assert len(received) == 1
    monkeypatch.setattr(remote_monitor, "_TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        root = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.warns(UserWarning, match="timed out"):
            fake.drive(RemoteMonitor(root), [{"loss": 1.0}])


@pytest.mark.parametrize("root", ["file:///etc", "localhost:9000", "ftp://example.org"])
def test_other_addresses_are_rejected(root):
    with pytest.raises(ValueError, match="root must begin with 'http://'"):
        RemoteMonitor(root)
