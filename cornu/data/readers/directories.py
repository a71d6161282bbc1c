"""Folders of labelled files: which files there are, in what order, and a Dataset of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from cornu import seeds, settings
from cornu.data.readers.dataset import Rows
from cornu.errors import suggest
from cornu.terminal.console import console

__all__ = ["Files", "Wish", "datasets", "find"]

_SUBSETS = ("training", "validation", "both", None)
_MODES = ("int", "categorical", "binary", None)


@dataclass(frozen=True)
class Wish:
    """What a user asks of a folder: the arguments that all kinds of files have in common."""

    who: str
    directory: Any
    labels: Any
    label_mode: str | None
    class_names: Any
    batch_size: int | None
    shuffle: bool
    seed: int | None
    validation_split: float | None
    subset: str | None
    follow_links: bool
    verbose: bool


@dataclass(frozen=True)
class Files:
    """Files in order, with the labels that they have.

    Attributes:
        paths: the files.
        labels: an array of one number for each, or None.
        class_names: the names of the classes, or None without labels.
    """

    paths: list[str]
    labels: np.ndarray | None
    class_names: list[str] | None

    def __getitem__(self, part: Any) -> Files:
        order = np.arange(len(self.paths))[part]
        labels = None if self.labels is None else self.labels[order]
        return replace(self, paths=[self.paths[i] for i in order], labels=labels)


def datasets(
    wish: Wish, formats: tuple[str, ...], read: Callable[[list[str]], Any], workers: int = -1
) -> Any:
    """Returns the Dataset of the files in a folder, or those of both parts of it.

    Args:
        wish: what the user asked for.
        formats: endings of file names.
        read: returns the batch of some files.
        workers: how many batches are read at a time, -1 for as many as are good.
    """
    wish = _checked(wish)
    seed = seeds.next_seed() if wish.seed is None else wish.seed
    files = find(wish, formats, seed)
    targets = _targets(wish, files)

    def rows(part: Files, labels: Any, shuffle: bool) -> Rows:
        def batch(numbers: np.ndarray) -> Any:
            x = read([part.paths[i] for i in numbers])
            return x if labels is None else (x, labels[numbers])

        return Rows(
            len(part.paths),
            batch,
            wish.batch_size,
            shuffle,
            seed,
            part.class_names,
            part.paths,
            workers,
        )

    parts = {
        name: rows(files[span], None if targets is None else targets[span], shuffle)
        for name, span, shuffle in _parts(wish, len(files.paths))
    }
    return tuple(parts.values()) if wish.subset == "both" else parts[wish.subset]


def find(wish: Wish, formats: tuple[str, ...], seed: int) -> Files:
    """Returns the files with some endings, in the order that `shuffle` and `seed` give them."""
    root = Path(wish.directory)
    if not root.is_dir():
        raise NotADirectoryError(f"{wish.who}: there is no folder {str(root)!r}.")
    inferred = isinstance(wish.labels, str)
    names = _class_folders(wish, root) if inferred else [""]
    found = [
        (os.path.join(wish.directory, name, path), number)
        for number, name in enumerate(names)
        for path in _walk(os.path.join(wish.directory, name), formats, wish.follow_links)
    ]
    if not found:
        raise ValueError(
            f"{wish.who}: there are no files that end in {', '.join(formats)} in {str(root)!r}"
            + (f", folders {', '.join(map(repr, names))}.\n" if inferred else ".\n")
            + "With labels='inferred' each class is a folder in it; pass labels=None for files "
            "without labels."
        )
    files = Files([path for path, _ in found], np.array([n for _, n in found], "int32"), names)
    if not inferred:
        labels = None if wish.labels is None else _given(wish, root, len(found))
        classes = None if labels is None else [str(label) for label in sorted(set(wish.labels))]
        files = Files(files.paths, labels, classes)
    if wish.verbose:
        classes = "" if files.labels is None else f" belonging to {len(files.class_names)} classes"
        _say(f"Found {len(found)} files{classes}.")
    if wish.shuffle:
        # This generator, because the split is then the one that Keras makes with the same seed.
        order = np.arange(len(found))
        np.random.RandomState(seed).shuffle(order)
        files = files[order]
    return files


def _checked(wish: Wish) -> Wish:
    who, split = wish.who, wish.validation_split
    if wish.label_mode not in _MODES:
        raise ValueError(f"{who}: label_mode is one of {_MODES}. Received: {wish.label_mode!r}")
    named = isinstance(wish.labels, str)
    if (
        wish.labels != "inferred"
        if named
        else wish.labels is not None and np.ndim(wish.labels) != 1
    ):
        raise ValueError(
            f"{who}: labels is 'inferred', None or one number for each file. "
            f"Received: {wish.labels!r}"
        )
    if wish.class_names is not None and not named:
        raise ValueError(
            f"{who}: class_names orders the classes of labels='inferred'; these labels do not "
            "come from the names of folders."
        )
    if wish.subset not in _SUBSETS:
        raise ValueError(f"{who}: subset is one of {_SUBSETS}. Received: {wish.subset!r}")
    if bool(split) != (wish.subset is not None):
        raise ValueError(
            f"{who}: validation_split and subset go together. "
            f"Received: validation_split={split!r}, subset={wish.subset!r}"
        )
    if split and not 0 < split < 1:
        raise ValueError(f"{who}: validation_split lies between 0 and 1. Received: {split!r}")
    if split and wish.shuffle and wish.seed is None:
        raise ValueError(
            f"{who}: a shuffled split needs a seed, so that both parts are cut from one order "
            "and have no file in common. Pass seed=..., or shuffle=False."
        )
    if wish.batch_size is not None and (
        not isinstance(wish.batch_size, int) or wish.batch_size < 1
    ):
        raise ValueError(
            f"{who}: batch_size is an integer from 1 on, or None. Received: {wish.batch_size!r}"
        )
    unlabelled = wish.labels is None or wish.label_mode is None
    return replace(wish, labels=None, label_mode=None, class_names=None) if unlabelled else wish


def _class_folders(wish: Wish, root: Path) -> list[str]:
    there = sorted(p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    for name in wish.class_names or ():
        if name not in there:
            raise ValueError(
                f"{wish.who}: class_names has {name!r}, of which there is no folder in "
                f"{str(root)!r}. {suggest(name, there)}"
            )
    return list(wish.class_names or there)


def _walk(folder: str, formats: tuple[str, ...], follow_links: bool) -> list[str]:
    """Returns the files in a folder and below it, relative to it, in Keras's order."""
    found = sorted(_folders(folder, follow_links))
    return [
        os.path.relpath(os.path.join(root, name), folder)
        for root, names in found
        for name in sorted(names)
        if name.lower().endswith(formats)
    ]


