"""KerasFileEditor: shows, compares and changes the weights in a file."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cornu.core.layer.layer import Layer
from cornu.core.tracebacks.api_boundary import api_boundary, api_boundary_init
from cornu.errors import did_you_mean, quantity
from cornu.saving import validation
from cornu.saving.atomic_write import atomic_write
from cornu.saving.formats.array_reader import ArrayReader
from cornu.saving.formats.hdf5 import HDF5Reader, open_hdf5, write_hdf5
from cornu.saving.formats.keras_archive import open_keras_archive
from cornu.saving.stored_state import state_by_key, to_arrays
from cornu.terminal.console import console

__all__ = ["KerasFileEditor"]

# The group in which HDF5 files hold the arrays of an object itself, beside those of its parts.
_OWN = "vars"
_MAX_DEPTH = 100  # of objects within objects

Weights = dict[str, Any]  # arrays by name, and dicts of the parts of an object


class KerasFileEditor:
    """Shows, compares and changes the weights in a `.keras` or `.weights.h5` file.

    The file itself is not changed; `save` writes a new one.

    Args:
        filepath: the path of the file.

    Attributes:
        filepath: the path.
        weights_dict: the weights, nested dicts by the parts of their paths. An object's dict has
            its arrays, "0", "1" and so on, and the dicts of its parts.
        object_metadata: a dict with the name of each object whose name the file has, by path.
        metadata: the metadata of a `.keras` file, such as the version of Keras, or None.
        config: the config of the model in a `.keras` file, or None.

    Raises:
        ValueError: the file name has another ending, or the file is damaged.
        FileNotFoundError: the file does not exist.

    Example:

    >>> import os, tempfile
    >>> import cornu
    >>> path = os.path.join(tempfile.mkdtemp(), "small.weights.h5")
    >>> cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(3)]).save_weights(path)
    >>> editor = cornu.saving.KerasFileEditor(path)  # doctest: +ELLIPSIS
    Keras model file '...small.weights.h5'
    >>> editor.rename_object("dense", "hidden")
    >>> editor.summary()
    Weights structure
      > layers
          └─ hidden
              ├─ 0: shape=(2, 3), dtype=float32
              └─ 1: shape=(3,), dtype=float32

    Fixes: the parts of nested models, of wrappers and of other objects whose own arrays are few or
    none are read and saved; Keras leaves them out. `compare` counts each weight once, and a name
    that occurs once is found; Keras counts some several times. The summary shows the names of
    objects that the file has.
    """

    @api_boundary_init
    def __init__(self, filepath: str | os.PathLike[str]) -> None:
        self.filepath = str(filepath)
        self.metadata: Any = None
        self.config: Any = None
        path = validation.resolve_existing_path(filepath)
        with self._open(path) as reader:
            arrays = {key: np.array(reader.read(key)) for key in reader.shapes}
            names = reader.read_names() if isinstance(reader, HDF5Reader) else {}
        self.object_metadata = {f"/{path}": {"name": name} for path, name in names.items()}
        self.weights_dict = _nest(arrays)
        console.print(f"Keras model file {self.filepath!r}")
        if self.metadata is not None:
            version, date = (self.metadata.get(key) for key in ("keras_version", "date_saved"))
            console.print(f"Saved with Keras {version!r} - date: {date!r}")

    @contextlib.contextmanager
    def _open(self, path: Path) -> Iterator[ArrayReader]:
        """Opens the weights, and reads the config and the metadata of an archive."""
        if path.name.endswith(".weights.h5"):
            with open_hdf5(path) as reader:
                yield reader
        elif path.suffix == ".keras":
            with open_keras_archive(path) as archive:
                self.config = validation.read_json(archive.config, "config.json")
                self.metadata = archive.read_metadata()
                yield archive.reader
        else:
            raise ValueError(
                f"The file name must end in '.keras' or '.weights.h5'. Received: {str(path)!r}"
            )

    def summary(self) -> None:
        """Prints the paths, shapes and dtypes of the weights."""
        lines = ["Weights structure", *self._outline(self.weights_dict, "  ", "")]
        console.print("\n".join(lines))

    def _outline(self, weights: Weights, indent: str, path: str) -> Iterator[str]:
        for i, (name, value) in enumerate(weights.items()):
            is_last = i == len(weights) - 1
            connector = "> " if not path and not i else "└─ " if is_last else "├─ "
            if isinstance(value, dict):
                inner = f"{path}{name}"
                found = self.object_metadata.get(f"/{inner}", {}).get("name")
                yield f"{indent}{connector}{name}" + (f" ({found!r})" if found else "")
                yield from self._outline(
                    value, indent + ("    " if is_last else "│   "), f"{inner}/"
                )
            else:
                yield f"{indent}{connector}{name}: shape={value.shape}, dtype={value.dtype}"

    @api_boundary
    def compare(self, reference_model: Layer) -> dict[str, Any]:
        """Compares the weights with those of a model, and prints what differs.

        Args:
            reference_model: a built model.

        Returns:
            A dict: `"status"` is `"success"` or `"error"`, `"error_count"` is the number of weights
            and objects that are missing on one side or have another shape, and `"match_count"` is
            the number of weights that match.
        """
        if not isinstance(reference_model, Layer) or not reference_model.built:
            raise ValueError(
                f"Expected a built model. Received: {reference_model!r}\nCall it on data, or pass "
                "an input shape, before you compare it."
            )
        console.print("Running comparison")
        expected = _nest(to_arrays(state_by_key(reference_model).collect(optimizers=True)))
        matches, problems = _compare(self.weights_dict, expected, "")
        for problem in problems:
            console.print(f"...{problem}")
        console.print("─" * 21)
        if problems:
            console.print(
                f"Found {quantity(len(problems), 'error')}: saved file is not compatible with the "
                "reference model"
            )
        else:
            console.print(
                "Comparison successful: saved file is compatible with the reference model\n"
                f"    Found {quantity(matches, 'matching weight')}"
            )
        status = "error" if problems else "success"
        return {"status": status, "error_count": len(problems), "match_count": matches}

    @api_boundary
    def rename_object(self, object_name: str, new_name: str) -> None:
        """Renames an object, such as a layer.

        Args:
            object_name: its name (`"dense_2"`) or its path (`"layers/dense_2"`).
            new_name: its new name, without the path.

        Raises:
            ValueError: there is no such object, several have the name, or the new name contains "/"
                or is in use.
        """
        if "/" in new_name:
            raise ValueError(
                f"The new name must not be a path. Received: new_name={new_name!r}\n"
                "An object stays in the object that contains it."
            )
        parent, name = self._find(object_name)
        if new_name in parent and new_name != name:
            raise ValueError(f"{new_name!r} exists beside {object_name!r}. Delete it first.")
        # As in Keras, a renamed object comes last.
        parent[new_name] = parent.pop(name)

    @api_boundary
    def delete_object(self, object_name: str) -> None:
        """Removes an object, such as a layer, with all its weights.

        Args:
            object_name: its name (`"dense_2"`) or its path (`"layers/dense_2"`).

        Raises:
            ValueError: there is no such object, or several have the name.
        """
        parent, name = self._find(object_name)
        del parent[name]

    @api_boundary
    def add_object(self, object_path: str, weights: Mapping[str, Any]) -> None:
        """Adds an object, such as a layer.

        Args:
            object_path: its path, such as `"layers/dense_2"`. All but the last part must exist.
            weights: its arrays by name, as in `{"0": kernel, "1": bias}`; dicts are parts of it.

        Raises:
            ValueError: `weights` is not a dict of arrays, or the path does not exist.
        """
        added = _check_weights(weights)
        parent, name = self._resolve(object_path)
        parent[name] = added

    @api_boundary
    def delete_weight(self, object_name: str, weight_name: str) -> None:
        """Removes an array of an object.

        Args:
            object_name: the name or path of the object.
            weight_name: the name of the array, such as `"0"`.

        Raises:
            ValueError: there is no such object or array, or several objects have the name.
        """
        weights = self._find_object(object_name)
        if weight_name not in weights:
            raise ValueError(
                f"{object_name!r} has no weight {weight_name!r}. It has: {', '.join(weights)}"
            )
        del weights[weight_name]

    @api_boundary
    def add_weights(self, object_name: str, weights: Mapping[str, Any]) -> None:
        """Adds arrays to an object, or replaces those of the same names.

        Args:
            object_name: the name or path of the object.
            weights: the arrays by name.

        Raises:
            ValueError: `weights` is not a dict of arrays, there is no such object, or several have
                the name.
        """
        added = _check_weights(weights)
        self._find_object(object_name).update(added)

    @api_boundary
    def save(self, filepath: str | os.PathLike[str]) -> None:
        """Writes the weights to a new file, atomically.

        Args:
            filepath: a path that ends in `.weights.h5`.

        Raises:
            ValueError: the file name has another ending.
        """
        path = Path(filepath)
        if not path.name.endswith(".weights.h5"):
            raise ValueError(f"The file name must end in '.weights.h5'. Received: {str(path)!r}")
        with atomic_write(path) as temporary:
            write_hdf5(temporary, dict(_flatten(self.weights_dict, "")))

    def resave_weights(self, filepath: str | os.PathLike[str]) -> None:
        """Writes the weights to a new file; the older name of `save`.

        Args:
            filepath: the path of the new file, as in `save`.
        """
        self.save(filepath)

    def _find_object(self, object_name: str) -> Weights:
        parent, name = self._find(object_name)
        found = parent[name]
        if not isinstance(found, dict):
            raise ValueError(f"{object_name!r} is a weight, not an object.")
        return found

    def _find(self, object_name: str) -> tuple[Weights, str]:
        """Returns the dict that contains an object, and the key of the object in it."""
        if "/" in object_name:
            parent, name = self._resolve(object_name)
            found = [parent] if name in parent else []
        else:
            name = object_name
            found = [parent for _, parent in self._dicts() if name in parent]
        if not found:
            paths = [f"{path}{key}" for path, parent in self._dicts() for key in parent]
            names = paths if "/" in object_name else [p.rpartition("/")[2] for p in paths]
            raise ValueError(
                f"There is no object {object_name!r} in {self.filepath!r}. "
                f"{did_you_mean(object_name, names)} summary() shows all objects.".replace(
                    "  ", " "
                )
            )
        if len(found) > 1:
            raise ValueError(
                f"{len(found)} objects have the name {object_name!r}. Pass the path of one of them."
            )
        return found[0], name

    def _resolve(self, path: str) -> tuple[Weights, str]:
        """Returns the dict in which a path ends, and its last part."""
        *parts, name = path.split("/")
        parent = self.weights_dict
        for part in parts:
            inner = parent.get(part)
            if not isinstance(inner, dict):
                raise ValueError(
                    f"There is no object {'/'.join(parts)!r} in {self.filepath!r}. summary() shows "
                    "all objects."
                )
            parent = inner
        return parent, name

    def _dicts(self) -> Iterator[tuple[str, Weights]]:
        """Yields the dicts of all objects, with the prefix of their paths."""
        todo = [("", self.weights_dict)]
        while todo:
            path, weights = todo.pop()
            yield path, weights
            todo += [(f"{path}{k}/", v) for k, v in weights.items() if isinstance(v, dict)]


def _nest(arrays: Mapping[str, np.ndarray]) -> Weights:
    """Returns arrays by storage key as nested dicts, in the order of HDF5 files."""
    root: Weights = {}
    for key in sorted(arrays, key=lambda key: key.split("/")):
        *parts, name = key.split("/")
        if parts and parts[-1] == _OWN:
            parts.pop()
        if len(parts) > _MAX_DEPTH:
            raise ValueError(f"An array is nested more than {_MAX_DEPTH} objects deep.")
        parent = root
        for part in parts:
            parent = parent.setdefault(part, {})
            if not isinstance(parent, dict):
                raise ValueError(f"{part!r} in {key!r} is both an array and an object.")
        if name in parent:
            raise ValueError(f"{key!r} is stored under the name of another array or object.")
        parent[name] = arrays[key]
    return root


def _flatten(weights: Weights, path: str) -> Iterator[tuple[str, np.ndarray]]:
    """Yields the arrays of nested dicts with their storage keys."""
    for name, value in weights.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{path}{name}/")
        else:
            yield f"{path}{_OWN}/{name}", value


def _check_weights(weights: Any) -> Weights:
    """Returns the weights of an object, with NumPy arrays."""
    if not isinstance(weights, Mapping):
        raise ValueError(
            "`weights` must be a dict of arrays by name, such as {'0': kernel, '1': bias}. "
            f"Received: a {type(weights).__name__}"
        )
    checked: Weights = {}
    for name, value in weights.items():
        if not isinstance(name, str) or not name or "/" in name:
            raise ValueError(f"The name of a weight must be a string without '/'. Got: {name!r}")
        if isinstance(value, Mapping):
            checked[name] = _check_weights(value)
            continue
        array = np.asarray(value)
        if array.dtype.kind not in "fiubc" and array.dtype.name != "bfloat16":
            raise ValueError(
                f"Weight {name!r} must be an array of numbers. Received: {array.dtype} values"
            )
        checked[name] = array
    return checked


def _compare(stored: Weights, expected: Weights, path: str) -> tuple[int, list[str]]:
    """Returns the number of weights that match, and what differs."""
    matches, problems = 0, []
    for name in dict.fromkeys((*expected, *stored)):
        location = f"{path}/{name}"
        if name not in stored:
            problems.append(_missing(location, expected[name], "reference model", "saved file"))
        elif name not in expected:
            problems.append(_missing(location, stored[name], "saved file", "reference model"))
        elif isinstance(stored[name], dict) != isinstance(expected[name], dict):
            problems.append(f"{location} is an object on one side, and a weight on the other")
        elif isinstance(stored[name], dict):
            inner_matches, inner_problems = _compare(stored[name], expected[name], location)
            matches += inner_matches
            problems += inner_problems
        elif np.shape(stored[name]) != np.shape(expected[name]):
            problems.append(
                f"Weight shape mismatch for {location}\n"
                f"    In reference model: shape={np.shape(expected[name])}\n"
                f"    In saved file: shape={np.shape(stored[name])}"
            )
        else:
            matches += 1
    return matches, problems


def _missing(location: str, value: Any, present: str, absent: str) -> str:
    kind = "Object" if isinstance(value, dict) else "Weight"
    text = f"{kind} {location} present in {present}, missing from {absent}"
    if isinstance(value, dict):
        text += f"\n    In {present}, {location} contains the following keys: {list(value)}"
    return text
