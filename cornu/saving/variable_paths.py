"""Matches weights by the paths of Variables, which name the arrays in Orbax folders of Keras."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping
from typing import TypeAlias

import jax
import numpy as np

from cornu.core.layer.layer import Layer
from cornu.names import make_unique
from cornu.saving.formats.array_reader import ArrayReader, Placed, PlacingReader
from cornu.saving.formats.orbax import OrbaxCheckpointReader
from cornu.saving.stored_state import StoredState, state_by_key, state_in

__all__ = ["RenamedArrays", "match_file", "match_paths"]

_WEIGHTS = ("trainable_variables", "non_trainable_variables")
_OPTIMIZER, _METRICS = "optimizer_variables", "metrics_variables"
_PARTS = (*_WEIGHTS, _OPTIMIZER, _METRICS)
_OPTIMIZER_KEY = "optimizer/vars/"  # the prefix of the storage keys of the model's own optimizer
_SEED_STATE = "seed_generator_state"
_Tail: TypeAlias = tuple[str, str]  # the names of a layer and of a Variable
_UNNAMED = re.compile(r"variable(_\d{1,9})?")
_NUMBERED = re.compile(r"(.+?)_(\d{1,9})")


class RenamedArrays:
    """The arrays of a file under other names.

    Args:
        reader: the open file.
        names: the names in the file by the new names.

    Attributes:
        shapes: the shape of each array by its new name.
        nbytes: the size of all arrays in the file.
    """

    def __init__(self, reader: ArrayReader, names: Mapping[str, str]) -> None:
        self._reader = reader
        self._names = dict(names)
        self.shapes = {new: reader.shapes[name] for new, name in names.items()}
        self.nbytes = reader.nbytes

    def read(self, key: str, /) -> np.ndarray:
        """Reads an array."""
        return self._reader.read(self._names[key])

    def read_placed(self, wanted: Mapping[str, Placed], /) -> dict[str, jax.Array]:
        """Reads arrays onto devices; see `PlacingReader`."""
        if not isinstance(self._reader, PlacingReader):
            return {}
        by_name = {self._names[key]: placed for key, placed in wanted.items()}
        found = self._reader.read_placed(by_name)
        return {key: found[name] for key in wanted if (name := self._names[key]) in found}


def match_file(
    reader: ArrayReader, root: Layer, class_names: Mapping[int, str] | None = None
) -> tuple[StoredState, ArrayReader]:
    """Returns the state of a model by the names that a file uses, and the arrays by these names.

    If it is a folder of Keras that contains the state of the model's optimizer, the optimizer is
    built.

    Args:
        reader: the open file.
        root: the model.
        class_names: see `iterate_owners`.

    Raises:
        ValueError: the file is a folder of Orbax with other parts than those of a state tree.
    """
    if isinstance(reader, OrbaxCheckpointReader) and reader.is_state_tree:
        return _match_state_tree(reader, root)
    return state_in(reader, root, class_names), reader


def _match_state_tree(reader: ArrayReader, root: Layer) -> tuple[StoredState, ArrayReader]:
    parts = _split(reader.shapes)
    stored: dict[str, str] = {}
    for part in _WEIGHTS:
        for path, key in parts[part].items():
            if path in stored:
                raise ValueError(f"The file has two arrays for the Variable {path!r}.")
            stored[path] = key
    by_key = state_by_key(root)
    _build_optimizer(by_key, root, parts[_OPTIMIZER])
    # Folders hold the Variables themselves, also of layers that would store other arrays.
    state = StoredState(root, assets=by_key.assets, optimizers=by_key.optimizers)
    owners = _name_owners(root)
    taken: dict[str, int] = {}
    state.variables = {make_unique(v.path, taken): v for v in root.weights}
    tails = {path: (owners.get(id(v), ""), v.name) for path, v in state.variables.items()}
    found = match_paths(tails, stored)
    used = set(found.values())
    names = {path: stored[name] for path, name in found.items()}
    names |= {
        key: key
        for path, key in stored.items()
        # The states of random layers are no Variables here: their numbers have keys of their own.
        if path not in used and path.rpartition("/")[2] != _SEED_STATE
    }
    names |= _match_optimizers(by_key, found, parts[_OPTIMIZER])
    return state, RenamedArrays(reader, names)


def _build_optimizer(state: StoredState, root: Layer, stored: Iterable[str]) -> None:
    """Creates the Variables of the optimizer of a model if the file has a state of its class."""
    optimizer = state.optimizers.get(_OPTIMIZER_KEY)
    names = {_split_number(path.partition("/")[0])[0] for path in stored}
    if optimizer and not optimizer.built and _split_number(optimizer.name)[0] in names:
        optimizer.build(root.trainable_variables)


def _name_owners(root: Layer) -> dict[int, str]:
    """Returns the names of the layers that own the weights of a model, by the `id` of a weight."""
    owners: dict[int, str] = {}
    seen, stack = {id(root)}, [root]
    while stack:
        layer = stack.pop()
        for variable in layer._own_variables_():
            owners.setdefault(id(variable), layer.name)
        for inner in layer._sublayers_():
            if id(inner) not in seen:
                seen.add(id(inner))
                stack.append(inner)
    return owners


def _split(keys: Iterable[str]) -> dict[str, dict[str, str]]:
    """Returns the keys of a state tree by part and path."""
    parts: dict[str, dict[str, str]] = {part: {} for part in _PARTS}
    for key in keys:
        part, _, path = key.partition("/")
        if part not in parts or not path:
            raise ValueError(
                f"The array {key!r} of the file belongs to no part of a state tree, which are "
                f"{', '.join(_PARTS)}."
            )
        parts[part][path] = key
    return parts


def _match_optimizers(
    state: StoredState, weights: Mapping[str, str], stored: Mapping[str, str]
) -> dict[str, str]:
    """Returns the names in the file of the Variables of optimizers, by storage key."""
    keys: dict[str, str] = {}
    known = {path.replace("/", "_"): name.replace("/", "_") for path, name in weights.items()}
    for prefix, optimizer in state.optimizers.items():
        for i, variable in enumerate(optimizer._stored_variables_()):
            folder, _, name = variable.path.rpartition("/")
            keys.setdefault(f"{folder}/{_rename_slot(name, known)}", f"{prefix}{i}")
    found = match_paths({path: _split_tail(path) for path in keys}, stored)
    # Keras gives no name to some of them, such as the product of momenta of Nadam.
    rest = [path for path in keys if path not in found]
    unnamed = sorted((path for path in stored if _UNNAMED.fullmatch(path)), key=_split_number)
    if len(rest) == len(unnamed):
        found |= zip(rest, unnamed, strict=True)
    return {keys[path]: stored[name] for path, name in found.items()}


def _rename_slot(name: str, weights: Mapping[str, str]) -> str:
    """Returns the name of a slot with the path of its weight in the file.

    Args:
        name: the path of a weight, with underscores for slashes, and the name of the slot.
        weights: the paths of the weights in the file, by those in the model.
    """
    end = len(name)
    while (end := name.rfind("_", 0, end)) > 0:
        if name[:end] in weights:
            return weights[name[:end]] + name[end:]
    return name


def match_paths(tails: Mapping[str, _Tail], stored: Collection[str]) -> dict[str, str]:
    """Returns the paths in a file of the Variables of a model, by their paths in the model.

    The names of models around a layer may be missing from a path, because they depend on how the
    model was built. Automatic names, such as `dense_4`, depend on how many layers the process had
    created before: if fewer paths match with them, those that differ only in this number are
    matched in the order of the numbers.

    Args:
        tails: the names of the layer and of the Variable itself, by the path in the model.
        stored: the paths in the file.

    Example:

    >>> tails = {"dense/kernel": ("dense", "kernel"), "dense_1/kernel": ("dense_1", "kernel")}
    >>> match_paths(tails, ["net/dense_7/kernel", "net/dense_9/kernel"])
    {'dense/kernel': 'net/dense_7/kernel', 'dense_1/kernel': 'net/dense_9/kernel'}
    """
    known = set(stored)
    equal = {path: path for path in tails if path in known}
    if len(equal) == len(tails):
        return equal
    stored_tails = {path: _split_tail(path) for path in stored}
    rest = {path: tail for path, tail in tails.items() if path not in equal}
    stored_rest = {path: tail for path, tail in stored_tails.items() if path not in equal}
    candidates = [
        equal | _join(rest, stored_rest),
        _join(_rank_levels(tails), _rank_levels(stored)),
        _join(_rank_tails(tails), _rank_tails(stored_tails)),
    ]
    return max(candidates, key=len)


def _join(tails: Mapping[str, Hashable], stored: Mapping[str, Hashable]) -> dict[str, str]:
    """Returns the paths in a file with the same key as those of a model, if no other has it."""
    counts, stored_counts = Counter(tails.values()), Counter(stored.values())
    by_key = {key: path for path, key in stored.items() if stored_counts[key] == 1}
    return {path: by_key[key] for path, key in tails.items() if counts[key] == 1 and key in by_key}


def _rank_tails(tails: Mapping[str, _Tail]) -> dict[str, Hashable]:
    """Returns names whose numbers count the layers of this name with Variables, from zero."""
    ranks = _rank({layer for layer, _ in tails.values()})
    return {path: (ranks[layer], name) for path, (layer, name) in tails.items()}


def _rank_levels(paths: Collection[str]) -> dict[str, Hashable]:
    """Returns paths whose numbers count the names of the same folder, from zero."""
    siblings: dict[str, set[str]] = {}
    for path in paths:
        folder = ""
        for name in path.split("/"):
            siblings.setdefault(folder, set()).add(name)
            folder += f"{name}/"
    ranks = {folder: _rank(names) for folder, names in siblings.items()}
    found: dict[str, Hashable] = {}
    for path in paths:
        folder, parts = "", []
        for name in path.split("/"):
            parts.append(ranks[folder][name])
            folder += f"{name}/"
        found[path] = tuple(parts)
    return found


def _rank(names: Iterable[str]) -> dict[str, tuple[str, int]]:
    """Returns names without their numbers, and how many equal ones have smaller numbers."""
    ranks: dict[str, tuple[str, int]] = {}
    counts: Counter[str] = Counter()
    for base, _, name in sorted((*_split_number(name), name) for name in names):
        ranks[name] = base, counts[base]
        counts[base] += 1
    return ranks


def _split_tail(path: str) -> _Tail:
    parent, _, name = path.rpartition("/")
    return parent.rpartition("/")[2], name


def _split_number(name: str) -> tuple[str, int]:
    numbered = _NUMBERED.fullmatch(name)
    return (numbered[1], int(numbered[2])) if numbered else (name, -1)
