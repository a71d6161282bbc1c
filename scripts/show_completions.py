"""Shows what an editor completes and explains, as text: `python -m scripts.show_completions`.

Starts basedpyright's language server, which editors use, on a short program, and prints what it
answers at each place that a `$` marks.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]

PROGRAM = """
import cornu as keras

layer = keras.layers.Dense($)
stop = keras.callbacks.EarlyStopping($)
inputs = keras.Input($)
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
model.compile($)
model.$
model.fit($)
history = model.fit(None)
history.$
history.hist$ory
layer.$
optimizer = keras.optimizers.Adam($)
optimizer.$
keras.$
keras.losses.Sparse$
result = model.predict(None)
result.$
loaded = keras.models.load_model("m.keras")
"""


class LanguageServer:
    """A language server that answers over its standard input and output."""

    def __init__(self, folder: Path) -> None:
        program = [sys.executable, "-c", "from basedpyright.langserver import main; main()"]
        self._process = subprocess.Popen(
            [*program, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder
        )
        self._number = 0
        root = folder.as_uri()
        folders = [{"uri": root, "name": "program"}]
        self.request(
            "initialize",
            processId=None,
            rootUri=root,
            workspaceFolders=folders,
            capabilities={
                "textDocument": {
                    "hover": {"contentFormat": ["plaintext"]},
                    "completion": {"completionItem": {"documentationFormat": ["plaintext"]}},
                }
            },
        )
        self.notify("initialized")

    def notify(self, method: str, **parameters: Any) -> None:
        self._send({"method": method, "params": parameters})

    def request(self, method: str, **parameters: Any) -> Any:
        """Returns the result of a request."""
        self._number += 1
        self._send({"id": self._number, "method": method, "params": parameters})
        while True:
            message = self._receive()
            if message.get("id") == self._number and "method" not in message:
                return message.get("result")
            if "id" in message and "method" in message:  # a question of the server
                items = message.get("params", {}).get("items", [])
                answer = (
                    [{} for _ in items] if message["method"].endswith("configuration") else None
                )
                self._send({"id": message["id"], "result": answer})

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        found: dict[str, Any] = json.loads(self._process.stdout.read(length))
        return found


def main(source: Path) -> None:
    """Prints the answers about `PROGRAM`, with cornu from a folder."""
    places, lines = [], []
    for number, line in enumerate(PROGRAM.strip().splitlines()):
        if "$" in line:
            places.append((number, line.index("$"), line))
        lines.append(line.replace("$", ""))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        settings = {
            "venvPath": str(Path(sys.prefix).parent),
            "venv": Path(sys.prefix).name,
            "extraPaths": [str(source)],
        }
        (folder / "pyrightconfig.json").write_text(json.dumps(settings))
        file = folder / "program.py"
        text = "\n".join(lines)
        file.write_text(text)
        server = LanguageServer(folder)
        document = {"uri": file.as_uri(), "languageId": "python", "version": 1, "text": text}
        server.notify("textDocument/didOpen", textDocument=document)
        for line_number, column, line in places:
            where = {
                "textDocument": {"uri": file.as_uri()},
                "position": {"line": line_number, "character": column},
            }
            print(f"\n{line.replace('$', '|')}")
            print("   ", _answer(server, line[column - 1], where))
        server.close()


def _answer(server: LanguageServer, before: str, where: dict[str, Any]) -> str:
    if before == "(":
        found = server.request("textDocument/signatureHelp", **where)
        signatures = [one["label"] for one in (found or {}).get("signatures", ())]
        return "\n    ".join(signatures) or "(nothing)"
    if where["position"]["character"] and before.isalpha() and before.islower():
        hover = server.request("textDocument/hover", **where)
        shown = (hover or {}).get("contents", {}).get("value", "")
        completed = _complete(server, where)
        return f"{completed}\n    hover: {shown.splitlines()[0] if shown else '(nothing)'}"
    return _complete(server, where)


def _complete(server: LanguageServer, where: dict[str, Any]) -> str:
    found = server.request("textDocument/completion", **where)
    items = found.get("items", ()) if isinstance(found, dict) else found or ()
    names = [item["label"] for item in items if not item["label"].startswith("_")]
    private = sum(item["label"].startswith("_") for item in items)
    shown = ", ".join(names[:60]) + (f", and {len(names) - 60} more" if len(names) > 60 else "")
    return f"{shown or '(nothing)'} ({private} private names)"


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
