"""A stand-in for the Hugging Face Hub on this machine: what huggingface_hub asks a server."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

LARGE = 4096  # files of at least this size have the digest of Git LFS


def git_digest(content: bytes) -> str:
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class HubServer(ThreadingHTTPServer):
    """Serves repositories: their files by repository and name.

    Attributes:
        repositories: name of a repository -> name of a file -> contents.
        replaced: contents that are sent in place of those that the server states.
        requests: the methods and paths that were requested.
        status: an answer for all requests; None for that of a hub.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.replaced: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.status: int | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def commit(self, repository: str) -> str:
        content = json.dumps(
            {name: sha256(data) for name, data in self.repositories[repository].items()}
        )
        return hashlib.sha1(content.encode()).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    server: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, with_body: bool) -> None:
        path = unquote(self.path.partition("?")[0])
        self.server.requests.append(f"{self.command} {path}")
        if self.server.status is not None:
            self._send(self.server.status, b"{}", with_body=with_body)
            return
        if path.startswith("/api/models/"):
            name, _, revision = path.removeprefix("/api/models/").partition("/revision/")
            self._send_info(name, revision or "main")
            return
        name, _, rest = path[1:].partition("/resolve/")
        revision, _, file = rest.partition("/")
        files = self.server.repositories.get(name)
        if files is None or not self._is_known(name, revision) or file not in files:
            self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        content = files[file]
        large = len(content) >= LARGE
        digest = sha256(content) if large else git_digest(content)
        headers = {"ETag": f'"{digest}"', "X-Repo-Commit": self.server.commit(name)}
        if large:
            headers["X-Linked-Etag"] = f'"{digest}"'
        self._send(200, self.server.replaced.get(file, content), headers, with_body)

    def _is_known(self, name: str, revision: str) -> bool:
        return revision in ("main", "v1", self.server.commit(name))

    def _send_info(self, name: str, revision: str) -> None:
        files = self.server.repositories.get(name)
        if files is None:
            self._send(404, b"", {"X-Error-Code": "RepoNotFound"})
            return
        if not self._is_known(name, revision):
            self._send(404, b"", {"X-Error-Code": "RevisionNotFound"})
            return
        siblings = []
        for file, content in files.items():
            item: dict[str, Any] = {"rfilename": file, "size": len(content)}
            item["blobId"] = git_digest(content)
            if len(content) >= LARGE:
                item["lfs"] = {"sha256": sha256(content), "size": len(content), "pointerSize": 134}
            siblings.append(item)
        info = {"id": name, "sha": self.server.commit(name), "siblings": siblings}
        self._send(200, json.dumps(info).encode())

    def do_POST(self) -> None:
        path = unquote(self.path.partition("?")[0])
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.requests.append(f"{self.command} {path}")
        if self.server.status is not None or "Authorization" not in self.headers:
            self._send(self.server.status or 401, b"{}")
        elif path == "/api/repos/create":
            content = json.loads(body)
            owner = content.get("organization") or "owner"
            name = f"{owner}/{content['name']}"
            self.server.repositories.setdefault(name, {})
            self._send(200, json.dumps({"url": f"{self.server.address}/{name}"}).encode())
        elif "/preupload/" in path:
            files = [
                {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                for file in json.loads(body)["files"]
            ]
            self._send(200, json.dumps({"files": files}).encode())
        elif "/commit/" in path:
            name = path.removeprefix("/api/models/").partition("/commit/")[0]
            for line in body.decode().splitlines():
                item = json.loads(line)
                if item["key"] == "file":
                    content = base64.b64decode(item["value"]["content"])
                    self.server.repositories[name][item["value"]["path"]] = content
            commit = self.server.commit(name)
            url = f"{self.server.address}/{name}/commit/{commit}"
            answer = {"commitOid": commit, "commitUrl": url, "success": True}
            self._send(200, json.dumps(answer).encode())
        else:
            self._send(200, b"{}")

    def _send(
        self,
        status: int,
        content: bytes,
        headers: dict[str, str] | None = None,
        with_body: bool = True,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(content)


@contextlib.contextmanager
def serve_hub() -> Iterator[HubServer]:
    with HubServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
