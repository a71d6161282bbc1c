"""StoredState: everything that a file holds of a model, by its names in the file."""

from __future__ import annotations

import contextlib
import dataclasses
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, runtime_checkable

import jax
import numpy as np

from cornu.core.layer.layer import Layer
from cornu.core.state import sharing
from cornu.core.state.placement import is_partial, to_host
from cornu.core.state.tracking import VariableOwner
from cornu.core.state.variable import Variable, read_value
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.errors import quantity
from cornu.optimizers.base import Optimizer
from cornu.process import job
from cornu.saving.formats.array_reader import ArrayReader, Placed, PlacingReader
from cornu.saving.storage_keys import iterate_owners
from cornu.saving.weight_matching import check_all_match, find_mismatches, to_dtype, warn_mismatches
from cornu.saving.weight_paths import iterate_layers_by_path, name_weights

__all__ = [
    "StoredState",
    "StoredValue",
    "host_arrays",
    "state_by_key",
    "state_by_path",
    "state_in",
    "take_part",
    "to_arrays",
]

StoredValue = Variable | np.ndarray


@runtime_checkable
class AssetOwner(Protocol):
    """A layer that stores files of its own."""

    def save_assets(self, dir_path: str) -> None: ...

    def load_assets(self, dir_path: str) -> None: ...


