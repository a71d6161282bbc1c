"""RemoteMonitor: sends the logs of each epoch to a server."""

from __future__ import annotations

import http.client
import json
import math
import urllib.parse
import urllib.request
import warnings
from typing import Any

import numpy as np

from cornu.callbacks.callback import Callback
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.process import job
from cornu.types import Logs

__all__ = ["RemoteMonitor"]

_TIMEOUT = 5.0  # seconds


class RemoteMonitor(Callback):
    """Sends the logs of each epoch to a server in an HTTP POST request.

    The body is a JSON object with `epoch` and the metrics. A server that cannot be reached or that
    responds with an error does not end training; there is one warning per run.

    Args:
        root: the URL of the server, which begins with `http://` or `https://`.
        path: the path that is appended to `root`.
        field: the form field that contains the JSON, unless `send_as_json=True`.
        headers: additional HTTP headers.
        send_as_json: whether to send the JSON as the body of the request instead of in a form.

    Raises:
        ValueError: `root` is not such a URL.

    Example:

    >>> monitor = RemoteMonitor("https://example.org", path="/epochs", send_as_json=True)

    Extensions: does not need the package `requests`. Arrays are sent as lists, and NaN and
    infinities as null, because JSON cannot represent them.

    Fixes: requests time out after 5 seconds; Keras waits indefinitely.
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: dict[str, str] | None = None,
        send_as_json: bool = False,
    ) -> None:
        if not str(root).startswith(("http://", "https://")):
            raise ValueError(
                f"RemoteMonitor: root must begin with 'http://' or 'https://'. Received: {root!r}"
            )
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json
        self._warned = False

    def on_train_begin(self, logs: Logs = None) -> None:
        """Resets the warning."""
        self._warned = False

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Sends the logs; of several processes, only the first one does."""
        if not job.is_first():
            return
        body = {"epoch": epoch, **{name: _to_json(value) for name, value in (logs or {}).items()}}
        try:
            with urllib.request.urlopen(self._make_request(body), timeout=_TIMEOUT) as response:
                response.read(1)
        except (OSError, http.client.HTTPException) as error:
            if not self._warned:
                self._warned = True
                warnings.warn(
                    f"RemoteMonitor: could not send the logs to {self.root}{self.path} ({error}). "
                    "Training continues; further failures of this run are not reported.",
                    stacklevel=user_stacklevel(),
                )

    def _make_request(self, body: dict[str, Any]) -> urllib.request.Request:
        text = json.dumps(body, allow_nan=False)
        content_type = "application/json"
        if not self.send_as_json:
            text, content_type = urllib.parse.urlencode({self.field: text}), _FORM
        headers = {"Content-Type": content_type, **(self.headers or {})}
        return urllib.request.Request(
            f"{self.root}{self.path}", text.encode(), headers, method="POST"
        )


_FORM = "application/x-www-form-urlencoded"


def _to_json(value: Any) -> Any:
    """Converts a value of the logs to what JSON can represent."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (int, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_to_json(item) for item in value]
    array = np.asarray(value)
    return str(value) if array.dtype == object else _to_json(array.tolist())
