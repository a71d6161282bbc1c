"""Npz and safetensors files that hold more than plain arrays."""

import json
import pickle
import struct
import zipfile

import numpy as np
import pytest

from tests.saving.attacks import MALICIOUS, assert_rejected, model
from tests.saving.models import floats

pytestmark = pytest.mark.usefixtures("warm")


class Evil:
    def __reduce__(self):
        return exec, (MALICIOUS,)


def test_npz_is_never_unpickled(tmp_path):
    path, made = tmp_path / "evil.npz", model()
    objects = np.empty((4, 2), object)
    objects[:] = 1.0
    objects[0, 0] = Evil()
    kept = {"layers/dense/vars/1": floats(2)}
    np.savez(path, **kept, **{"layers/dense/vars/0": objects})
    assert_rejected(made.load_weights, path, "not numbers")
    for data in (pickle.dumps(Evil()), b"", b"\x93NUMPY", b"\x93NUMPY\x01\x00\xff\xff" + bytes(9)):
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("layers/dense/vars/0.npy", data)
            file.writestr("layers/dense/vars/1.npy", data)
        assert_rejected(made.load_weights, path)
        path.write_bytes(data)
        assert_rejected(made.load_weights, path)


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 2)}",  # without the numbers
        "{'descr': '|O', 'fortran_order': False, 'shape': (4, 2)}",
        "{'descr': '|S1000000000', 'fortran_order': False, 'shape': (4, 2)}",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (4, 2)}",
        "__import__('os').system('touch /tmp/x')",
        "(" * 5000,
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-4, -2)}",
        "{'descr': '<f4', 'fortran_order': 2, 'shape': 'x'}",
    ],
    ids=range(9),
)
def test_npz_headers_are_data(header, tmp_path):
    path = tmp_path / "evil.npz"
    text = header.encode() + b"\n"
    data = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("layers/dense/vars/0.npy", data)
        file.writestr("layers/dense/vars/1.npy", data)
    assert_rejected(model().load_weights, path)


@pytest.mark.parametrize(
    "shape, offsets",
    [([10**6, 10**6], [0, 32]), ([4, 2], [0, 10**12]), ([4, 2], [0, 3]), ([-4, -2], [0, 32])],
)
def test_safetensors_headers_are_checked(shape, offsets, tmp_path):
    path = tmp_path / "evil.safetensors"
    entry = {"dtype": "F32", "shape": shape, "data_offsets": offsets}
    header = json.dumps({"layers/dense/vars/0": entry, "layers/dense/vars/1": entry}).encode()
    for length in (len(header), 10**15):
        path.write_bytes(struct.pack("<Q", length) + header + bytes(32))
        assert_rejected(model().load_weights, path)
