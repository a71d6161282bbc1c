"""`cornu serve`: answers requests with the predictions of a model."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from cornu.cli.command import Command

__all__ = ["COMMAND"]

# The options of a server: the type of each, and its description.
_OPTIONS: dict[str, tuple[type, str]] = {
    "max_batch_size": (int, "rows that are computed together, and of a request (64)"),
    "max_delay": (float, "seconds for which a request waits for others (0)"),
    "max_requests": (int, "requests that are answered at the same time (64)"),
    "max_body_bytes": (int, "bytes of a request (64 MiB)"),
    "max_json_bytes": (int, "bytes of its JSON (8 MiB)"),
    "max_shapes": (int, "shapes of inputs that are compiled (64)"),
    "read_timeout": (float, "seconds within which a request must arrive (30)"),
}


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="a file that load_model reads")
    parser.add_argument("--host", default="127.0.0.1", help="the address (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8080, help="the port (8080)")
    parser.add_argument("--name", help="the name of the model in addresses (that in the file)")
    for name, (kind, text) in _OPTIONS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, help=text)


def _run(chosen: argparse.Namespace) -> int:
    if not Path(chosen.file).exists():
        print(f"cornu serve: file {chosen.file!r} does not exist", file=sys.stderr)
        return 2
    try:
        serving = importlib.import_module("cornu.serving")
        given = {name: getattr(chosen, name) for name in _OPTIONS}
        options = serving.ServingOptions(**{k: v for k, v in given.items() if v is not None})
        model = importlib.import_module("cornu.models").load_model(chosen.file, compile=False)
        serving.serve(model, chosen.host, chosen.port, name=chosen.name, options=options)
    except (ImportError, ValueError) as error:
        print(f"cornu serve: {error}", file=sys.stderr)
        return 1
    return 0


COMMAND = Command("serve", "answer requests with the predictions of a model", _add_arguments, _run)