@dataclasses.dataclass
class StoredState:
    """The owners of arrays in a model, and their Variables, by their names in a file.

    Attributes:
        root: the model.
        variables: the Variables of layers by name.
        owners: the layers and optimizers whose class decides itself which arrays are stored, by
            the prefix of the names of these arrays.
        optimizers: the optimizers and their Variables, by the prefix of their names.
        assets: the layers that store files of their own, by their folder.
        left_out: the names, and the prefixes of owners, that are neither written nor read.
    """

    root: VariableOwner
    variables: dict[str, Variable] = dataclasses.field(default_factory=dict)
    owners: dict[str, VariableOwner] = dataclasses.field(default_factory=dict)
    optimizers: dict[str, Optimizer] = dataclasses.field(default_factory=dict)
    assets: dict[str, AssetOwner] = dataclasses.field(default_factory=dict)
    left_out: set[str] = dataclasses.field(default_factory=set)

    def leave_out(self, objects: Iterable[Layer | Variable]) -> None:
        """Neither writes nor reads the weights of layers, or Variables."""
        parts = [[o] if isinstance(o, Variable) else o.variables for o in objects]
        ids = {id(variable) for variables in parts for variable in variables}
        self.left_out |= {name for name, v in self.variables.items() if id(v) in ids}
        self.left_out |= {
            prefix
            for prefix, owner in self.owners.items()
            if any(id(v) in ids for v in owner._own_variables_())
        }

    def collect(self, optimizers: bool = False) -> dict[str, StoredValue]:
        """Returns everything that is written to a file, by name.

        Raises:
            ValueError: a weight of the model has no name, because files do not cover what owns it.
        """
        self._check_complete()
        found: dict[str, StoredValue] = dict(self.variables)
        built = {prefix: o for prefix, o in self.optimizers.items() if o.built}
        for prefix, owner in {**self.owners, **(built if optimizers else {})}.items():
            if owner._stores_itself_:
                store: dict[str, Any] = {}
                owner.save_own_variables(store)
                found.update((f"{prefix}{name}", _to_numpy(v)) for name, v in store.items())
            else:
                found.update(_number(prefix, owner))
        skipped = tuple(self.left_out.intersection(self.owners))
        return {
            name: value
            for name, value in found.items()
            if name not in self.left_out and not name.startswith(skipped)
        }

    def count_matches(self, names: Iterable[str]) -> int:
        """Returns how many of the names in a file are names of this state."""
        owned = tuple(self.owners)
        return sum(name in self.variables or name.startswith(owned) for name in names)

    def _check_complete(self) -> None:
        known = {id(variable) for variable in self.variables.values()}
        known.update(id(v) for owner in self.owners.values() for v in owner._own_variables_())
        weights = self.root.weights if isinstance(self.root, Layer) else []
        lost = [variable.path for variable in weights if id(variable) not in known]
        if lost:
            raise ValueError(
                f"{quantity(len(lost), 'weight')} of {type(self.root).__name__} cannot be saved, "
                "because what owns them is neither an attribute nor in a list, tuple or dict: "
                f"{', '.join(lost[:8])}{', ...' if len(lost) > 8 else ''}\n"
                "Hold layers in a list, a tuple or a dict, not in a set."
            )

    def restore(
        self,
        reader: ArrayReader,
        *,
        skip_mismatch: bool = False,
        optimizers: bool = False,
        remedy: str = "pass skip_mismatch=True to load the weights that match",
    ) -> None:
        """Assigns the arrays of a file.

        Args:
            reader: the open file.
            skip_mismatch: whether weights without a matching array, and arrays that belong to no
                weight, are skipped with a warning.
            optimizers: whether the state of optimizers is assigned, too.
            remedy: what error messages advise.

        Raises:
            ValueError: a weight has no matching array, or an array belongs to no weight, and the
                model is not changed; or a `load_own_variables` of the program fails.
        """
        variables = {n: v for n, v in self.variables.items() if n not in self.left_out}
        mismatches = find_mismatches(variables, reader.shapes)
        unused = list(self._unused(reader.shapes))
        if not skip_mismatch:
            check_all_match(variables, reader.shapes, mismatches, unused, remedy)
        # All arrays are read before the first is assigned, because a file may be damaged.
        arrays = _read_values(
            reader, {name: v for name, v in variables.items() if name not in mismatches}
        )
        prefixes = [prefix for prefix in self.owners if prefix not in self.left_out]
        stores = {prefix: self._read_store(reader, prefix) for prefix in prefixes}
        slots = self._read_optimizers(reader) if optimizers else []
        _assign(self.variables, arrays)
        for prefix, store in stores.items():
            self._load_store(prefix, store, skip_mismatch)
        for load in slots:
            load()
        if skip_mismatch:
            warn_mismatches(mismatches, unused, reader.shapes)

    def _unused(self, names: Mapping[str, Any]) -> Iterator[str]:
        prefixes = (*self.owners, *self.optimizers)
        for name in names:
            # Files of Keras hold the state of every optimizer, also if they are only weights and
            # if the optimizer does not exist in the new model.
            owner = name.rpartition("/vars/")[0]
            is_slot = any(part.endswith("optimizer") for part in owner.split("/"))
            if not (is_slot or name in self.variables or name.startswith(prefixes)):
                yield name

    def _read_store(self, reader: ArrayReader, prefix: str) -> dict[str, np.ndarray]:
        names = [n for n in reader.shapes if n.startswith(prefix) and n not in self.variables]
        return {name.removeprefix(prefix): np.array(reader.read(name)) for name in names}

    def _load_store(self, prefix: str, store: dict[str, np.ndarray], skip_mismatch: bool) -> None:
        owner = self.owners[prefix]
        try:
            owner.load_own_variables(store)
        except Exception as error:  # of a method that the program defines
            problem = (
                f"{type(owner).__name__} {prefix.rstrip('/')!r} could not load its arrays "
                f"{list(store)}: {type(error).__name__}: {error}"
            )
            if not skip_mismatch:
                raise ValueError(problem) from error
            warnings.warn(problem, stacklevel=user_stacklevel())

    def _read_optimizers(self, reader: ArrayReader) -> list[Callable[[], None]]:
        """Reads the state of optimizers; returns functions that assign it."""
        found: list[Callable[[], None]] = []
        for prefix, optimizer in self.optimizers.items():
            stored = {n: s for n, s in reader.shapes.items() if n.startswith(prefix)}
            if not stored or not optimizer.built:
                continue
            if optimizer._stores_itself_:
                store = self._read_store(reader, prefix)
                found.append(partial(optimizer.load_own_variables, store))
                continue
            expected = _number(prefix, optimizer)
            if find_mismatches(expected, stored):
                warnings.warn(
                    f"The state of the optimizer {optimizer.name!r} in the file "
                    "does not match the optimizer. The optimizer starts with a new state.",
                    stacklevel=user_stacklevel(),
                )
            else:
                found.append(partial(_assign, expected, _read_values(reader, expected)))
        return found


