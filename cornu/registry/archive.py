"""The objects of one model in a file: each is described once, and keeps its identity."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

from cornu.registry.arguments import ArgumentCapture
from cornu.registry.custom_objects import get_registered_object
from cornu.registry.names import category_of, classes, search
from cornu.types import Config

__all__ = [
    "LAMBDA",
    "Archive",
    "archive_scope",
    "current_archive",
    "set_archive_writer",
    "write_archive",
]

_archive_writer: Callable[[Any, Any], None] | None = None
LAMBDA = "<lambda>"  # the name of a function without a name, which is code and cannot be loaded
# The entries of a config beside the constructor arguments that `_restore_state_` takes.
_STATE_ENTRIES = ("build_config", "compile_config")


class Archive:
    """The objects of one model that is written to a file or read from it.

    Attributes:
        objects: objects that occur several times, by the number that the file gives them.
        states: the objects that were read, each with the result of `_state_config_()`.
        lambdas: the class and the name of what has each lambda of an archive that is written, and
            where the lambda is defined.
        has_unknown: whether a class or function of the archive is not known.
        class_names: the names that the classes of objects had when the file was written, by the
            `id` of the object, where `custom_objects` replaced the class.
    """

    def __init__(self) -> None:
        self.objects: dict[Any, Any] = {}
        self.states: list[tuple[ArgumentCapture, Config]] = []
        self.class_names: dict[int, str] = {}
        self.lambdas: list[tuple[str, str, str]] = []
        self.has_unknown = False
        self._owners: list[ArgumentCapture] = []
        self._lambdas: list[str] = []
        self._described: dict[int, tuple[ArgumentCapture, Config]] = {}
        self._shared = 0
        self._calls: Counter[int] = Counter()

    def describe(
        self, obj: ArgumentCapture, describe: Callable[[ArgumentCapture], Config]
    ) -> Config:
        """Returns the config of an object; that of one that occurs again refers to the first.

        Args:
            obj: the object.
            describe: returns the config of an object that has not been described yet.
        """
        if not obj._has_identity_:
            return describe(obj)
        if id(obj) in self._described:
            first = self._described[id(obj)][1]
            if "shared_object_id" not in first:
                self._shared += 1
                first["shared_object_id"] = self._shared
            return dict(first)
        self._owners.append(obj)
        config = {**describe(obj), **obj._state_config_()}
        self._owners.pop()
        self._described[id(obj)] = obj, config
        return config

    def add(self, obj: Any, config: Config) -> None:
        """Takes an object that was created from its config."""
        if "shared_object_id" in config:
            self.objects[config["shared_object_id"]] = obj
        state = {name: config[name] for name in _STATE_ENTRIES if config.get(name)}
        if state and isinstance(obj, ArgumentCapture):
            if obj._builds_itself_:
                obj._restore_state_(state)
            self.states.append((obj, state))
        name, present = str(config["class_name"]), type(obj).__name__
        if name != present:
            # A class of the library may have another name in configs than in Python.
            library, _ = search(name, category_of(config), classes)
            written = name if library is None else library.__name__
            if written != present:
                self.class_names[id(obj)] = written

    def note_lambda(self, function: Any) -> None:
        """Notes a function that is written and that no program could look up by its name."""
        code = function.__code__
        owner = self._owners[-1] if self._owners else None
        label = type(owner).__name__ if owner else "The model"
        name = str(vars(owner).get("name")) if owner else ""
        self.lambdas.append((label, name, f"{code.co_filename}:{code.co_firstlineno}"))

    def check_lambda(self, label: str) -> None:
        """Raises ValueError if `custom_objects` has one function for several lambdas of the file.

        Args:
            label: what has the lambda, as an error message shows it.
        """
        self._lambdas.append(label)
        if len(self._lambdas) > 1 and get_registered_object(LAMBDA) is not None:
            raise ValueError(
                f"custom_objects has one function {LAMBDA!r}, but the file has several lambdas: "
                f"{' and '.join(self._lambdas)}.\nPass the function of each by the name of its "
                "layer, as in custom_objects={'lambda': f, 'lambda_1': g}."
            )

    def count_calls(self, obj: ArgumentCapture, count: int) -> int:
        """Counts calls of an object in graphs; returns how many were counted before."""
        before = self._calls[id(obj)]
        self._calls[id(obj)] += count
        return before


_archive: ContextVar[Archive | None] = ContextVar("archive", default=None)


@contextlib.contextmanager
def archive_scope() -> Iterator[Archive]:
    """Within the block, configs describe one archive, in which objects keep their identity."""
    archive = Archive()
    token = _archive.set(archive)
    try:
        yield archive
    finally:
        _archive.reset(token)


def current_archive() -> Archive | None:
    """Returns the archive that is being written or read, if any."""
    return _archive.get()


def set_archive_writer(write: Callable[[Any, Any], None]) -> None:
    """Sets the function that `write_archive` calls. `cornu.saving.model_files` calls this."""
    global _archive_writer
    _archive_writer = write


def write_archive(obj: Any, filepath: str | os.PathLike[str]) -> None:
    """Writes an object to a `.keras` archive.

    Packages on a lower layer than `cornu.saving` must not import it; they call this function.
    """
    if _archive_writer is None:
        raise RuntimeError("Archives require `cornu.saving`. Import it first.")
    _archive_writer(obj, filepath)
