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
from cornu.saving import gate
from cornu.saving.formats import WRITERS, Arrays, opened
from cornu.saving.paths import paths
from cornu.saving.places import places
from cornu.saving.writing import writing

__all__ = ["load_weights", "matched", "misfits", "save_weights"]


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
    named = places(model) if path.name.endswith(".h5") else paths(model)
    with writing(path, overwrite) as temporary:
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
    path = gate.existing(filepath, folders=True)
    if not model.built:
        raise ValueError(
            f"{type(model).__name__} {model.name!r} is not built: its weights have no shapes yet. "
            "Call it on data, or give it an input shape, before loading weights."
        )
    with opened(path) as stored:
        wanted = _named_as_in(stored, model)
        arrays = matched(wanted, stored, skip_mismatch)
    for place, array in arrays.items():
        wanted[place].assign(array)


def _named_as_in(stored: Arrays, model: Layer) -> dict[str, Variable]:
    """Returns a model's weights by places or by paths, whichever a file seems to have."""
    by_place, by_path = places(model), paths(model)
    hits = [sum(name in stored.shapes for name in named) for named in (by_place, by_path)]
    return by_place if hits[0] >= hits[1] else by_path


def matched(
    wanted: dict[str, Variable], stored: Arrays, skip_mismatch: bool = False
) -> dict[str, np.ndarray]:
    """Reads the arrays for a model's weights from an open file; see `load_weights`."""
    wrong = misfits(wanted, stored.shapes)
    shown = _listed([f"{place}: {reason}" for place, reason in wrong.items()])
    if wrong and not skip_mismatch:
        raise ValueError(
            f"The file does not fit {len(wrong)} of the model's {len(wanted)} weights; none was "
            f"changed.{shown}{_near(wrong, stored)}\n"
            "Was it saved from another architecture? skip_mismatch=True loads what fits."
        )
    unused = [p for p in stored.shapes if p not in wanted and not p.startswith("optimizer/")]
    if wrong:
        warnings.warn(f"{len(wrong)} weights were not loaded:{shown}", stacklevel=user_stacklevel())
    elif unused:
        warnings.warn(
            f"{len(unused)} arrays of the file have no place in the model:{_listed(unused)}",
            stacklevel=user_stacklevel(),
        )
    return {place: stored.read(place) for place in wanted if place not in wrong}


def _near(wrong: dict[str, str], stored: Arrays) -> str:
    missing = [place for place in wrong if place not in stored.shapes]
    return f"\n{suggest(missing[0], list(stored.shapes)[:50])}" if missing else ""


def misfits(wanted: dict[str, Variable], shapes: dict[str, tuple[int, ...]]) -> dict[str, str]:
    """Says of each wanted weight that a file does not have as it is wanted, how it differs."""
    here, there = (Counter(_owner(place) for place in table) for table in (wanted, shapes))
    wrong: dict[str, str] = {}
    for place, variable in wanted.items():
        owner = _owner(place)
        if place not in shapes:
            wrong[place] = f"{variable.path} {variable.shape} is not in the file"
        elif shapes[place] != variable.shape:
            wrong[place] = f"{variable.path} {variable.shape} is {shapes[place]} in the file"
        elif there[owner] > here[owner]:
            wrong[place] = (
                f"{variable.path} is one of {there[owner]} in the file, not {here[owner]}"
            )
    return wrong


def _owner(place: str) -> str:
    return place.rpartition("/")[0]


def _listed(lines: list[str], most: int = 20) -> str:
    more = [f"... and {len(lines) - most} more"] if len(lines) > most else []
    return "".join(f"\n  {line}" for line in lines[:most] + more)
