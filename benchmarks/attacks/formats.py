"""Every kind of attack by a file, in every format in which it can live.

Nothing may be imported, opened or executed while a file is read, which is watched.
"""

from __future__ import annotations

import base64
import functools
import io
import json
import marshal
import struct
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from benchmarks.attacks.attack import Attack, Attempt, Verdict

__all__ = ["ATTACKS", "FORMATS", "KIND"]

KIND = "attacks by format"
_SECONDS, _MEGABYTES = 1.0, 100.0
_SECRET = "secret.h5"
# Kinds whose files take long to write.
_SLOW = ("decompression bombs", "10 million lists in JSON", "many members and groups")
_CODE = base64.b64encode(marshal.dumps(compile("print(1)", "<evil>", "exec"))).decode()

Hdf5 = Callable[[h5py.File, Path], object]


def _model() -> Any:
    import cornu

    return cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(2, name="dense")])


def _config() -> Any:
    return json.loads(_model().to_json())


# ------------------------------------------------------------------------------- the formats


def _hdf5(fill: Hdf5, folder: Path) -> bytes:
    target = io.BytesIO()
    with h5py.File(target, "w") as file:
        fill(file, folder)
    return target.getvalue()


def _good(file: h5py.File, folder: Path) -> None:
    file["layers/dense/vars/0"] = np.ones((4, 2), "f4")
    file["layers/dense/vars/1"] = np.ones(2, "f4")


def _zip(
    path: Path, members: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED
) -> Path:
    with zipfile.ZipFile(path, "w", method) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def _archive(folder: Path, config: str | None = None, weights: bytes | None = None) -> Path:
    members = {
        "config.json": json.dumps(_config()) if config is None else config,
        "model.weights.h5": _hdf5(_good, folder) if weights is None else weights,
    }
    return _zip(folder / "m.keras", members)


def _load_model(path: Path) -> Attempt:
    import cornu

    return _watched(lambda: cornu.models.load_model(path), path)


def _load_weights(path: Path, *others: Path) -> Attempt:
    model = _model()
    return _watched(lambda: model.load_weights(path), path, *others)


def _watched(read: Attempt, *paths: Path) -> Attempt:
    from tests.saving.watch import nothing_but

    _use_readers()

    def attempt() -> object:
        with nothing_but(*paths):
            return read()

    return attempt


@functools.cache
def _use_readers() -> None:
    """Imports what is imported when a reader is first used, which is no effect of a file."""
    import cornu

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "good.keras")
        model = _model()
        for suffix in (".keras", ".weights.h5", ".npz", ".safetensors"):
            good = path.with_suffix(suffix)
            (model.save if suffix == ".keras" else model.save_weights)(good)
            model.load_weights(good)
        cornu.models.load_model(path)
        _zip(path, {"é": ""})
        with zipfile.ZipFile(path) as archive:
            archive.namelist()


def _in_hdf5(fill: Hdf5) -> dict[str, Callable[[Path], Attempt]]:
    """Returns an attack by the contents of HDF5 in all formats that contain HDF5."""

    def alone(folder: Path) -> Attempt:
        path = folder / "w.weights.h5"
        path.write_bytes(_hdf5(fill, folder))
        return _load_weights(path)

    def archived(folder: Path) -> Attempt:
        return _load_model(_archive(folder, weights=_hdf5(fill, folder)))

    def sharded(folder: Path) -> Attempt:
        path = _index(folder, {"weight_map": {"/layers/dense/vars": "w_00000.weights.h5"}})
        shard = folder / "w_00000.weights.h5"
        shard.write_bytes(_hdf5(fill, folder))
        return _load_weights(path, shard)

    return {".weights.h5": alone, ".keras": archived, "shards": sharded}


def _index(folder: Path, index: Any) -> Path:
    path = folder / "w.weights.json"
    path.write_text(index if isinstance(index, str) else json.dumps(index), encoding="utf-8")
    return path


