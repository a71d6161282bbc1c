"""Arrays whose numbers are elsewhere are found before the HDF5 library opens them."""

import io

import h5py
import numpy as np
import pytest
from h5py import h5g

from benchmarks.fuzzing.target import Case, judge
from benchmarks.fuzzing.targets import TARGETS
from cornu.saving.formats.hdf5_headers import is_outside

VERSIONS = ("earliest", "v108", "v110", "latest")


def reader_of(fill, libver, **options):
    """Returns a function that reads bytes of a file, and one that returns an object's address."""
    target = io.BytesIO()
    with h5py.File(target, "w", libver=libver, **options) as file:
        fill(file)
    data = target.getvalue()

    def address(name):
        with h5py.File(io.BytesIO(data), "r") as file:
            low, high = h5g.get_objinfo(file.id, name.encode()).objno
            return low | high << 32

    return lambda at, count: data[at : at + count], address


def many_attributes(file):
    data = file.create_dataset("x", data=np.ones((4, 2)))
    for i in range(30):  # more than the first block of a header holds
        data.attrs[f"a{i}"] = np.arange(20)


@pytest.mark.parametrize("libver", VERSIONS)
def test_own_data(libver):
    def fill(file):
        file["contiguous"] = np.ones((4, 2))
        file["scalar"] = 1.0
        file.create_dataset("empty", (0, 2))
        file.create_dataset("chunked", data=np.ones((4, 2)), chunks=(1, 2), compression="gzip")
        file.create_group("group", track_order=True)
        many_attributes(file)

    read, address = reader_of(fill, libver)
    for name in ("contiguous", "scalar", "empty", "chunked", "group", "x", "."):
        assert not is_outside(read, address(name))


@pytest.mark.parametrize("libver", VERSIONS)
@pytest.mark.parametrize("kind", ["virtual", "external"])
def test_data_elsewhere(kind, libver):
    def fill(file):
        many_attributes(file)
        if kind == "virtual":
            layout = h5py.VirtualLayout((4, 2), "f4")
            layout[:] = h5py.VirtualSource("other.h5", "x", (4, 2))
            file.create_virtual_dataset("y", layout)
        else:
            file.create_dataset("y", (4, 2), external=[("other", 0, h5py.h5f.UNLIMITED)])
        for i in range(30):
            file["y"].attrs[f"a{i}"] = np.arange(20)

    read, address = reader_of(fill, libver)
    assert is_outside(read, address("y")) and not is_outside(read, address("x"))


@pytest.mark.parametrize("address", [0, 1, 10**9, 2**64 - 1])
def test_what_is_no_header(address):
    with pytest.raises(ValueError, match="no header"):
        is_outside(lambda at, count: bytes(count) if at < 100 else b"", address)


def test_headers_without_end():
    # A block that continues in itself.
    block = b"\x01\0\0\0\0\0\0\0\x18\0\0\0\0\0\0\0" + b"\x10\0\x10\0\0\0\0\0"
    block += (16).to_bytes(8, "little") + (24).to_bytes(8, "little")
    with pytest.raises(ValueError, match="too long"):
        is_outside(lambda at, count: block[at : at + count], 0)


# Numbers of files on which the library crashed or did not return.
@pytest.mark.parametrize("number", [3255, 5765, 7489, 19833, 39707, 41384, 42823])
def test_files_on_which_the_library_crashed(number, tmp_path):
    case: Case = TARGETS["HDF5 layouts"].open(tmp_path)(number)
    assert judge(case)[0] == "refused"
