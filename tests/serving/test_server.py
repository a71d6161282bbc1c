"""`cornu serve` as a process: predictions, malformed messages, the end by a signal."""

import contextlib
import http.client
import json
import random
import signal
import socket
import subprocess
import sys
import time

import pytest

from tests.serving.models import X, tensor, two_outputs

pytestmark = pytest.mark.slow
INFER = "/v2/models/m/infer"
GOOD = json.dumps({"inputs": [tensor("x", X, "FP32")]}).encode()


def ask(port, body=None, path=INFER, headers=()):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET" if body is None else "POST", path, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read()


def send(port, data):
    """Returns the first line of the answer to bytes that need not be HTTP; b"" if there is none."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            return connection.recv(65536).partition(b"\r\n")[0]
    return b""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The port of a server, and its process, which is still running at the end."""
    path = tmp_path_factory.mktemp("serving") / "m.keras"
    two_outputs().save(path)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "cornu", "serve", str(path), "--port", str(port)]
    options = ["--max-requests", "8", "--max-json-bytes", "100000", "--read-timeout", "5"]
    process = subprocess.Popen(command + options, stderr=subprocess.PIPE)
    try:
        for _ in range(600):
            with contextlib.suppress(OSError):
                if ask(port, path="/v2/health/ready")[0] == 200:
                    break
            time.sleep(0.1)
        yield port, process
    finally:
        process.kill()
        process.communicate()


def test_malformed_messages_do_not_stop_the_server(server):
    port, process = server
    source = random.Random(0)
    head = b"POST /v2/models/m/infer HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
    counts = {}
    for number in range(1000):
        body = bytearray(GOOD)
        for _ in range(source.randrange(1, 4)):
            body[source.randrange(len(body))] = source.randrange(256)
        body = body[: source.randrange(1, len(body) + 1)]
        message = bytearray(head % len(body) + body)
        if number % 4 == 0:  # the header as well
            message[source.randrange(len(head))] = source.randrange(256)
        if number % 10 == 0:
            message = bytearray(source.randbytes(source.randrange(200)))
        line = bytes(send(port, bytes(message)))
        status = int(line.split()[1]) if line.startswith(b"HTTP/1.1 ") else 0
        counts[status] = counts.get(status, 0) + 1
    assert process.poll() is None
    assert not any(status >= 500 for status in counts), counts
    assert counts[400] > 500 and ask(port, GOOD)[0] == 200


def test_a_request_that_does_not_arrive_is_refused(server):
    port, _ = server
    begin = b"POST /v2/models/m/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{"
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(begin)
        assert b" 408 " in connection.recv(65536).partition(b"\r\n")[0]


def test_a_signal_ends_the_server_when_it_has_answered(server):
    port, process = server
    head = f"POST {INFER} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(GOOD)}\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert b" 100 " in connection.recv(65536)  # the request is being read
        process.send_signal(signal.SIGTERM)
        connection.sendall(GOOD)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert process.wait(30) in (0, -signal.SIGTERM)
