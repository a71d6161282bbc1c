"""Folders of labeled files: lists, labels, splits and reads them as a Dataset."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from cornu import seeds
from cornu.data.readers.dataset import Dataset, RowDataset
from cornu.errors import is_positive_integer, quantity, suggest
from cornu.terminal.console import log_message

__all__ = [
    "DirectoryOptions",
    "LabeledFiles",
    "check_format",
    "check_limit",
    "find_files",
    "make_datasets",
]

Labels: TypeAlias = Literal["inferred"] | Sequence[float] | np.ndarray | None
LabelMode: TypeAlias = Literal["int", "categorical", "binary"] | None
Subset: TypeAlias = Literal["training", "validation", "both"] | None

_SUBSETS = ("training", "validation", "both", None)
_MODES = ("int", "categorical", "binary", None)


@dataclass(frozen=True)
class DirectoryOptions:
    """The arguments that are the same for all kinds of files, and the function for messages.

    Attributes:
        caller: the function of the user, for messages.
    """

    caller: str
    directory: str | os.PathLike[str]
    labels: Labels
    label_mode: LabelMode
    class_names: Sequence[str] | None
    batch_size: int | None
    shuffle: bool
    seed: int | None
    validation_split: float | None
    subset: Subset
    follow_links: bool
    verbose: bool

    @classmethod
    def from_arguments(cls, caller: str, arguments: Mapping[str, Any]) -> DirectoryOptions:
        """Selects the options among the arguments of a function, given as its `locals()`."""
        names = (field.name for field in fields(cls) if field.name != "caller")
        return cls(caller, **{name: arguments[name] for name in names})


@dataclass(frozen=True)
class LabeledFiles:
    """Files in order, with their labels.

    Attributes:
        paths: the paths of the files.
        labels: an array with a number for each file, or None.
        class_names: the names of the classes, or None without labels.
    """

    paths: list[str]
    labels: np.ndarray | None
    class_names: list[str] | None

    def __getitem__(self, part: slice | np.ndarray) -> LabeledFiles:
        order = np.arange(len(self.paths))[part]
        labels = None if self.labels is None else self.labels[order]
        return replace(self, paths=[self.paths[i] for i in order], labels=labels)


def make_datasets(
    options: DirectoryOptions,
    formats: tuple[str, ...],
    read: Callable[[list[str]], Any],
    workers: int = -1,
) -> Dataset | tuple[Dataset, Dataset]:
    """Returns the Dataset of the files in a folder, or the two Datasets of a split.

    Args:
        options: the arguments of the user.
        formats: the extensions of file names.
        read: reads a list of files as a batch.
        workers: the number of batches that are read in parallel; -1 to choose it automatically.
    """
    options = _check_options(options)
    seed = seeds.next_seed() if options.seed is None else options.seed
    files = find_files(options, formats, seed)
    targets = _encode_labels(options, files)

    def rows(part: LabeledFiles, labels: Any, shuffle: bool) -> RowDataset:
        def batch(numbers: np.ndarray) -> Any:
            x = read([part.paths[i] for i in numbers])
            return x if labels is None else (x, labels[numbers])

        return RowDataset(
            len(part.paths),
            batch,
            options.batch_size,
            shuffle,
            seed,
            part.class_names,
            part.paths,
            workers,
        )

    parts = {
        name: rows(files[span], None if targets is None else targets[span], shuffle)
        for name, span, shuffle in _split(options, len(files.paths))
    }
    if options.subset == "both":
        return parts["training"], parts["validation"]
    return parts[options.subset]


def find_files(options: DirectoryOptions, formats: tuple[str, ...], seed: int) -> LabeledFiles:
    """Returns the files with given extensions, in the order given by `shuffle` and `seed`."""
    root = Path(options.directory)
    if not root.is_dir():
        raise NotADirectoryError(f"{options.caller}: the folder {str(root)!r} does not exist.")
    inferred = isinstance(options.labels, str)
    names = _find_class_folders(options, root) if inferred else [""]
    found = [
        (os.path.join(options.directory, name, path), number)
        for number, name in enumerate(names)
        for path in _list_files(
            os.path.join(options.directory, name), formats, options.follow_links
        )
    ]
    if not found:
        raise ValueError(
            f"{options.caller}: found no files with extension {', '.join(formats)} in {str(root)!r}"
            + (f", subfolders {', '.join(map(repr, names))}.\n" if inferred else ".\n")
            + "With labels='inferred', each class is a subfolder. Pass labels=None for files "
            "without labels."
        )
    files = LabeledFiles(
        [path for path, _ in found], np.array([n for _, n in found], "int32"), names
    )
    if not inferred:
        given: Any = options.labels
        labels = None if given is None else _check_labels(options, root, len(found))
        classes = None if labels is None else [str(label) for label in sorted(set(given))]
        files = LabeledFiles(files.paths, labels, classes)
    if options.verbose:
        count = 0 if files.class_names is None else len(files.class_names)
        belonging = "" if files.labels is None else f" belonging to {quantity(count, 'class')}"
        log_message(f"Found {quantity(len(found), 'file')}{belonging}.")
    if options.shuffle:
        # The legacy generator, so that the split is the same as in Keras with the same seed.
        order = np.arange(len(found))
        np.random.RandomState(seed).shuffle(order)
        files = files[order]
    return files


def check_limit(caller: str, name: str, value: Any) -> None:
    """Raises ValueError unless an argument is a positive integer or None."""
    if value is not None and not is_positive_integer(value):
        raise ValueError(
            f"{caller}: {name} must be a positive integer or None. Received: {value!r}"
        )


def check_format(caller: str, format: Any) -> None:
    """Raises ValueError unless `format`, which has no effect, has one of Keras's values."""
    if format not in ("tf", "grain"):
        raise ValueError(f"{caller}: format must be 'tf' or 'grain'. Received: {format!r}")