def _in_config(change: Callable[[Any], Any]) -> dict[str, Callable[[Path], Attempt]]:
    """Returns an attack by the config of a model in all formats that contain configs."""

    def text() -> str:
        config = _config()
        changed = change(config)
        return changed if isinstance(changed, str) else json.dumps(changed or config)

    def alone(folder: Path) -> Attempt:
        import cornu

        given = text()
        return _watched(lambda: cornu.models.model_from_json(given))

    return {".keras": lambda folder: _load_model(_archive(folder, text())), "JSON": alone}


def _npz(
    members: Callable[[], Mapping[str, str | bytes]], method: int = zipfile.ZIP_DEFLATED
) -> Any:
    return {".npz": lambda f: _load_weights(_zip(f / "w.npz", members(), method))}


def _npy(shape: str, data: bytes, dtype: str = "<f4") -> bytes:
    header = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def _tensors(header: Any, data: bytes) -> Any:
    def write(folder: Path) -> Attempt:
        text = (header if isinstance(header, str) else json.dumps(header)).encode()
        path = folder / "w.safetensors"
        path.write_bytes(struct.pack("<Q", len(text)) + text + data)
        return _load_weights(path)

    return {".safetensors": write}


def _tensor(shape: Any, start: int, stop: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, stop]}


# -------------------------------------------------------------------------------- the attacks


def _layer(entry: dict[str, Any]) -> Callable[[Any], Any]:
    def change(config: Any) -> None:
        config["config"]["layers"].append({"registered_name": None, **entry})

    return change


def _object(module: str, name: str, config: Any) -> dict[str, Any]:
    return {"module": module, "class_name": name, "config": config}


def _lambda(function: Any) -> Callable[[Any], Any]:
    return _layer(_object("keras.layers", "Lambda", {"name": "l", "function": function}))


def _set_units(config: Any) -> None:
    config["config"]["layers"][1]["config"]["kernel_initializer"] = "/etc/passwd"


def _op(name: str, kwargs: Any) -> Callable[[Any], Any]:
    def change(config: Any) -> Any:
        import cornu

        x = cornu.Input((4,))
        made = json.loads(cornu.Model(x, cornu.ops.abs(x)).to_json())
        made["config"]["layers"][1]["class_name"] = name
        made["config"]["layers"][1]["inbound_nodes"][0]["kwargs"] = kwargs
        return made

    return change


def _lists(count: int) -> str:
    return '{"a":[' + "[]," * count + "0]}"


def _external(file: h5py.File, folder: Path) -> None:
    secret = folder / _SECRET
    secret.write_bytes(bytes(32))
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_external(str(secret).encode(), 0, 32)
    vars_ = file.create_group("layers/dense/vars")
    h5py.h5d.create(vars_.id, b"0", h5py.h5t.NATIVE_FLOAT, h5py.h5s.create_simple((4, 2)), plan)
    file["layers/dense/vars/1"] = np.ones(2, "f4")


def _link(kind: str) -> Hdf5:
    def fill(file: h5py.File, folder: Path) -> None:
        _good(file, folder)
        secret = folder / _SECRET
        secret.write_bytes(_hdf5(_good, folder))
        del file["layers/dense/vars/0"]
        if kind == "virtual":
            layout = h5py.VirtualLayout((4, 2), "f4")
            layout[:] = h5py.VirtualSource(str(secret), "layers/dense/vars/0", (4, 2))
            file.create_virtual_dataset("layers/dense/vars/0", layout)
        elif kind == "external":
            file["layers/dense/vars/0"] = h5py.ExternalLink(str(secret), "/layers/dense/vars/0")
        elif kind == "soft":
            file["layers/dense/vars/0"] = h5py.SoftLink("/layers/dense/vars/1")
        else:
            file["layers/dense/vars/0"] = file["layers/dense/vars/1"]

    return fill


