"""Weights in files of their own, and how those of a file are matched with those of a model."""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from cornu.core.layer.layer import Layer
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.errors import suggest
from cornu.saving import validation
from cornu.saving.atomic_write import atomic_write
from cornu.saving.formats.array_reader import ArrayReader
from cornu.saving.formats.table import WRITERS, open_arrays
from cornu.saving.storage_keys import collect_weights_by_key
from cornu.saving.weight_paths import collect_weights_by_path

__all__ = ["load_weights", "read_matching_arrays", "find_mismatches", "save_weights"]


def save_weights(
    model: Layer, filepath: Any, overwrite: bool = True, max_shard_size: Any = None
) -> None:
    """Writes the weights of a built model, all of them or nothing.

    Args:
        model: the model.
        filepath: ends in `.weights.h5`, where weights are kept as Keras does, or in `.safetensors`
            or `.npz`, where they have their paths through blocks and layers as names.
        overwrite: whether a file that is there may be replaced.
        max_shard_size: must be None: weights are in one file.

    Raises:
        ValueError: another ending, or a model that is not built.
        FileExistsError: the file is there and `overwrite` is False.

    Differences: the optimizer's state is no weight; `save_model` keeps it.
    """
    path = Path(filepath)
    writer = next((w for ending, w in WRITERS.items() if path.name.endswith(ending)), None)
    if writer is None:
        raise ValueError(
            f"Weights are written to files that end in {', '.join(WRITERS)}. "
            f"Received: {str(path)!r}\nWrite {path.name + '.weights.h5'!r}, for example."
        )
    if max_shard_size is not None:
        raise ValueError(f"Weights are written to one file. Received: {max_shard_size=}")
    if not model.built:
        raise ValueError(
            f"{type(model).__name__} {model.name!r} is not built: it has no weights to save. "
            "Call it on data first."
        )
    # HDF5 is exchanged with Keras, which knows weights by their places.
    named = (
        collect_weights_by_key(model)
        if path.name.endswith(".h5")
        else collect_weights_by_path(model)
    )
    with atomic_write(path, overwrite) as temporary:
        writer(temporary, {name: v.numpy() for name, v in named.items()})


def load_weights(model: Layer, filepath: Any, skip_mismatch: bool = False) -> None:
    """Reads weights into a built model.

    Args:
        model: the model; its structure must be that of the one that was saved.
        filepath: a file that `save_weights` or `save_model` wrote; or a folder that
            `OrbaxCheckpoint` wrote, whose last step is read, or the subfolder of one step.
        skip_mismatch: whether weights that are missing or have another shape are left as they
            are, with a warning that lists them.

    Raises:
        ValueError: a weight is missing, has another shape, or the file is not what it seems.
            Nothing is changed then.
    """
    path = validation.resolve_existing_path(filepath, folders=True)
    if not model.built:
        raise ValueError(
            f"{type(model).__name__} {model.name!r} is not built: its weights have no shapes yet. "
            "Call it on data, or give it an input shape, before loading weights."
        )
    with open_arrays(path) as stored:
        wanted = _collect_weights_as_in(stored, model)
        arrays = read_matching_arrays(wanted, stored, skip_mismatch)
    for place, array in arrays.items():
        wanted[place].assign(array)


def _collect_weights_as_in(stored: ArrayReader, model: Layer) -> dict[str, Variable]:
    """Returns a model's weights by places or by paths, whichever a file seems to have."""
    by_place, by_path = collect_weights_by_key(model), collect_weights_by_path(model)
    hits = [sum(name in stored.shapes for name in named) for named in (by_place, by_path)]
    return by_place if hits[0] >= hits[1] else by_path


def read_matching_arrays(
    wanted: dict[str, Variable], stored: ArrayReader, skip_mismatch: bool = False
) -> dict[str, np.ndarray]:
    """Reads the arrays for a model's weights from an open file; see `load_weights`."""
    wrong = find_mismatches(wanted, stored.shapes)
    shown = _format_list([f"{place}: {reason}" for place, reason in wrong.items()])
    if wrong and not skip_mismatch:
        raise ValueError(
            f"The file does not fit {len(wrong)} of the model's {len(wanted)} weights; none was "
            f"changed.{shown}{_suggest_key(wrong, stored)}\n"
            "Was it saved from another architecture? skip_mismatch=True loads what fits."
        )
    unused = [p for p in stored.shapes if p not in wanted and not p.startswith("optimizer/")]
    if wrong:
        warnings.warn(f"{len(wrong)} weights were not loaded:{shown}", stacklevel=user_stacklevel())
    elif unused:
        warnings.warn(
            f"{len(unused)} arrays of the file have no place in the model:{_format_list(unused)}",
            stacklevel=user_stacklevel(),
        )
    return {place: stored.read(place) for place in wanted if place not in wrong}


def _suggest_key(wrong: dict[str, str], stored: ArrayReader) -> str:
    missing = [place for place in wrong if place not in stored.shapes]
    return f"\n{suggest(missing[0], list(stored.shapes)[:50])}" if missing else ""


def find_mismatches(
    wanted: dict[str, Variable], shapes: dict[str, tuple[int, ...]]
) -> dict[str, str]:
    """Says of each wanted weight that a file does not have as it is wanted, how it differs."""
    here, there = (Counter(_parent_key(place) for place in table) for table in (wanted, shapes))
    wrong: dict[str, str] = {}
    for place, variable in wanted.items():
        owner = _parent_key(place)
        if place not in shapes:
            wrong[place] = f"{variable.path} {variable.shape} is not in the file"
        elif shapes[place] != variable.shape:
            wrong[place] = f"{variable.path} {variable.shape} is {shapes[place]} in the file"
        elif there[owner] > here[owner]:
            wrong[place] = (
                f"{variable.path} is one of {there[owner]} in the file, not {here[owner]}"
            )
    return wrong


def _parent_key(place: str) -> str:
    return place.rpartition("/")[0]


def _format_list(lines: list[str], most: int = 20) -> str:
    more = [f"... and {len(lines) - most} more"] if len(lines) > most else []
    return "".join(f"\n  {line}" for line in lines[:most] + more)
