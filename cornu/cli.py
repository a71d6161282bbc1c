"""The command line: `cornu demo`, `info`, `summary`, `run`, `launch`, `plan` and others."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cornu import launcher
from cornu._version import __version__

__all__ = ["main"]

# What `import keras` can become; `cornu.dialects.runner` installs it.
_VERSIONS = ("auto", "keras1", "keras2", "keras2.3", "keras3")

# Holds a module `keras` that is cornu.
_KERAS_PATH = Path(__file__).parent / "compat" / "as_keras"

# The options of a server: the type of each, and its description.
_SERVING: dict[str, tuple[type, str]] = {
    "max_batch_size": (int, "rows that are computed together, and of a request (64)"),
    "max_delay": (float, "seconds for which a request waits for others (0)"),
    "max_requests": (int, "requests that are answered at the same time (64)"),
    "max_body_bytes": (int, "bytes of a request (64 MiB)"),
    "max_json_bytes": (int, "bytes of its JSON (8 MiB)"),
    "max_shapes": (int, "shapes of inputs that are compiled (64)"),
    "read_timeout": (float, "seconds within which a request must arrive (30)"),
}

_FLAGS = {
    "expand_nested": "list the layers of nested models",
    "show_trainable": "show which layers are trainable",
    "flops": "count floating-point operations",
    "memory": "count the bytes of outputs and weights",
    "dtype": "show dtypes",
    "masks": "show which outputs carry a mask",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit status."""
    parser = argparse.ArgumentParser(prog="cornu", description="Command-line tools of cornu.")
    parser.add_argument("--version", action="version", version=f"cornu {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="train two models on handwritten digits")
    demo.add_argument("--out", default="runs/demo", help="output directory")
    info = commands.add_parser("info", help="show versions, devices, deviations from JAX")
    info.add_argument("names", nargs="*", help="deviations to describe in full")
    summary = commands.add_parser("summary", help="show the layers of a saved model")
    summary.add_argument("file", help="a file that load_model reads")
    summary.add_argument("--depth", type=int, help="the number of levels of blocks to show")
    for flag, text in _FLAGS.items():
        summary.add_argument(f"--{flag.replace('_', '-')}", action="store_true", help=text)
    run = commands.add_parser("run", help="run a program that imports Keras")
    run.add_argument(
        "--as",
        dest="version",
        choices=_VERSIONS,
        default="auto",
        help="the version of Keras; auto, the default, reads the program",
    )
    run.add_argument(
        "--modernize-notes", action="store_true", help="print how old classes are called today"
    )
    run.add_argument(
        "--shims", action="store_true", help="provide np.float, xrange, scipy.misc.imread, ..."
    )
    run.add_argument("-m", dest="is_module", action="store_true", help="FILE is a module's name")
    run.add_argument("file", help="the program")
    run.add_argument("arguments", nargs=argparse.REMAINDER, help="arguments of the program")
    doctor = commands.add_parser("doctor", help="list the paths of Keras that a package imports")
    doctor.add_argument("packages", nargs="+", help="installed packages, or folders of programs")
    commands.add_parser("keras-path", help="print the directory for PYTHONPATH that has keras")
    launcher.add_arguments(
        commands.add_parser("launch", help="run a program in several processes, as one training")
    )
    plan = commands.add_parser("plan", help="compare ways to train a model on many devices")
    plan.add_argument("file", help="a program that creates and compiles a model")
    plan.add_argument("--devices", type=int, required=True, help="the number of devices")
    plan.add_argument("--chip", default="h100", help="the chip, such as h100 or tpu-v5e")
    plan.add_argument("--batch", type=int, help="rows per step on all devices; 8 per device")
    plan.add_argument("--model", help="the name of the model, or of a function that returns it")
    plan.add_argument("--layouts", nargs="+", help="the layouts, such as data fsdp 'tensor 8'")
    serve = commands.add_parser("serve", help="answer requests with the predictions of a model")
    _add_serve_arguments(serve)
    chosen = parser.parse_args(arguments)
    if chosen.command == "plan":
        return _plan(chosen)
    if chosen.command == "serve":
        return _serve(chosen)
    if chosen.command == "launch":
        return launcher.run(chosen)
    if chosen.command == "demo":
        # Modules are imported when needed: importing JAX takes longer than `--version` or `--help`.
        importlib.import_module("cornu.demo").run(Path(chosen.out))
        return 0
    if chosen.command == "info":
        return _info(chosen.names)
    if chosen.command == "summary":
        options = {flag: getattr(chosen, flag) for flag in _FLAGS}
        return _summary(chosen.file, depth=chosen.depth, **options)
    if chosen.command == "doctor":
        return _doctor(chosen.packages)
    if chosen.command == "keras-path":
        print(_KERAS_PATH)
        return 0
    runner = importlib.import_module("cornu.dialects.runner")
    status: int = runner.run(
        chosen.version,
        chosen.file,
        chosen.arguments,
        chosen.is_module,
        _KERAS_PATH,
        chosen.modernize_notes,
        chosen.shims,
    )
    return status


def _add_serve_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="a file that load_model reads")
    parser.add_argument("--host", default="127.0.0.1", help="the address (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8080, help="the port (8080)")
    parser.add_argument("--name", help="the name of the model in addresses (that in the file)")
    for name, (kind, text) in _SERVING.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, help=text)


def _serve(chosen: argparse.Namespace) -> int:
    if not Path(chosen.file).exists():
        print(f"cornu serve: file {chosen.file!r} does not exist", file=sys.stderr)
        return 2
    try:
        serving = importlib.import_module("cornu.serving")
        given = {name: getattr(chosen, name) for name in _SERVING}
        options = serving.ServingOptions(**{k: v for k, v in given.items() if v is not None})
        model = importlib.import_module("cornu.models").load_model(chosen.file, compile=False)
        serving.serve(model, chosen.host, chosen.port, name=chosen.name, options=options)
    except (ImportError, ValueError) as error:
        print(f"cornu serve: {error}", file=sys.stderr)
        return 1
    return 0


def _info(names: Sequence[str]) -> int:
    try:
        print(importlib.import_module("cornu.info").describe(*names))
    except ValueError as error:
        print(f"cornu info: {error}", file=sys.stderr)
        return 2
    return 0


def _summary(file: str, **options: Any) -> int:
    if not Path(file).exists():
        print(f"cornu summary: file {file!r} does not exist", file=sys.stderr)
        return 2
    try:
        model = importlib.import_module("cornu.models").load_model(file, compile=False)
    except ValueError as error:
        print(f"cornu summary: {error}", file=sys.stderr)
        return 1
    model.summary(**options)
    return 0


def _plan(chosen: argparse.Namespace) -> int:
    program = importlib.import_module("cornu.planned_program")
    planner = importlib.import_module("cornu.distribution.planning.planner")
    try:
        model = program.find_model(chosen.file, chosen.model)
        found = planner.plan(
            model, chosen.devices, chosen.chip, chosen.batch, layouts=chosen.layouts
        )
    except ValueError as error:
        print(f"cornu plan: {error}", file=sys.stderr)
        return 2
    print(found)
    return 0 if found.best is not None else 1


def _doctor(packages: Sequence[str]) -> int:
    doctor = importlib.import_module("cornu.compat.doctor")
    try:
        reports = [doctor.examine(package) for package in packages]
    except ValueError as error:
        print(f"cornu doctor: {error}", file=sys.stderr)
        return 2
    print("\n\n".join(report.describe() for report in reports))
    return int(any(report.missing for report in reports))
