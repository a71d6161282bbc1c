"""HDF5 files of random structure: layouts, filters, types, links, attributes."""

from __future__ import annotations

import contextlib
import io
import random
from typing import Any

import h5py
import numpy as np

__all__ = ["build_hdf5"]

_DTYPES = (
    *("<f4", "<f4", "<f4", ">f4", "<f8", "<f2", "<i4", "<i8", "|u1", "|i1", "<c8", "?"),
    *("S5", "V2", "V3", h5py.string_dtype(), h5py.ref_dtype, h5py.vlen_dtype("<i4")),
    *([("a", "<f4"), ("b", "<i4")], h5py.enum_dtype({"a": 1, "b": 2}, "i4")),
)
_SHAPES = ((), (0,), (2,), (4, 3), (3, 2), (5, 0, 2), (1,) * 9, (64, 64))
_KEYS = (
    *("layers/dense/vars/0", "layers/dense/vars/1", "layers/dense_1/vars/0", "vars/0", "x", "é"),
    *("layers/dense/vars/0/0", "optimizer/vars/0", "a" * 300, "layers//vars", "layers/./x"),
)


def build_hdf5(draw: random.Random) -> bytes:
    """Returns a file with some objects, which are partly of kinds that are refused."""
    target = io.BytesIO()
    libver = draw.choice(("earliest", "earliest", "latest", "v110"))
    with h5py.File(target, "w", libver=libver) as file:
        for _ in range(draw.choice((0, 1, 2, 2, 4, 9))):
            # Some combinations are impossible, and some names taken.
            with contextlib.suppress(
                *(ValueError, OSError, TypeError, RuntimeError, KeyError, AttributeError)
            ):
                _add(file, draw.choice(_KEYS), draw)
    return target.getvalue()


def _add(file: h5py.File, key: str, draw: random.Random) -> None:
    kind = draw.randrange(14)
    if kind == 0:
        links = (h5py.SoftLink("/x"), h5py.ExternalLink("other.h5", "/x"), h5py.SoftLink(key))
        file[key] = draw.choice(links)
    elif kind == 1:
        file.create_group(key, track_order=draw.random() < 0.5)
    elif kind == 2:
        file[key] = h5py.Empty(draw.choice(("f4", "S1")))
    elif kind == 3:
        file[key] = np.dtype("f4")
    elif kind == 4 and len(file):
        file[key] = file[draw.choice(list(file))]
    elif kind == 5:
        layout = h5py.VirtualLayout((4, 2), "f4")
        layout[:] = h5py.VirtualSource("other.h5", "x", (4, 2))
        file.create_virtual_dataset(key, layout, fillvalue=draw.random())
    else:
        _add_dataset(file, key, draw)
    if draw.random() < 0.2 and key in file:
        value: Any = draw.choice((1, "text", np.uint32(7), np.arange(3), h5py.Empty("f4"), b"\xff"))
        file[key].attrs[draw.choice(("checksum", "dtype", "name"))] = value
    if draw.random() < 0.1:
        names = draw.choice((["dense"], [b"\xff"], ["x"] * 50, [], 5, "dense"))
        file.attrs[draw.choice(("layer_names", "layer_names0", "keras_version"))] = names


def _add_dataset(file: h5py.File, key: str, draw: random.Random) -> None:
    shape, dtype = draw.choice(_SHAPES), draw.choice(_DTYPES)
    options: dict[str, Any] = {}
    if shape and draw.random() < 0.5:
        options["chunks"] = tuple(draw.choice((1, 2, max(1, size))) for size in shape)
        options["compression"] = draw.choice((None, "gzip", "lzf"))
        options["shuffle"] = draw.random() < 0.3
        options["fletcher32"] = draw.random() < 0.3
        options["scaleoffset"] = draw.choice((None, None, 2))
        options["maxshape"] = draw.choice((None, (None,) * len(shape)))
    if draw.random() < 0.2:
        options["fillvalue"] = 7
    if draw.random() < 0.1:
        options["external"] = [("other.bin", 0, h5py.h5f.UNLIMITED)]
        # Without values, which HDF5 would write to a file in the working directory.
        file.create_dataset(key, shape, dtype, **options)
        return
    if draw.random() < 0.15:  # declared only
        file.create_dataset(key, draw.choice((shape, (10**6, 10**6))), dtype, **options)
        return
    data = file.create_dataset(key, shape, dtype, **options)
    if data.dtype.kind not in "fiubcSV" or data.dtype.names:
        return
    values = np.random.default_rng(draw.randrange(2**32)).integers(0, 99, shape)
    opaque = data.dtype.kind == "V"
    values = np.zeros(shape, data.dtype) if opaque else values.astype(data.dtype)
    if draw.random() < 0.8:
        data[...] = values
    elif shape:
        data[:1] = values[:1]
