"""Runs ONNX files in onnxruntime-web, in Chromium without a window."""

from __future__ import annotations

import contextlib
import functools
import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

# Where scripts/install_browser.sh installs it.
RUNTIME = Path(__file__).parents[2] / "build/browser/node_modules/onnxruntime-web/dist"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_TIMEOUT = 120  # seconds until a browser that does not answer is given up
_PAGE = """<!doctype html>
<meta charset="utf-8">
<script src="ort.wasm.min.js"></script>
<script>
async function run({ file, inputs }) {
  const started = performance.now();
  const session = await ort.InferenceSession.create(file);
  const loaded = performance.now();
  const feeds = {};
  for (const [name, { dtype, shape, values }] of Object.entries(inputs)) {
    const data = dtype === "float32" ? Float32Array.from(values) : Int32Array.from(values);
    feeds[name] = new ort.Tensor(dtype, data, shape);
  }
  const results = await session.run(feeds);
  const first = performance.now();
  const count = 20;
  for (let i = 0; i < count; i++) await session.run(feeds);
  const outputs = {};
  for (const [name, tensor] of Object.entries(results)) {
    outputs[name] = { shape: tensor.dims, values: Array.from(tensor.data) };
  }
  const each = (performance.now() - first) / count;
  return { outputs, loading: loaded - started, first: first - loaded, each };
}
async function main() {
  ort.env.wasm.numThreads = 1;
  const tasks = await (await fetch("tasks.json")).json();
  const found = [];
  for (const task of tasks) found.push(await run(task));
  return { found, version: ort.env.versions.web, agent: navigator.userAgent };
}
main()
  .catch((error) => ({ error: String(error) }))
  .then((result) => fetch("result", { method: "POST", body: JSON.stringify(result) }));
</script>
"""


def find_browser() -> str | None:
    """Returns the path of Chromium or Chrome; None if neither is installed."""
    return next((path for name in _BROWSERS if (path := shutil.which(name))), None)


def missing() -> str:
    """Returns what is not installed; empty if nothing is missing."""
    if find_browser() is None:
        return "Chromium is not installed: scripts/install_browser.sh installs it"
    if not RUNTIME.is_dir():
        return "onnxruntime-web is not installed: scripts/install_browser.sh installs it"
    return ""


class _Handler(SimpleHTTPRequestHandler):
    # Browsers refuse modules and WebAssembly of other types.
    extensions_map = {
        **SimpleHTTPRequestHandler.extensions_map,
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def __init__(self, results: queue.Queue[bytes], *args: Any, **kwargs: Any) -> None:
        self._results = results
        super().__init__(*args, **kwargs)

    def log_message(self, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        self._results.put(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()


@contextlib.contextmanager
def _serve(folder: Path, results: queue.Queue[bytes]) -> Iterator[str]:
    handler = functools.partial(_Handler, results, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/page.html"
        finally:
            server.shutdown()
            thread.join()


def run_in_browser(
    folder: Path, tasks: list[tuple[str, Mapping[str, np.ndarray]]]
) -> dict[str, Any]:
    """Returns the outputs of ONNX files in a browser, and the times in milliseconds.

    Args:
        folder: a folder with the files, into which the page is written.
        tasks: the name of each file, and its inputs by name.
    """
    described = [
        {
            "file": file,
            "inputs": {
                name: {"dtype": x.dtype.name, "shape": x.shape, "values": x.ravel().tolist()}
                for name, x in inputs.items()
            },
        }
        for file, inputs in tasks
    ]
    (folder / "tasks.json").write_text(json.dumps(described))
    (folder / "page.html").write_text(_PAGE)
    for path in RUNTIME.glob("ort*wasm*"):
        if path.suffix in (".js", ".mjs", ".wasm"):
            shutil.copy(path, folder)
    results: queue.Queue[bytes] = queue.Queue()
    with _serve(folder, results) as address:
        command = [
            str(find_browser()),
            "--headless=new",
            "--no-sandbox",  # containers do not let it create one; the page is our own
            "--disable-gpu",
            "--disable-dev-shm-usage",
            f"--user-data-dir={folder / 'profile'}",
            address,
        ]
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            result: dict[str, Any] = json.loads(results.get(timeout=_TIMEOUT))
        finally:
            process.terminate()
            process.wait()
    if "error" in result:
        raise RuntimeError(f"The browser could not run the files: {result['error']}")
    return result