def _kernel(data: Any = None, **options: Any) -> Hdf5:
    """Returns a file with another kernel; without data, it is declared and not written."""

    def fill(file: h5py.File, folder: Path) -> None:
        options.setdefault("shape", (4, 2) if data is None else np.shape(data))
        file.create_dataset("layers/dense/vars/0", data=data, **options)
        file["layers/dense/vars/1"] = np.ones(2, "f4")

    return fill


def _half(file: h5py.File, folder: Path) -> None:
    _kernel(dtype="f4", chunks=(1, 2))(file, folder)
    file["layers/dense/vars/0"][:2] = 1.0


def _groups(file: h5py.File, folder: Path) -> None:
    _good(file, folder)
    for i in range(20_000):
        file.create_group(f"g{i}")


def _flipped(suffix: str) -> Callable[[Path], Attempt]:
    def write(folder: Path) -> Attempt:
        model, path = _model(), folder / f"w{suffix}"
        model.set_weights([np.full(w.shape, 1.25, w.dtype) for w in model.get_weights()])
        if suffix == ".keras":
            model.save(path)
        else:
            model.save_weights(path, max_shard_size=1 if suffix == ".weights.json" else None)
        target = folder / "w_00000.weights.h5" if suffix == ".weights.json" else path
        good = np.full((4, 2), 1.25, "f4").tobytes()
        data = target.read_bytes()
        assert good in data
        target.write_bytes(data.replace(good, b"\x01" + good[1:]))
        return _load_model(path) if suffix == ".keras" else _load_weights(path, target)

    return write


_KERNEL = np.ones((4, 2), "f4")
_BIAS = _npy("(2,)", bytes(8))
_BOMB = bytes(96 << 20)
_PAIR = {"dense/kernel": _tensor([4, 2], 0, 32), "dense/bias": _tensor([2], 32, 40)}
_PATHS = {"../../x": "x", "assets/../../x": "x", "/tmp/x": "x"}


class _Kind(NamedTuple):
    """A kind of attack.

    Attributes:
        name: what is wrong.
        source: the advisories, or what it is named after.
        formats: what writes the file, by format.
        harmless: whether the file may also be read, because nothing of it is used.
    """

    name: str
    source: str
    formats: dict[str, Callable[[Path], Attempt]]
    harmless: bool = False


