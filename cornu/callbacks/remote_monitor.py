"""RemoteMonitor: sends the logs of every epoch to a server."""

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

__all__ = ["RemoteMonitor"]

_PATIENCE = 5.0  # seconds that training waits for the server, at most


class RemoteMonitor(Callback):
    """Sends the logs of every epoch to a server, with HTTP POST.

    What is sent is a JSON object of `epoch` and the metrics. A server that cannot be reached, or
    that answers with an error, never ends training: there is one warning for each run.

    Args:
        root: the address of the server; begins with `http://` or `https://`.
        path: what is called there.
        field: the field of the form that has the JSON, if it is sent in a form.
        headers: headers of HTTP, in a dict.
        send_as_json: whether the JSON itself is sent rather than a form.

    Raises:
        ValueError: `root` is no such address.

    Example:

    >>> monitor = RemoteMonitor("https://example.org", path="/epochs", send_as_json=True)

    Differences: needs no `requests`. Arrays are sent as lists, and what is not finite as null,
        for which JSON has no number. Keras waits for a server that does not answer without end.
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
                f"RemoteMonitor: root begins with 'http://' or 'https://'. Received: {root!r}"
            )
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json
        self._warned = False

    def on_train_begin(self, logs: Any = None) -> None:
        """Begins a run, in which a failure is said once."""
        self._warned = False

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Sends the logs."""
        send = {"epoch": epoch, **{name: _plain(value) for name, value in (logs or {}).items()}}
        try:
            with urllib.request.urlopen(self._request(send), timeout=_PATIENCE) as answer:
                answer.read(1)
        except (OSError, http.client.HTTPException) as error:
            if not self._warned:
                self._warned = True
                warnings.warn(
                    f"RemoteMonitor: {self.root}{self.path} was not reached ({error}). Training "
                    "goes on; this is said once.",
                    stacklevel=2,
                )

    def _request(self, send: dict[str, Any]) -> urllib.request.Request:
        text = json.dumps(send, allow_nan=False)
        kind = "application/json"
        if not self.send_as_json:
            text, kind = urllib.parse.urlencode({self.field: text}), _FORM
        headers = {"Content-Type": kind, **(self.headers or {})}
        return urllib.request.Request(
            f"{self.root}{self.path}", text.encode(), headers, method="POST"
        )


_FORM = "application/x-www-form-urlencoded"


def _plain(value: Any) -> Any:
    """Returns a value as JSON has it."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (int, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    array = np.asarray(value)
    return str(value) if array.dtype == object else _plain(array.tolist())
