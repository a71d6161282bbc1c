"""Weights as files: HDF5 in the layout of Keras, safetensors, or npz.

A weight is found by its place in the model's structure (`layers/dense_1/vars/0`), not by the
names of layers, which count up within a process and so differ between two equal models.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cornu.core.layer import Layer
from cornu.core.owner import Owner, holdings
from cornu.core.variable import Variable
from cornu.errors import suggest
from cornu.names import snake_case, unique
from cornu.saving import gate

__all__ = ["load_weights", "places", "read_h5", "save_weights", "write_h5"]

_FORMATS = (".weights.h5", ".h5", ".safetensors", ".npz")


def places(root: Owner) -> dict[str, Variable]:
    """Returns the weights of a model (or layer, or optimizer) by their place in its structure.

    Example:

    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(3)])
    >>> list(places(model))
    ['layers/dense/vars/0', 'layers/dense/vars/1']
    """
    return dict(_walk(root, "", set()))


def _walk(owner: Owner, at: str, seen: set[int]) -> Iterator[tuple[str, Variable]]:
    if id(owner) in seen:
        return
    seen.add(id(owner))
    own = owner.own_variables() if isinstance(owner, Layer) else owner.variables
    for i, variable in enumerate(own):
        if id(variable) not in seen:
            seen.add(id(variable))
            yield f"{at}vars/{i}", variable
    for path, inner in _inner(owner):
        yield from _walk(inner, f"{at}{path}/", seen)


def _inner(owner: Owner) -> list[tuple[str, Owner]]:
    if not isinstance(owner, Layer):
        return []
    listed = owner.listed_layers()
    found = _numbered("layers", listed)
    known = {id(layer) for layer in listed}
    attributes = sorted(vars(owner).items(), key=lambda pair: pair[0].lstrip("_"))
    for name, value in attributes:
        name = name.lstrip("_")
        if isinstance(value, Layer):
            found.append((name, value))
        elif isinstance(value, (list, tuple, dict)):
            inside = value.values() if isinstance(value, dict) else value
            found += _numbered(name, [x for x in inside if isinstance(x, Layer)])
    owned = {id(thing) for thing in holdings(owner)}
    return [
        (path, layer)
        for i, (path, layer) in enumerate(found)
        if i < len(listed) or (id(layer) in owned and id(layer) not in known)
    ]


def _numbered(name: str, layers: Any) -> list[tuple[str, Owner]]:
    taken: set[str] = set()
    return [(f"{name}/{unique(snake_case(type(la).__name__), taken)}", la) for la in layers]


# ----------------------------------------------------------------------------------------- writing


def save_weights(model: Layer, path: Any, overwrite: bool = True) -> None:
    """Writes the weights of a built model.

    Args:
        model: the model.
        path: ends in `.weights.h5`, `.safetensors` or `.npz`.
        overwrite: whether a file that is there may be replaced.

    Raises:
        ValueError: another ending, or a model that is not built.
        FileExistsError: the file is there and `overwrite` is False.
    """
    path = Path(path)
    _check_format(path)
    if not model.built:
        raise ValueError(
            f"{type(model).__name__} {model.name!r} is not built: it has no weights to save. "
            "Call it on data first."
        )
    if path.exists() and not overwrite:
        raise FileExistsError(f"{str(path)!r} exists. Pass overwrite=True to replace it.")
    arrays = {place: v.numpy() for place, v in places(model).items()}
    with gate.writing(path) as temporary:
        if path.suffix == ".safetensors":
            from safetensors.numpy import save_file

            contiguous = {name: np.ascontiguousarray(a) for name, a in arrays.items()}
            save_file(contiguous, temporary, metadata={"format": "cornu"})
        elif path.suffix == ".npz":
            with open(temporary, "wb") as file:
                np.savez(file, **arrays)  # type: ignore[arg-type]
        else:
            write_h5(temporary, arrays)


def _check_format(path: Path) -> None:
    if not path.name.endswith(_FORMATS):
        raise ValueError(
            f"Weights are kept in files that end in {', '.join(_FORMATS)}. Received: {str(path)!r}"
        )


def write_h5(target: Any, arrays: dict[str, np.ndarray]) -> None:
    """Writes arrays as an HDF5 file (a path or a file object)."""
    import h5py

    with h5py.File(target, "w") as file:
        for place, array in arrays.items():
            short = array.dtype.name == "bfloat16"
            item = file.create_dataset(place, data=array.view("uint16") if short else array)
            if short:
                item.attrs["dtype"] = "bfloat16"


# ----------------------------------------------------------------------------------------- reading


def load_weights(model: Layer, path: Any, skip_mismatch: bool = False) -> None:
    """Reads weights into a built model.

    Args:
        model: the model; its structure must be that of the one that was saved.
        path: the file.
        skip_mismatch: whether weights that are missing or have another shape are left as they
            are, with a warning.

    Raises:
        ValueError: a weight is missing, has another shape, or the file is not what it seems.
            Nothing is changed then.
    """
    path = Path(path)
    _check_format(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    if not model.built:
        raise ValueError(
            f"{type(model).__name__} {model.name!r} is not built: its weights have no shapes yet. "
            "Call it on data, or give it an input shape, before loading weights."
        )
    wanted = places(model)
    if path.suffix == ".safetensors":
        found = _read_safetensors(path, wanted, skip_mismatch)
    elif path.suffix == ".npz":
        found = _read_npz(path, wanted, skip_mismatch)
    else:
        with gate.open_h5(path) as file:
            found = read_h5(file, wanted, skip_mismatch)
    for place, array in found.items():
        wanted[place].assign(array)


def read_h5(file: Any, wanted: dict[str, Variable], skip: bool = False, at: str = "") -> Any:
    """Reads the wanted arrays from an open file that passed the gate."""
    import h5py
    import ml_dtypes

    present = {name for name in wanted if isinstance(file.get(at + name), h5py.Dataset)}
    _check_missing(wanted, present, _stored_places(file, h5py), skip)
    found: dict[str, np.ndarray] = {}
    for place in wanted:
        if place not in present:
            continue
        item = file[at + place]
        if _skipped(place, tuple(item.shape), wanted[place], skip):
            continue
        array = gate.read_array(item, wanted[place].shape, place)
        if item.attrs.get("dtype") == "bfloat16" and array.dtype == np.uint16:
            array = array.view(ml_dtypes.bfloat16)
        found[place] = array
    return found


def _stored_places(file: Any, h5py: Any) -> list[str]:
    names: list[str] = []
    file.visititems(lambda n, item: names.append(n) if isinstance(item, h5py.Dataset) else None)
    return names


def _read_safetensors(path: Path, wanted: dict[str, Variable], skip: bool) -> Any:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            present = set(file.keys())
            _check_missing(wanted, present, sorted(present), skip)
            found = {}
            for place in wanted:
                if place in present:
                    shape = tuple(file.get_slice(place).get_shape())
                    if not _skipped(place, shape, wanted[place], skip):
                        found[place] = file.get_tensor(place)
            return found
    except SafetensorError as error:
        raise ValueError(f"{str(path)!r} is no readable safetensors file: {error}") from error


def _read_npz(path: Path, wanted: dict[str, Variable], skip: bool) -> Any:
    with gate.open_zip(path) as archive:
        stored = [name.removesuffix(".npy") for name in archive.namelist()]
        _check_missing(wanted, set(stored), stored, skip)
        found = {}
        for place in wanted:
            if place in stored:
                with archive.open(f"{place}.npy") as file:
                    shape, dtype = _npy_header(file, place)
                if _skipped(place, shape, wanted[place], skip):
                    continue
                size = int(np.prod(shape)) * dtype.itemsize + 4096
                data = gate.read_member(archive, f"{place}.npy", size)
                start = len(data) - int(np.prod(shape)) * dtype.itemsize
                found[place] = np.frombuffer(data[start:], dtype).reshape(shape)
        return found


def _npy_header(file: Any, place: str) -> tuple[tuple[int, ...], np.dtype]:
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0
        if version != (1, 0):
            read = np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file)
    except (ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{place}: no readable array: {error}") from error
    if fortran or dtype.hasobject or dtype.kind not in "fiubc":
        raise ValueError(f"{place}: the file holds {dtype}, not plain numbers.")
    return shape, dtype


def _check_missing(
    wanted: dict[str, Variable], present: set[str], stored: list[str], skip: bool
) -> None:
    missing = [place for place in wanted if place not in present]
    if missing and not skip:
        raise ValueError(
            f"The file has no array for {len(missing)} of the model's {len(wanted)} weights, the "
            f"first {missing[0]!r} ({wanted[missing[0]].path}). {suggest(missing[0], stored[:50])}\n"
            "Was it saved from another architecture? skip_mismatch=True loads what fits."
        )


def _skipped(place: str, shape: tuple[int, ...], variable: Variable, skip: bool) -> bool:
    if shape == variable.shape:
        return False
    if not skip:
        raise ValueError(
            f"Weight {place!r} ({variable.path}) has the shape {variable.shape} in the model and "
            f"{shape} in the file. No weight was changed; skip_mismatch=True loads what fits."
        )
    return True
