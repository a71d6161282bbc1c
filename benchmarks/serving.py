"""Throughput and latency of `cornu serve` on loopback, and malformed requests.

`python -m benchmarks.serving` starts a server as a process, and clients in another, and writes
benchmarks/serving.md. The plain loop calls `predict_on_batch` in this process, with one sample.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import multiprocessing
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["main"]

_PAGE = Path(__file__).with_name("serving.md")
_PATH = "/v2/models/served/infer"
_COLUMNS = 784


class Load(NamedTuple):
    """The figures of one run.

    Attributes:
        kind: how the arrays are sent.
        clients: the number of clients that ask at the same time.
        per_second: requests that were answered each second.
        p50, p99: milliseconds from request to response.
    """

    kind: str
    clients: int
    per_second: float
    p50: float
    p99: float


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser("python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--requests", type=int, default=4000, help="requests of each run")
    parser.add_argument("--malformed", type=int, default=10_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "served.keras")
        loop = _save_and_measure(path, given.requests)
        with _server(path) as port:
            context = multiprocessing.get_context("spawn")
            with context.Pool(1) as clients:
                rows = [
                    clients.apply(_measure, (port, kind, count, given.requests))
                    for kind in ("JSON", "binary")
                    for count in (1, 8, 32)
                ]
                counts = clients.apply(_send_malformed, (port, given.malformed))
                batches = clients.apply(_mean_batch, (port,))
    _PAGE.write_text(_describe(loop, rows, counts, batches))
    print(_PAGE.read_text())


def _save_and_measure(path: Path, requests: int) -> Load:
    import numpy as np

    import cornu
    from cornu import layers

    hidden = [layers.Dense(256, "relu"), layers.Dense(256, "relu"), layers.Dense(10, "softmax")]
    model = cornu.Sequential([cornu.Input((_COLUMNS,)), *hidden], name="served")
    model.save(path)
    x = np.ones((1, _COLUMNS), "float32")
    for _ in range(100):
        model.predict_on_batch(x)
    times = []
    for _ in range(requests):
        begin = time.perf_counter()
        model.predict_on_batch(x)
        times.append(time.perf_counter() - begin)
    return _load("predict_on_batch in a loop", 1, times, sum(times))


def _load(kind: str, clients: int, times: list[float], wall: float) -> Load:
    parts = statistics.quantiles(times, n=100)
    return Load(kind, clients, len(times) / wall, 1000 * parts[49], 1000 * parts[98])


@contextlib.contextmanager
def _server(path: Path) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    command = [sys.executable, "-m", "cornu", "serve", str(path), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            with contextlib.suppress(OSError):
                connection = http.client.HTTPConnection("127.0.0.1", port)
                connection.request("GET", "/v2/health/ready")
                if connection.getresponse().status == 200:
                    break
            time.sleep(0.1)
        yield port
        if process.poll() is not None:
            raise RuntimeError(f"The server ended with exit code {process.returncode}.")
    finally:
        process.terminate()
        process.wait(60)


def _message(kind: str) -> tuple[bytes, dict[str, str]]:
    entry: dict[str, Any] = {"name": "input_layer", "shape": [1, _COLUMNS], "datatype": "FP32"}
    if kind == "JSON":
        return json.dumps({"inputs": [{**entry, "data": [0.5] * _COLUMNS}]}).encode(), {}
    entry["parameters"] = {"binary_data_size": 4 * _COLUMNS}
    text = json.dumps({"inputs": [entry], "parameters": {"binary_data_output": True}}).encode()
    return text + bytes(4 * _COLUMNS), {"Inference-Header-Content-Length": str(len(text))}


def _measure(port: int, kind: str, clients: int, requests: int) -> Load:
    body, headers = _message(kind)
    times: list[float] = []

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        for _ in range(requests // clients):
            begin = time.perf_counter()
            connection.request("POST", _PATH, body, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise RuntimeError(f"The server answered {answer.status}.")
            times.append(time.perf_counter() - begin)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return _load(f"{kind}", clients, times, time.perf_counter() - begin)


def _mean_batch(port: int) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    values = dict(line.split() for line in lines if line.startswith("cornu_batch_rows_"))
    return float(values["cornu_batch_rows_sum"]) / float(values["cornu_batch_rows_count"])


def _send_malformed(port: int, count: int) -> dict[str, int]:
    """Sends requests with random changes; returns the number of answers by status."""
    source = random.Random(0)
    good, _ = _message("JSON")
    found: Counter[str] = Counter()
    for number in range(count):
        body = bytearray(good)
        for _ in range(source.randrange(1, 4)):
            body[source.randrange(100)] = source.randrange(256)
        del body[source.randrange(1, len(body) + 1) :]
        head = bytearray(
            b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
            % (_PATH.encode(), len(body))
        )
        if number % 4 == 0:
            head[source.randrange(len(head))] = source.randrange(256)
        found[_first_line(port, bytes(head + body))] += 1
    return dict(found)


def _first_line(port: int, data: bytes) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            words = connection.recv(65536).split(b" ", 2)
            if words[0] == b"HTTP/1.1":
                return words[1].decode()
    return "no answer"


def _describe(loop: Load, rows: list[Load], counts: dict[str, int], batches: float) -> str:
    lines = "".join(
        f"| {row.kind} | {row.clients} | {row.per_second:,.0f} | {row.p50:.2f} | {row.p99:.2f} |\n"
        for row in (loop, *rows)
    )
    statuses = "".join(f"| {status} | {n:,} |\n" for status, n in sorted(counts.items()))
    return f"""# Serving

Generated by `python -m benchmarks.serving`; do not edit.

An MLP (784, 256, 256, 10) on two CPU cores. Server and clients are processes of the same machine,
so that the clients, which are written in Python, take a large part of its time. Each request has
one sample; on average, {batches:.1f} were computed together.

| arrays | clients | requests per second | p50, ms | p99, ms |
| --- | ---: | ---: | ---: | ---: |
{lines}
## Malformed requests

{sum(counts.values()):,} requests with random changes of body and header; the server answers all
that follow. Requests that are valid in spite of the change, or whose header is incomplete, have
another status than 400.

| status | requests |
| --- | ---: |
{statuses}"""


if __name__ == "__main__":
    main()
