"""The import finder behind `install_as_keras`."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType

from cornu.compat.modules import (
    Facade,
    TensorFlow,
    add_private_members,
    describe_missing,
    is_module,
    is_private,
    load_module,
)

__all__ = ["install_as_keras"]

_TF_KERAS = "tensorflow.keras"


class _Loader(importlib.abc.Loader):
    """Loads a module of cornu under a name of Keras."""

    def __init__(self, path: str) -> None:
        self._path = path

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        # The import system takes the module from here. Returned by `create_module`, it would get
        # the spec of this import in place of its own.
        sys.modules[module.__name__] = load_module(self._path)
        add_private_members()


class _TensorFlowLoader(importlib.abc.Loader):
    """Loads the module that has `tensorflow.keras`, where TensorFlow is not installed."""

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> TensorFlow:
        return TensorFlow()

    def exec_module(self, module: ModuleType) -> None:
        return None


class _Finder(importlib.abc.MetaPathFinder):
    """Finds `keras`, `tensorflow.keras` and the modules below them in cornu."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        root, _, below = fullname.partition(".")
        if root == "tensorflow":
            if fullname == "tensorflow":
                return _find_tensorflow()
            if fullname != _TF_KERAS and not fullname.startswith(f"{_TF_KERAS}."):
                return None
            below = f"_tf_keras.{below}"
        elif root != "keras":
            return None
        if not is_module(below):
            # With the name of the module, `from package import name` would replace the message.
            name = None if is_private(below) else fullname
            raise ModuleNotFoundError(describe_missing(below), name=name)
        return importlib.machinery.ModuleSpec(fullname, _Loader(below), is_package=True)


def _find_tensorflow() -> importlib.machinery.ModuleSpec | None:
    """Returns the spec of a module that has `keras` only, if TensorFlow is not installed."""
    for finder in sys.meta_path:
        if not isinstance(finder, _Finder) and finder.find_spec("tensorflow", None):
            return None
    return importlib.machinery.ModuleSpec("tensorflow", _TensorFlowLoader(), is_package=True)


def install_as_keras() -> None:
    r"""Makes `import keras` import cornu in this process.

    `keras`, `tensorflow.keras`, `keras.api` and `keras._tf_keras.keras` become cornu, with the
    version of Keras whose API cornu has, and `keras.layers is cornu.layers`. Of `keras.src`, the
    private part of Keras, the paths exist that packages import. Call it before anything imports
    Keras or TensorFlow, which imports Keras.

    To run a program without editing it, use `python -m cornu run --as keras3 program.py`, or put
    the directory that `python -m cornu keras-path` prints into the environment variable
    `PYTHONPATH`.

    Raises:
        RuntimeError: another Keras is already imported.

    Example:

    >>> import subprocess, sys
    >>> program = '''
    ... import cornu
    ... cornu.install_as_keras()
    ... import keras
    ... print(keras.layers is cornu.layers)
    ... '''
    >>> subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout
    'True\n'
    """
    known = sys.modules.get("keras")
    if isinstance(known, Facade):
        return
    if known is not None:
        raise RuntimeError(
            f"Keras {vars(known).get('__version__', '')} is already imported from "
            f"{vars(known).get('__file__')}. Call cornu.install_as_keras() before anything imports "
            "keras; TensorFlow imports it, too."
        )
    sys.meta_path.insert(0, _Finder())
    sys.modules["keras"] = load_module("")
