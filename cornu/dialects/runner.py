"""`python -m cornu run`: runs a program with the version of Keras that it was written for."""

from __future__ import annotations

import builtins
import importlib.util
import os
import runpy
import sys
from pathlib import Path
from types import CodeType, ModuleType

from cornu import compat
from cornu.dialects import detection, keras1, keras2, python2, shims
from cornu.legacy.keras1.notes import enable_notes

__all__ = ["VERSIONS", "run"]

VERSIONS = ("auto", "keras1", "keras2", "keras2.3", "keras3")


def run(
    version: str,
    file: str,
    arguments: list[str],
    is_module: bool,
    keras_path: Path,
    notes: bool = False,
    with_shims: bool = False,
) -> int:
    """Runs a program and returns its exit status.

    Args:
        version: one of `VERSIONS`.
        file: the program, or the name of a module.
        arguments: the arguments of the program.
        is_module: whether `file` is the name of a module.
        keras_path: the directory that has `keras` for processes that the program starts.
        notes: whether the modern form of each old class is printed at its first use.
        with_shims: whether names that Python and NumPy dropped are provided, and programs in
            Python 2 are translated.
    """
    path = _find(file, is_module)
    if path is None:
        kind = "module" if is_module else "file"
        print(f"cornu run: {kind} {file!r} does not exist", file=sys.stderr)
        return 2
    if version == "auto":
        choice = detection.detect(path)
        version = choice.dialect
        print(f"cornu run: {choice.describe()}.", file=sys.stderr)
    if not with_shims and python2.parse_program(path)[1]:
        print(f"cornu run: {file} is written in Python 2: add --shims.", file=sys.stderr)
        return 2
    if notes:
        enable_notes()
    if with_shims:
        shims.install()
    _install(version, keras_path, hides_tensorflow=not detection.needs_tensorflow(path))
    sys.argv = [file, *arguments]
    if is_module:
        runpy.run_module(file, run_name="__main__", alter_sys=True)
        return 0
    folder = path.resolve().parent
    sys.path.insert(0, str(folder))
    if with_shims:
        python2.install_finder(folder)
        code = python2.load_program(path)
        if code is not None:
            return _run_code(code, path)
    runpy.run_path(file, run_name="__main__")
    return 0


def _run_code(code: CodeType, path: Path) -> int:
    """Runs the code of a program in Python 2 as `__main__`."""
    module = ModuleType("__main__")
    vars(module).update(python2.NAMES, __file__=str(path), __builtins__=builtins)
    sys.modules["__main__"] = module
    exec(code, vars(module))
    return 0


def _find(file: str, is_module: bool) -> Path | None:
    """Returns the file of a program, or None if there is none."""
    if not is_module:
        return Path(file) if Path(file).is_file() else None
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        spec = importlib.util.find_spec(file)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(f"{file}.__main__")
    except ModuleNotFoundError:
        return None
    return None if spec is None or spec.origin is None else Path(spec.origin)


def _install(version: str, keras_path: Path, hides_tensorflow: bool) -> None:
    if version == "keras1":
        keras1.install()
    elif version == "keras2":
        keras2.install("2.2.4", hides_tensorflow or None)
    elif version == "keras2.3":
        keras2.install("2.3.1", hides_tensorflow or None)
    else:
        compat.install_as_keras()
        # For the processes that the program starts.
        paths = (str(keras_path), os.environ.get("PYTHONPATH", ""))
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