def _check_options(options: DirectoryOptions) -> DirectoryOptions:
    caller, split = options.caller, options.validation_split
    if options.label_mode not in _MODES:
        raise ValueError(
            f"{caller}: label_mode must be one of {_MODES}. Received: {options.label_mode!r}"
        )
    named = isinstance(options.labels, str)
    if (
        options.labels != "inferred"
        if named
        else options.labels is not None and np.ndim(options.labels) != 1
    ):
        raise ValueError(
            f"{caller}: labels must be 'inferred', None or a list with a number for each file. "
            f"Received: {options.labels!r}"
        )
    if options.class_names is not None and not named:
        raise ValueError(f"{caller}: class_names can only be passed with labels='inferred'.")
    if options.subset not in _SUBSETS:
        raise ValueError(
            f"{caller}: subset must be one of {_SUBSETS}. Received: {options.subset!r}"
        )
    if bool(split) != (options.subset is not None):
        raise ValueError(
            f"{caller}: validation_split and subset must be passed together. "
            f"Received: validation_split={split!r}, subset={options.subset!r}"
        )
    if split and not 0 < split < 1:
        raise ValueError(f"{caller}: validation_split must be between 0 and 1. Received: {split!r}")
    if split and options.shuffle and options.seed is None:
        raise ValueError(
            f"{caller}: a shuffled split needs a seed, so that both subsets use the same order and "
            "have no file in common. Pass seed=... or shuffle=False."
        )
    check_limit(caller, "batch_size", options.batch_size)
    unlabelled = options.labels is None or options.label_mode is None
    return (
        replace(options, labels=None, label_mode=None, class_names=None) if unlabelled else options
    )


def _find_class_folders(options: DirectoryOptions, root: Path) -> list[str]:
    existing = sorted(p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    for name in options.class_names or ():
        if name not in existing:
            raise ValueError(
                f"{options.caller}: class_names contains {name!r}, but {str(root)!r} has no such "
                f"subfolder. {suggest(name, existing)}"
            )
    return list(options.class_names or existing)


def _list_files(folder: str, formats: tuple[str, ...], follow_links: bool) -> list[str]:
    """Returns the relative paths of all files below a folder, in the order of Keras."""
    found = sorted(_walk_folders(folder, follow_links))
    return [
        os.path.relpath(os.path.join(root, name), folder)
        for root, names in found
        for name in sorted(names)
        if name.lower().endswith(formats)
    ]


def _walk_folders(top: str, follow_links: bool) -> Iterator[tuple[str, list[str]]]:
    for root, inner, names in os.walk(top, followlinks=follow_links):
        if follow_links:  # a link to a parent folder would be an endless loop
            here = os.path.join(os.path.realpath(root), "")
            paths = {name: os.path.realpath(os.path.join(root, name)) for name in inner}
            inner[:] = [n for n in inner if not here.startswith(os.path.join(paths[n], ""))]
        yield root, names


def _check_labels(options: DirectoryOptions, root: Path, count: int) -> np.ndarray:
    labels = np.asarray(options.labels)
    if len(labels) != count:
        raise ValueError(
            f"{options.caller}: received {quantity(len(labels), 'label')} for "
            f"{quantity(count, 'file')} in {str(root)!r}."
        )
    if labels.dtype.kind not in "iufb":
        raise ValueError(
            f"{options.caller}: labels must be numbers. Received: {list(labels[:3])!r}, ..."
        )
    return labels.astype("float32" if labels.dtype.kind == "f" else "int32")


def _encode_labels(options: DirectoryOptions, files: LabeledFiles) -> np.ndarray | None:
    """Encodes the labels according to `label_mode`."""
    labels, mode = files.labels, options.label_mode
    if labels is None or mode == "int":
        return labels
    count = len(files.class_names or ())
    if mode == "binary" and count != 2:
        raise ValueError(
            f"{options.caller}: label_mode='binary' requires 2 classes. "
            f"Received: {', '.join(files.class_names or ())}"
        )
    if labels.dtype.kind != "i" or labels.min() < 0 or labels.max() >= count:
        raise ValueError(
            f"{options.caller}: label_mode={mode!r} requires integer labels from 0 to {count - 1} "
            f"({quantity(count, 'class')}). Received: values from {labels.min()} to {labels.max()}"
        )
    return (
        labels[:, None].astype("float32")
        if mode == "binary"
        else np.eye(count)[labels].astype("float32")
    )


def _split(options: DirectoryOptions, count: int) -> list[tuple[str | None, slice, bool]]:
    """Returns the name and slice of each subset, and whether each epoch shuffles it."""
    if not options.validation_split:
        return [(None, slice(None), options.shuffle)]
    kept = int(options.validation_split * count)
    if kept == 0:
        raise ValueError(
            f"{options.caller}: validation_split={options.validation_split} of "
            f"{quantity(count, 'file')} leaves no file for validation."
        )
    # As in Keras, `subset="both"` does not shuffle the validation data.
    spans = {
        "training": (slice(None, -kept), count - kept, options.shuffle),
        "validation": (slice(-kept, None), kept, options.shuffle and options.subset != "both"),
    }
    chosen = [name for name in spans if options.subset in (name, "both")]
    if options.verbose:
        for name in chosen:
            log_message(f"Using {quantity(spans[name][1], 'file')} for {name}.")
    return [(name, spans[name][0], spans[name][2]) for name in chosen]