def _kinds() -> Iterator[_Kind]:
    yield _Kind(
        "functions and classes of modules",
        "CVE-2025-1550, -8747",
        _in_config(_layer(_object("subprocess", "Popen", {"args": ["true"]}))),
    )
    yield _Kind(
        "functions with effects in Keras",
        "CVE-2025-9906, -8747",
        _in_config(_lambda(_object("keras.config", "function", "enable_unsafe_deserialization"))),
    )
    yield _Kind(
        "bytecode in a Lambda",
        "CVE-2024-3660, -2025-9905, -2026-12481",
        _in_config(_lambda({"class_name": "__lambda__", "config": {"code": _CODE}})),
    )
    yield _Kind(
        "pickles",
        "CVE-2025-49655",
        {
            **_in_config(_layer(_object("keras.layers", "TorchModuleWrapper", {"module": _CODE}))),
            **_npz(lambda: {"dense/kernel.npy": _npy("(4, 2)", b"cos\nsystem\n.", "|O")}),
            **_in_hdf5(_kernel([["a", "b"]] * 4, dtype=h5py.string_dtype())),
        },
    )
    yield _Kind(
        "paths and URLs as values",
        "CVE-2025-12058",
        _in_config(_layer(_object("keras.layers", "StringLookup", {"vocabulary": "/etc/passwd"}))),
    )
    yield _Kind("paths as names of functions", "CVE-2025-12058", _in_config(_set_units))
    yield _Kind(
        "SavedModels outside of the file",
        "CVE-2026-1462",
        _in_config(_layer(_object("keras.layers", "TFSMLayer", {"filepath": "/tmp"}))),
    )
    yield _Kind(
        "YAML objects",
        "CVE-2021-37678",
        _in_config(lambda config: "!!python/object/apply:os.system ['true']"),
    )
    yield _Kind(
        "data outside of the file",
        "CVE-2026-1669",
        {
            **_in_hdf5(_external),
            "shards, index": lambda f: _load_weights(
                _index(f, {"weight_map": {"/layers/dense/vars": f"../{_SECRET}"}})
            ),
        },
    )
    for kind in ("external", "soft", "hard", "virtual"):
        yield _Kind(f"{kind} links", "CVE-2026-1669", _in_hdf5(_link(kind)))
    yield _Kind(
        "names of members that are paths",
        "CVE-2026-12479, -2025-12060",
        {
            ".keras": lambda f: _load_model(
                _zip(
                    f / "m.keras",
                    {
                        **_PATHS,
                        "config.json": json.dumps(_config()),
                        "model.weights.h5": _hdf5(_good, f),
                    },
                )
            ),
            **_npz(
                lambda: {
                    **_PATHS,
                    "dense/kernel.npy": _npy("(4, 2)", bytes(32)),
                    "dense/bias.npy": _BIAS,
                }
            ),
        },
        harmless=True,
    )
    yield _Kind(
        "huge declared shapes",
        "CVE-2026-0897",
        {
            **_in_hdf5(_kernel(shape=(10**6, 10**6), dtype="f4")),
            **_npz(lambda: {"dense/kernel.npy": _npy("(1000000, 1000000)", b"")}),
            **_tensors({**_PAIR, "dense/kernel": _tensor([10**6, 10**6], 0, 32)}, bytes(40)),
        },
    )
    yield _Kind(
        "huge declared shapes, compressed",
        "CVE-2026-0897",
        _in_hdf5(_kernel(shape=(10**6, 10**6), dtype="f4", compression="gzip")),
    )
    yield _Kind(
        "decompression bombs",
        "keras#23010, #23303",
        {
            ".keras": lambda f: _load_model(_archive(f, weights=_BOMB)),
            **_npz(lambda: {"dense/kernel.npy": _BOMB}),
            ".weights.h5": _in_hdf5(_kernel(np.zeros((4096, 8192), "f4"), compression="gzip"))[
                ".weights.h5"
            ],
        },
    )
    yield _Kind("10 million lists in JSON", "", {
        ".keras": lambda f: _load_model(_archive(f, _lists(10**7))),
        "JSON": _in_config(lambda config: _lists(10**7))["JSON"],
        **_tensors(_lists(10**6), b""),
        "shards, index": lambda f: _load_weights(_index(f, _lists(10**6))),
    })  # fmt: skip
    yield _Kind("100,000 levels of JSON", "", {
        **_in_config(lambda config: '{"a":' * 10**5 + "1" + "}" * 10**5),
        **_tensors('{"a":' * 10**5 + "1" + "}" * 10**5, b""),
        "shards, index": lambda f: _load_weights(_index(f, "[" * 10**5)),
    })  # fmt: skip
    yield _Kind("many members and groups", "", {
        **_npz(lambda: {f"m{i}.npy": b"" for i in range(20_000)}),
        **_in_hdf5(_groups),
        ".keras": lambda f: _load_model(_zip(f / "m.keras", {f"m{i}": b"" for i in range(20_000)})),
        **_tensors({f"t{i}": _tensor([0], 0, 0) for i in range(20_000)}, b""),
    }, harmless=True)  # fmt: skip
    yield _Kind("10**9 as the number of differences", "", _in_config(_op("diff", {"n": 10**9})))
    yield _Kind(
        "10**9 as the number of parts",
        "",
        _in_config(_op("array_split", {"indices_or_sections": 10**9})),
    )
    yield _Kind(
        "5,000 layers in little text",
        "",
        _in_config(lambda config: {
            "class_name": "Sequential",
            "config": {"layers": [
                config["config"]["layers"][0],
                *[{"class_name": "Dense", "config": {"units": 4}}] * 5000,
            ]},
        }),
    )  # fmt: skip
    yield _Kind("numbers are missing", "", {
        **_in_hdf5(_kernel(shape=(4, 2), dtype="f4", chunks=(1, 2), fillvalue=7.0)),
        **_npz(lambda: {"dense/kernel.npy": _npy("(4, 2)", b""), "dense/bias.npy": _BIAS}),
        **_tensors(_PAIR, bytes(31)),
    })  # fmt: skip
    yield _Kind("half of the numbers are missing", "", {
        **_in_hdf5(_half),
        **_npz(lambda: {"dense/kernel.npy": _npy("(4, 2)", bytes(16)), "dense/bias.npy": _BIAS}),
        **_tensors({**_PAIR, "dense/kernel": _tensor([4, 2], 0, 16)}, bytes(40)),
    })  # fmt: skip
    yield _Kind("more bytes than numbers", "", {
        **_npz(lambda: {"dense/kernel.npy": _npy("(4, 2)", bytes(64)), "dense/bias.npy": _BIAS}),
        **_tensors(_PAIR, bytes(72)),
    })  # fmt: skip
    for name, array in (
        ("complex numbers", _KERNEL + 1j),
        ("numbers beyond the range of the dtype", np.full((4, 2), 1e300)),
        ("truth values", np.ones((4, 2), bool)),
    ):
        yield _Kind(name, "", {**_in_hdf5(_kernel(array)), **_saved(array)})
    yield _Kind("a changed byte of a weight", "", {
        **{s: _flipped(s) for s in (".keras", ".weights.h5", ".npz", ".safetensors")},
        "shards": _flipped(".weights.json"),
    })  # fmt: skip
    yield _Kind(
        "other filters and compressions",
        "CVE-2026-1669",
        {
            **_in_hdf5(_kernel(_KERNEL, compression="lzf")),
            **_npz(lambda: {"dense/kernel.npy": _npy("(4, 2)", bytes(32))}, zipfile.ZIP_BZIP2),
        },
    )


