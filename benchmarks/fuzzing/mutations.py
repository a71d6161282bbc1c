"""Changes of bytes, JSON, zip archives and headers of arrays, which a seed determines."""

from __future__ import annotations

import copy
import io
import json
import random
import struct
import warnings
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

from tests.attacks.damages import DAMAGES, places_in

__all__ = [
    "change_bytes",
    "change_json",
    "change_npy",
    "change_safetensors",
    "change_text",
    "change_zip",
    "dump",
]

_NUMBERS = (0, 1, 2, 3, 4, 7, 127, 128, 255, 256, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**64)
_STRANGE = (
    *(None, True, False, -1, 0, 2, 7.5, 10**5, 10**9, 10**30, 1e308, float("nan"), "", "x", "relu"),
    *([], {}, [None], [[]], "a/b", "..", "/etc/passwd", "\0", "\ud800", "é" * 50, "a" * 3000),
    *("__lambda__", "__numpy__", "__tuple__", "__typespec__", "Lambda", "Dense", "Functional"),
    *("sum", "add", "os.system", "keras.ops", "float8_e4m3fn", "int4", "mixed_bfloat16"),
)


def change_bytes(data: bytes, draw: random.Random) -> bytes:
    """Returns bytes of which some are flipped, moved, removed, or a number of a known size."""
    changed = bytearray(data)
    if draw.random() < 0.4:
        for _ in range(draw.choice((1, 1, 2, 4))):
            size = draw.choice((1, 2, 4, 8))
            if len(changed) < size:
                break
            at = draw.randrange(len(changed) - size + 1)
            number = (draw.choice(_NUMBERS) + draw.choice((0, 0, 1, -1))) % (1 << 8 * size)
            changed[at : at + size] = number.to_bytes(size, draw.choice(("little", "big")))
        return bytes(changed)
    return bytes(draw.choice(DAMAGES)(changed, draw)) if changed else b"\0"


def change_json(value: Any, draw: random.Random) -> Any:
    """Returns JSON data of which entries are replaced, removed, exchanged, repeated or nested."""
    changed = copy.deepcopy(value)
    for _ in range(draw.choice((1, 1, 1, 2, 3, 4))):
        places = list(places_in(changed))
        if not places:
            return copy.deepcopy(draw.choice(_STRANGE))
        container, key = draw.choice(places)
        kind = draw.randrange(6)
        if kind <= 1:
            # A copy: later changes would change the table, and with it other inputs.
            container[key] = copy.deepcopy(draw.choice(_STRANGE))
        elif kind == 2:
            del container[key]
        elif kind == 3:
            other, place = draw.choice(places)
            container[key] = copy.deepcopy(other[place]) if _holds(other, place) else None
        elif kind == 4 and isinstance(container, list):
            container.extend([copy.deepcopy(container[key])] * draw.choice((1, 2, 50)))
        else:
            for _ in range(draw.choice((1, 2, 100))):
                container[key] = draw.choice(([container[key]], {"config": container[key]}))
    return changed


def _holds(container: Any, key: Any) -> bool:
    # An earlier change may have removed it.
    return key in container if isinstance(container, dict) else key < len(container)


def change_text(text: str, draw: random.Random) -> str:
    """Returns JSON text with other tokens: numbers, brackets and names."""
    at = draw.randrange(len(text) + 1)
    piece = draw.choice(
        (
            *('"', "{", "}", "[", "]", ",", ":", "\\", "\\u0000", "\\ud800", "NaN", "Infinity"),
            *("-1", "1e999", "9" * 300, "[" * 500, '{"a":' * 300, '"class_name": "Dense",'),
        )
    )
    return text[:at] + piece * draw.choice((1, 1, 2, 20)) + text[at + draw.choice((0, 1, 5)) :]


def dump(value: Any) -> str:
    """Returns JSON, also of values that are nested deeply."""
    try:
        return json.dumps(value)
    except RecursionError:
        return "[" * 2000 + "]" * 2000


# ------------------------------------------------------------------------------ zip archives

_Members = list[tuple[str, bytes]]