def _folders(top: str, follow_links: bool) -> Iterator[tuple[str, list[str]]]:
    for root, inner, names in os.walk(top, followlinks=follow_links):
        if follow_links:  # but not to a folder that this one is in, which would go on for ever
            here = os.path.join(os.path.realpath(root), "")
            paths = {name: os.path.realpath(os.path.join(root, name)) for name in inner}
            inner[:] = [n for n in inner if not here.startswith(os.path.join(paths[n], ""))]
        yield root, names


def _given(wish: Wish, root: Path, count: int) -> np.ndarray:
    labels = np.asarray(wish.labels)
    if len(labels) != count:
        raise ValueError(
            f"{wish.who}: there are {len(labels)} labels, and {count} files in {str(root)!r}."
        )
    if labels.dtype.kind not in "iufb":
        raise ValueError(f"{wish.who}: labels are numbers. Received: {wish.labels[:3]!r}, ...")
    return labels.astype("float32" if labels.dtype.kind == "f" else "int32")


def _targets(wish: Wish, files: Files) -> np.ndarray | None:
    """Returns the labels in the form that `label_mode` says."""
    labels, mode = files.labels, wish.label_mode
    if labels is None or mode == "int":
        return labels
    count = len(files.class_names or ())
    if mode == "binary" and count != 2:
        raise ValueError(
            f"{wish.who}: label_mode='binary' needs 2 classes. "
            f"Received: {', '.join(files.class_names or ())}"
        )
    if labels.dtype.kind != "i" or labels.min() < 0 or labels.max() >= count:
        raise ValueError(
            f"{wish.who}: with label_mode={mode!r}, labels are integers from 0 to {count - 1}, as "
            f"there are {count} classes. Received: from {labels.min()} to {labels.max()}"
        )
    return (
        labels[:, None].astype("float32")
        if mode == "binary"
        else np.eye(count)[labels].astype("float32")
    )


def _parts(wish: Wish, count: int) -> list[tuple[str | None, slice, bool]]:
    """Returns the name and span of each part, and whether it is shuffled in each epoch."""
    if not wish.validation_split:
        return [(None, slice(None), wish.shuffle)]
    kept = int(wish.validation_split * count)
    if kept == 0:
        raise ValueError(
            f"{wish.who}: validation_split={wish.validation_split} of {count} files is none."
        )
    spans = {
        "training": (slice(None, -kept), count - kept, wish.shuffle),
        "validation": (slice(-kept, None), kept, wish.shuffle and wish.subset != "both"),
    }
    chosen = list(spans) if wish.subset == "both" else [wish.subset]
    if wish.verbose:
        for name in chosen:
            _say(f"Using {spans[name][1]} files for {name}.")
    return [(name, spans[name][0], spans[name][2]) for name in chosen]


def _say(text: str) -> None:
    if settings.get("interactive_logging"):
        console.say(text)