def state_by_key(
    root: VariableOwner, old: bool = False, class_names: Mapping[int, str] | None = None
) -> StoredState:
    """Returns the state of a model by storage key, as `.weights.h5` and `.keras` files name it.

    Args:
        root: the model.
        old, class_names: see `iterate_owners`.
    """
    state = StoredState(root)
    for prefix, owner in iterate_owners(root, old, class_names):
        if isinstance(owner, Optimizer):
            state.optimizers[f"{prefix}vars/"] = owner
        elif owner._stores_itself_:
            state.owners[f"{prefix}vars/"] = owner
        else:
            state.variables.update(_number(f"{prefix}vars/", owner))
        if owner._has_assets_ and isinstance(owner, AssetOwner):
            state.assets[prefix.rstrip("/")] = owner
    return state


def state_by_path(root: Layer) -> StoredState:
    """Returns the state of a model by weight path, as `.npz` and `.safetensors` files name it."""
    state = StoredState(root)
    layers = list(iterate_layers_by_path(root))
    state.variables = name_weights([item for item in layers if not item[1]._stores_itself_])
    state.owners = {prefix: layer for prefix, layer in layers if layer._stores_itself_}
    return state


def state_in(
    reader: ArrayReader, root: Layer, class_names: Mapping[int, str] | None = None
) -> StoredState:
    """Returns the state of a model by the names that a file uses: those that occur most often.

    Args:
        reader: the open file.
        root: the model.
        class_names: see `iterate_owners`.
    """
    candidates: Sequence[Callable[[], StoredState]] = (
        lambda: state_by_path(root),
        lambda: state_by_key(root, old=True, class_names=class_names),
    )
    best = state_by_key(root, class_names=class_names)
    most = best.count_matches(reader.shapes)
    for candidate in candidates:
        # No other state matches more, and each is collected by a walk through the model.
        if most == len(reader.shapes):
            break
        state = candidate()
        if (count := state.count_matches(reader.shapes)) > most:
            best, most = state, count
    return best


@contextlib.contextmanager
def host_arrays(values: Mapping[str, StoredValue]) -> Iterator[dict[str, np.ndarray]]:
    """Yields the values of Variables, all of the same training step, as arrays on the host.

    They are views where that is possible. A thread that begins to train in the `with` block waits
    until it ends. If one trains already, the arrays are copies: it need not wait for a file.
    """
    if sharing.needs_read_lock():
        yield to_arrays(values)
        return
    variables = _meet(values)
    with sharing.read_lock(variables):
        yield sharing.read_consistently(
            variables, lambda: {name: _to_view(v) for name, v in values.items()}
        )


def to_arrays(values: Mapping[str, StoredValue]) -> dict[str, np.ndarray]:
    """Returns the values of Variables, all of the same training step, as arrays on the host."""
    variables = _meet(values)
    return sharing.read_one_by_one(
        variables, lambda: {name: _to_numpy(value) for name, value in values.items()}
    )


def _meet(values: Mapping[str, StoredValue]) -> list[Variable]:
    """Returns the Variables; waits for the other processes if they hold parts of the values."""
    variables = [value for value in values.values() if isinstance(value, Variable)]
    if any(is_partial(read_value(variable)) for variable in variables):
        job.meet()
    return variables


def take_part(values: Mapping[str, StoredValue]) -> None:
    """Takes part in moving values to process 0 of a job, which writes them to a file.

    Args:
        values: what process 0 writes, in the same order.
    """
    with host_arrays(values) as arrays:
        for _ in arrays.values():
            pass


def _number(prefix: str, owner: VariableOwner) -> dict[str, Variable]:
    return {f"{prefix}{i}": variable for i, variable in enumerate(owner._stored_variables_())}


def _read_values(
    reader: ArrayReader, variables: Mapping[str, Variable]
) -> dict[str, np.ndarray | jax.Array]:
    """Returns the arrays of a file for Variables, on the devices of those that have a sharding."""
    found: dict[str, np.ndarray | jax.Array] = {}
    if isinstance(reader, PlacingReader):
        placed = {
            name: Placed(variable.sharding, np.dtype(variable.dtype))
            for name, variable in variables.items()
            if variable.sharding is not None
        }
        found |= reader.read_placed(placed)
    for name, variable in variables.items():
        if name not in found:
            found[name] = to_dtype(reader.read(name), variable.dtype, variable.path)
    return found


def _assign(variables: Mapping[str, Variable], values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        variables[name].assign(value)


def _to_view(value: Any) -> np.ndarray:
    return to_host(read_value(value)) if isinstance(value, Variable) else np.asarray(value)


def _to_numpy(value: Any) -> np.ndarray:
    return np.array(_to_view(value)) if isinstance(value, Variable) else np.asarray(value)