def _saved(array: np.ndarray) -> dict[str, Callable[[Path], Attempt]]:
    """Returns an attack by an array in the formats that other libraries write easily."""

    def npz(folder: Path) -> Attempt:
        np.savez(folder / "w.npz", **{"dense/kernel": array, "dense/bias": np.ones(2, "f4")})
        return _load_weights(folder / "w.npz")

    def tensors(folder: Path) -> Attempt:
        dtype = {"c": "C64", "b": "BOOL", "f": "F64"}[array.dtype.kind]
        kernel = array.astype("<c8") if dtype == "C64" else array
        entry = _tensor([4, 2], 0, kernel.nbytes, dtype)
        bias = _tensor([2], kernel.nbytes, kernel.nbytes + 8)
        data = kernel.tobytes() + bytes(8)
        attack: Attempt = _tensors({"dense/kernel": entry, "dense/bias": bias}, data)[
            ".safetensors"
        ](folder)
        return attack

    return {".npz": npz, ".safetensors": tensors}


def _program(write: Callable[[Path], Attempt]) -> Callable[[Path, int], Attempt]:
    return lambda folder, number: write(folder)


FORMATS: dict[str, tuple[str, str, str]] = {}  # the name of each attack: kind, source, format


def _attacks() -> Iterator[Attack]:
    for kind in _kinds():
        expected: tuple[Verdict, ...] = ("refused", "right") if kind.harmless else ("refused",)
        for name, write in kind.formats.items():
            label = f"{kind.name} in {name}"
            FORMATS[label] = (kind.name, kind.source, name)
            yield Attack(
                label, KIND, name, _program(write), expected,
                quick=int(kind.name not in _SLOW), seconds=_SECONDS, megabytes=_MEGABYTES,
            )  # fmt: skip


ATTACKS = list(_attacks())
