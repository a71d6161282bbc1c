"""Crafted files: sizes that no file should ask for, damaged members, structures without end."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from benchmarks.attacks.attack import Attack, Attempt, Verdict

__all__ = ["ATTACKS"]

_SECONDS, _MEGABYTES = 5.0, 300.0
_LARGE = (10**5, 10**7, 10**9)


class _File(NamedTuple):
    """A file that must be refused.

    Attributes:
        name: what is wrong with it.
        write: writes the file into a folder, and returns what reads it.
    """

    name: str
    write: Callable[[Path], Attempt]


def _model() -> Any:
    import cornu

    return cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(2)])


def _config(model: Any) -> Any:
    return json.loads(model.to_json())


def _archive(folder: Path, config: Any, weights: bytes | None = None) -> Attempt:
    import cornu

    if weights is None:
        weights = _hdf5(lambda file: None)
    path = folder / "model.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config.json", config if isinstance(config, str) else json.dumps(config))
        file.writestr("model.weights.h5", weights)
    return lambda: cornu.models.load_model(path)


def _hdf5(fill: Callable[[h5py.File], object]) -> bytes:
    target = io.BytesIO()
    with h5py.File(target, "w") as file:
        fill(file)
    return target.getvalue()


def _json(text: Any) -> Callable[[Path], Attempt]:
    def write(folder: Path) -> Attempt:
        import cornu

        config = text() if callable(text) else text
        given = config if isinstance(config, str) else json.dumps(config)
        return lambda: cornu.models.model_from_json(given)

    return write


# ---------------------------------------------------------------------- sizes in ops and layers

_OPS: dict[str, Callable[[int], dict[str, Any]]] = {
    "diff": lambda n: {"n": n, "axis": 0},
    "array_split": lambda n: {"indices_or_sections": n},
    "stft": lambda n: {"sequence_length": n, "sequence_stride": 1, "fft_length": n},
    "unfold": lambda n: {"kernel_size": n},
    "adaptive_average_pool": lambda n: {"output_size": n},
    "adaptive_max_pool": lambda n: {"output_size": n},
    "one_hot": lambda n: {"num_classes": n},
    "repeat": lambda n: {"repeats": n, "axis": 1},
    "tile": lambda n: {"repeats": [1, n]},
    "pad": lambda n: {"pad_width": [[0, 0], [0, n]]},
    "roll": lambda n: {"shift": n},
    "split": lambda n: {"indices_or_sections": n},
    "extract_sequences": lambda n: {"sequence_length": n, "sequence_stride": 1},
}


def _op(name: str, size: int) -> Callable[[Path], Attempt]:
    def write(folder: Path) -> Attempt:
        import cornu

        shapes = {"unfold": (8, 8, 3), "adaptive_average_pool": (8, 3), "adaptive_max_pool": (8, 3)}
        x = cornu.Input(shapes.get(name, (4,)), dtype="int32" if name == "one_hot" else None)
        config = _config(cornu.Model(x, cornu.ops.abs(x)))
        entry = config["config"]["layers"][1]
        entry["class_name"] = name
        entry["inbound_nodes"][0]["kwargs"] = _OPS[name](size)
        return _archive(folder, config)

    return write


# Classes of layers, an argument that is a size, and the shape of their input.
_LAYERS: tuple[tuple[str, dict[str, Any], str, tuple[int, ...]], ...] = (
    ("MelSpectrogram", {}, "fft_length", (2048,)),
    ("MelSpectrogram", {}, "num_mel_bins", (2048,)),
    ("AugMix", {}, "num_chains", (8, 8, 3)),
    ("AugMix", {}, "chain_depth", (8, 8, 3)),
    ("AdaptiveAveragePooling1D", {"output_size": 2}, "output_size", (8, 3)),
    ("AdaptiveAveragePooling2D", {"output_size": 2}, "output_size", (8, 8, 3)),
    ("AdaptiveMaxPooling2D", {"output_size": 2}, "output_size", (8, 8, 3)),
    ("RepeatVector", {"n": 2}, "n", (4,)),
    ("UpSampling2D", {"size": 2}, "size", (8, 8, 3)),
    ("ZeroPadding1D", {"padding": 1}, "padding", (8, 3)),
    ("CategoryEncoding", {"num_tokens": 5}, "num_tokens", (4,)),
    ("Dense", {"units": 2}, "units", (4,)),
    ("Conv2D", {"filters": 2, "kernel_size": 2}, "filters", (8, 8, 3)),
    ("Conv2D", {"filters": 2, "kernel_size": 2}, "kernel_size", (8, 8, 3)),
    ("LSTM", {"units": 2}, "units", (5, 3)),
    ("Embedding", {"input_dim": 5, "output_dim": 2}, "input_dim", (4,)),
    ("RandomGaussianBlur", {}, "kernel_size", (8, 8, 3)),
    ("Resizing", {"height": 4, "width": 4}, "height", (8, 8, 3)),
)


def _layer(kind: str, kwargs: Any, argument: str, shape: Any, size: int) -> Any:
    def write(folder: Path) -> Attempt:
        import cornu

        model = cornu.Sequential([cornu.Input(shape), getattr(cornu.layers, kind)(**kwargs)])
        config = _config(model)
        config["config"]["layers"][1]["config"][argument] = size
        return _archive(folder, config)

    return write


def _sizes() -> Iterator[_File]:
    for size in _LARGE:
        for name in _OPS:
            yield _File(f"op {name}, {size:.0e}", _op(name, size))
        for kind, kwargs, argument, shape in _LAYERS:
            write = _layer(kind, kwargs, argument, shape, size)
            yield _File(f"{kind}({argument}={size:.0e})", write)


# -------------------------------------------------------------------------------- long words


def _word(place: str, count: int) -> Callable[[Path], Attempt]:
    def write(folder: Path) -> Attempt:
        config = _config(_model())
        if place in ("class_name", "registered_name"):
            config[place] = "a" * count
        else:
            config["config"]["layers"][1]["config"][place] = "a" * count
        return _archive(folder, config)

    return write


_WORDS = ("class_name", "registered_name", "dtype", "activation", "kernel_initializer", "x" * 9)

# ------------------------------------------------------------------------------ structures


def _nested(depth: int) -> str:
    inner = json.dumps(_config(_model()))
    before = '{"class_name": "Sequential", "config": {"name": "s", "layers": ['
    return before * depth + inner + "]}}" * depth


def _lists(count: int) -> str:
    config = json.dumps(_config(_model()))
    return config[:-1] + ',"more": [' + ",".join(["[]"] * count) + "]}"


def _reversed(count: int) -> Any:
    import cornu

    x = made = cornu.Input((4,))
    for _ in range(count):
        made = cornu.layers.ReLU()(made)
    config = _config(cornu.Model(x, made))
    config["config"]["layers"].reverse()
    return config


_STRUCTURES: dict[str, Callable[[Path], Attempt]] = {
    "models in models, 40": lambda folder: _archive(folder, _nested(40)),
    "models in models, 400": lambda folder: _archive(folder, _nested(400)),
    "10 million empty lists": lambda folder: _archive(folder, _lists(10**7)),
    "500 layers in reverse order": lambda folder: _archive(folder, _reversed(500)),
    "brackets": lambda folder: _archive(folder, "[" * 10**6),
    "digits": lambda folder: _archive(folder, "9" * 10**6),
    "JSON: Dense of 10**12 units": _json(lambda: _with_units(_config(_model()), 10**12)),
}


def _with_units(config: Any, units: int) -> Any:
    config["config"]["layers"][1]["config"]["units"] = units
    return config


# ---------------------------------------------------------------------------------- weights

_HEADER = b"{'descr': '<f4', 'fortran_order': False, 'shape': (4, 2), }"


def _npy(header: bytes, data: bytes, version: bytes = b"\x01\x00") -> bytes:
    return b"\x93NUMPY" + version + len(header).to_bytes(2, "little") + header + data


def _npz(members: Callable[[], dict[str, bytes]]) -> Callable[[Path], Attempt]:
    def write(folder: Path) -> Attempt:
        model, path = _model(), folder / "w.npz"
        keys = list(_stored(model))
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            bias = _npy(_HEADER.replace(b"(4, 2)", b"(2,)"), np.ones(2, "f4").tobytes())
            file.writestr(f"{keys[1]}.npy", bias)
            for name, data in members().items():
                file.writestr(f"{keys[0]}.npy" if name == "kernel" else name, data)
        return lambda: model.load_weights(path)

    return write


def _stored(model: Any) -> Any:
    from cornu.saving.storage_keys import collect_weights_by_key

    return collect_weights_by_key(model)


def _h5(fill: Callable[[h5py.File, str], object]) -> Callable[[Path], Attempt]:
    def write(folder: Path) -> Attempt:
        model, path = _model(), folder / "l.weights.h5"
        kernel, bias = _stored(model)
        with h5py.File(path, "w") as file:
            file[bias] = np.ones(2, "f4")
            fill(file, kernel)
        return lambda: model.load_weights(path)

    return write


def _set(value: Any) -> Callable[[h5py.File, str], object]:
    return lambda file, key: file.create_dataset(key, data=value)


def _half_written(file: h5py.File, key: str) -> None:
    data = file.create_dataset(key, (4, 2), "f4", chunks=(1, 2))
    data[:2] = 1.0


def _groups(file: h5py.File, key: str) -> None:
    file[key] = np.ones((4, 2), "f4")
    for i in range(30_000):
        file.create_group(f"g{i}")


_KERNEL = np.ones((4, 2), "f4")
_WEIGHTS: dict[str, Callable[[Path], Attempt]] = {
    "npz without its numbers": _npz(lambda: {"kernel": _npy(_HEADER, b"")}),
    "npz of 31 bytes": _npz(lambda: {"kernel": _npy(_HEADER, bytes(31))}),
    "npz with 32 bytes more": _npz(lambda: {"kernel": _npy(_HEADER, bytes(64))}),
    "npz of version 9": _npz(lambda: {"kernel": _npy(_HEADER, bytes(32), b"\x09\x00")}),
    "npz of 20,000 members": _npz(
        lambda: {f"m{i}.npy": _npy(_HEADER, bytes(32)) for i in range(20_000)}
    ),
    "HDF5 never written": _h5(
        lambda file, key: file.create_dataset(key, (4, 2), "f4", chunks=(1, 2), fillvalue=7.0)
    ),
    "HDF5 half written": _h5(_half_written),
    "HDF5 complex": _h5(_set(_KERNEL + 1j)),
    "HDF5 1e300": _h5(_set(np.full((4, 2), 1e300))),
    "HDF5 booleans": _h5(_set(np.ones((4, 2), bool))),
    "HDF5 of 30,000 groups": _h5(_groups),
    "HDF5 text": _h5(_set([[b"a", b"b"]] * 4)),
}


def _unwritten(folder: Path) -> Attempt:
    """Weights that are declared only, of eight large layers."""
    import cornu

    model = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(4, use_bias=False)])
    config = _config(model)
    config["config"]["layers"] += [config["config"]["layers"][1]] * 7
    for i, layer in enumerate(config["config"]["layers"]):
        inner = layer["config"]
        inner |= {"units": 4000, "name": f"d{i}"} if i else {"batch_shape": [None, 4000]}
        layer.pop("build_config", None)
    chunk = 1 << 18
    weights = _hdf5(
        lambda file: file.create_dataset(
            "x", (60 * chunk,), "f4", chunks=(chunk,), compression="gzip"
        )
    )
    return _archive(folder, config, weights)


def _refuse(file: _File) -> Callable[[Path, int], Attempt]:
    return lambda folder, number: file.write(folder)


# Files that may also be read, if that costs little.
_HARMLESS = ("models in models, 40", "500 layers", "npz of 20,000", "HDF5 of 30,000")


def _expected(group: str, name: str) -> tuple[Verdict, ...]:
    if name.startswith("JSON: "):  # of the program itself, which may ask for what it wants
        return ("refused", "memory")
    return ("refused", "right") if group == "sizes" or name.startswith(_HARMLESS) else ("refused",)


def _is_quick(group: str, name: str) -> bool:
    if group == "sizes":  # the middle of three sizes stands for the others
        return f"{_LARGE[1]:.0e}" in name
    return group == "weights" and ",000" not in name


def _attacks() -> Iterator[Attack]:
    groups: dict[str, list[_File]] = {
        "sizes": list(_sizes()),
        "words": [_File(f"{w} of 50,000 letters", _word(w, 50_000)) for w in _WORDS],
        "structures": [_File(name, write) for name, write in _STRUCTURES.items()],
        "weights": [
            *(_File(name, write) for name, write in _WEIGHTS.items()),
            _File("declared weights, never written", _unwritten),
        ],
    }
    for group, files in groups.items():
        for file in files:
            yield Attack(
                file.name,
                f"crafted files: {group}",
                "load_model" if group != "weights" else "load_weights",
                _refuse(file),
                _expected(group, file.name),
                quick=int(_is_quick(group, file.name)),
                seconds=_SECONDS,
                megabytes=_MEGABYTES,
            )


ATTACKS = list(_attacks())
