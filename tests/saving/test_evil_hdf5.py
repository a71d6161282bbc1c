"""HDF5 files that hold more than plain arrays."""

import h5py
import numpy as np
import pytest

from cornu.models import load_model
from tests.saving.attacks import archive, assert_rejected, config_of, h5, model
from tests.saving.models import floats

pytestmark = pytest.mark.usefixtures("warm")


def external(file, secret):
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_external(str(secret).encode(), 0, 32)
    space = h5py.h5s.create_simple((4, 2))
    h5py.h5d.create(file["layers/dense/vars"].id, b"0", h5py.h5t.NATIVE_FLOAT, space, plan)


def external_link(file, secret):
    file["layers/dense/vars/0"] = h5py.ExternalLink(str(secret), "/layers/dense/vars/0")


def external_group(file, secret):
    file["layers/other"] = h5py.ExternalLink(str(secret), "/layers")
    file["layers/dense/vars/0"] = floats(4, 2)


def soft_link(file, secret):
    file["elsewhere"] = floats(4, 2)
    file["layers/dense/vars/0"] = h5py.SoftLink("/elsewhere")


def hard_link(file, secret):
    file["elsewhere"] = floats(4, 2)
    file["layers/dense/vars/0"] = file["elsewhere"]


def circle(file, secret):
    file["layers/dense/vars/0"] = floats(4, 2)
    file["layers/dense/again"] = file["layers"]


def virtual(file, secret):
    layout = h5py.VirtualLayout((4, 2), "f4")
    layout[:] = h5py.VirtualSource(str(secret), "/layers/dense/vars/0", (4, 2))
    file.create_virtual_dataset("layers/dense/vars/0", layout)


def other_filter(file, secret):
    file.create_dataset("layers/dense/vars/0", data=floats(4, 2), compression="lzf")


def huge(file, secret):
    file.create_dataset("layers/dense/vars/0", (10**6, 10**6), "f4")


def huge_beside(file, secret):
    file["layers/dense/vars/0"] = floats(4, 2)
    file.create_dataset("layers/else/vars/0", (10**6, 10**6), "f4")


def huge_packed(file, secret):
    file.create_dataset("layers/dense/vars/0", (10**6, 10**6), "f4", compression="gzip")


def huge_chunk(file, secret):
    file.create_dataset(
        "layers/dense/vars/0", (4, 2), "f4", chunks=(2**15, 2**14), maxshape=(None, None),
        compression="gzip",
    )  # fmt: skip


def texts(file, secret):
    file.create_dataset("layers/dense/vars/0", data=[[b"a" * 9] * 2] * 4)


def objects(file, secret):
    kind = h5py.string_dtype()
    file.create_dataset("layers/dense/vars/0", data=[["a", "b"]] * 4, dtype=kind)


def references(file, secret):
    file.create_dataset("layers/dense/vars/0", (4, 2), h5py.ref_dtype)


def compound(file, secret):
    file.create_dataset("layers/dense/vars/0", (4, 2), [("a", "f4"), ("b", "i4")])


def named_type(file, secret):
    file["layers/dense/vars/0"] = np.dtype("f4")


def no_shape(file, secret):
    file["layers/dense/vars/0"] = h5py.Empty("f4")


H5_ATTACKS = [
    external, external_link, external_group, soft_link, hard_link, circle, virtual, other_filter,
    huge, huge_beside, huge_packed, huge_chunk, texts, objects, references, compound, named_type,
    no_shape,
]  # fmt: skip


@pytest.mark.parametrize("attack", H5_ATTACKS, ids=lambda attack: attack.__name__)
def test_hdf5_holds_plain_arrays_only(attack, tmp_path):
    secret = tmp_path / "secret.h5"
    secret.write_bytes(h5({"layers/dense/vars/0": floats(4, 2)}))
    path = tmp_path / "evil.weights.h5"
    with h5py.File(path, "w") as file:
        file["layers/dense/vars/1"] = floats(2)
        attack(file, secret)
    made = model()
    before = made.get_weights()
    assert_rejected(made.load_weights, path)
    whole = archive(tmp_path / "evil.keras", config_of(made), path.read_bytes())
    assert_rejected(load_model, whole)
    assert_rejected(made.load_weights, whole)
    assert_rejected(lambda p: made.load_weights(p, skip_mismatch=True), path)  # not even what fits
    for one, two in zip(before, made.get_weights(), strict=True):
        assert (one == two).all()