def change_zip(data: bytes, draw: random.Random, change: Callable[[str, bytes], bytes]) -> bytes:
    """Returns an archive with other members, or with headers that do not describe its members.

    Args:
        data: an archive.
        draw: the source of random numbers.
        change: returns other contents of a member.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members: _Members = [(name, archive.read(name)) for name in archive.namelist()]
    kind = draw.randrange(8)
    i = draw.randrange(len(members))
    name, content = members[i]
    if kind <= 2:
        members[i] = name, change(name, content)
    elif kind == 3:
        members[i] = draw.choice(_names(name)), content
    elif kind == 4:
        members.append((draw.choice((name, name.upper(), "./" + name, "x")), content))
    elif kind == 5:
        del members[i]
    elif kind == 6:
        members += [(f"x{j}/", b"") for j in range(draw.choice((1, 50)))]
    methods = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    method = draw.choice((*methods, *methods, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    written = _write_zip(members, method, draw.choice((b"", b"", b"comment" * 20)))
    return _change_headers(written, draw) if kind == 7 else written


def _names(name: str) -> Sequence[str]:
    return ("/", f"../{name}", f"/{name}", f"assets/{name}", name * 3, "\\", "é", "x" * 5000)


def _write_zip(members: _Members, method: int, comment: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, content in members:
            archive.writestr(name, content)
        archive.comment = comment
    return target.getvalue()


# Offset and size of the fields of a local header, of an entry of the directory, and of its end.
_FIELDS = {
    b"PK\3\4": ((4, 2), (6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2)),
    b"PK\1\2": (
        *((6, 2), (8, 2), (10, 2), (16, 4), (20, 4)),
        *((24, 4), (28, 2), (30, 2), (38, 4), (42, 4)),
    ),
    b"PK\5\6": ((4, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2)),
}  # fmt: skip


def _change_headers(data: bytes, draw: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 3))):
        signature = draw.choice(list(_FIELDS))
        starts = [i for i in range(len(data) - 3) if data[i : i + 4] == signature]
        if not starts:
            continue
        offset, size = draw.choice(_FIELDS[signature])
        at = draw.choice(starts) + offset
        old = int.from_bytes(changed[at : at + size], "little")
        new = draw.choice((*_NUMBERS, old + 1, old - 1, old * 2, old ^ 1, len(data)))
        changed[at : at + size] = (new % (1 << 8 * size)).to_bytes(size, "little")
    return bytes(changed)


# ----------------------------------------------------------------------- headers of arrays

_DTYPES = (
    *("<f4", ">f4", "<f8", "<f2", "<i4", "<i8", "|i1", "|u1", "|b1", "<c8", "<c16", "|O", "|S8"),
    *("<U4", "|V2", "|V1", "<M8[s]", "<f16", "<f1", "f4", "float32", ""),
)
_SHAPES: tuple[tuple[Any, ...], ...] = (
    *((), (0,), (1,), (2,), (4, 2), (2, 4), (8,), (1, 4, 2), (10**9,), (10**6, 10**6), (0, 10**18)),
    *((-1,), (-4, -2), (2.0,), (True, 2), (2**63,), (1,) * 33, (1,) * 65),
)


def change_npy(data: bytes, draw: random.Random) -> bytes:
    """Returns an array in the format of NumPy whose header or length is another."""
    kind = draw.randrange(6)
    if kind == 0:
        return change_bytes(data, draw)
    if kind == 1:
        return data[: draw.randrange(len(data))]
    if kind == 2:
        return data + bytes(draw.choice((1, 4, 32, 1000)))
    length = int.from_bytes(data[8:10], "little")
    body = data[10 + length :]
    if kind == 3:
        text = change_bytes(data[10 : 10 + length], draw)
    else:
        header = {
            "descr": draw.choice(_DTYPES),
            "fortran_order": draw.choice((False, False, True, 2, None)),
            "shape": draw.choice(_SHAPES),
        }
        if draw.random() < 0.2:
            header[draw.choice(("x", "descr", "shape"))] = draw.choice((1, "", [1], {"a": 1}))
        text = repr(header).encode() + draw.choice((b"\n", b"", b"  \n", b")" * 50, b"#" * 9000))
    version = draw.choice((b"\1\0", b"\1\0", b"\1\0", b"\2\0", b"\3\0", b"\x09\0"))
    size = 2 if version == b"\1\0" else 4
    stated = draw.choice((len(text), len(text), len(text), 0, 1, 65535)) % (1 << 8 * size)
    return b"\x93NUMPY" + version + stated.to_bytes(size, "little") + text + body


def change_safetensors(data: bytes, draw: random.Random) -> bytes:
    """Returns a safetensors file whose header describes other arrays."""
    (length,) = struct.unpack("<Q", data[:8])
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    kind = draw.randrange(6)
    name = draw.choice([key for key in header if key != "__metadata__"])
    if kind == 0:
        return change_bytes(data, draw)
    if kind == 1:
        header = change_json(header, draw)
    elif kind == 2:
        dtypes = ("F32", "F16", "BF16", "I32", "U8", "BOOL", "F64", "F8_E5M2", "F4", "C64", "X")
        header[name]["dtype"] = draw.choice(dtypes)
    elif kind == 3:
        header[name]["shape"] = [size for size in draw.choice(_SHAPES)]
    elif kind == 4:
        offsets = header[name]["data_offsets"]
        offsets[draw.randrange(2)] += draw.choice((-4, 4, 1, -1, 2**40, 8))
    else:
        header.pop("__metadata__", None)
        body = change_bytes(body, draw)
    text = dump(header).encode()
    stated = draw.choice((len(text),) * 6 + (0, len(text) + 1, 2**63))
    return struct.pack("<Q", stated) + text + body
