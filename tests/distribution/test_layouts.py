"""Meshes, layouts and distributions, compared with those of Keras."""

from __future__ import annotations

import jax
import keras
import numpy as np
import pytest

import cornu

LIBRARIES = (cornu, keras)


def both(function):
    """Returns what a function of the library returns, or the type of its error, for both."""
    found = []
    for library in LIBRARIES:
        try:
            found.append(function(library.distribution))
        except Exception as error:
            found.append(type(error))
    return found


def layouts(dist, devices=("cpu:0", "cpu:1")):
    mesh = dist.DeviceMesh((1, 2), ["batch", "model"], devices)
    found = dist.LayoutMap(mesh)
    found[".*dense.*kernel"] = (None, "model")
    found["conv/kernel"] = dist.TensorLayout([None, None, None, "model"])
    found[r"block_\d+/output"] = ("batch", "model")
    return found


QUESTIONS = {
    "exact": lambda d: layouts(d)["conv/kernel"].axes,
    "expression": lambda d: layouts(d)["a/dense_1/kernel"].axes,
    "whole path": lambda d: layouts(d)["a/dense_1/kernel/more"],
    "none": lambda d: layouts(d)["bias"],
    "get": lambda d: layouts(d).get("bias", 3),
    "keys": lambda d: list(layouts(d)),
    "length": lambda d: len(layouts(d)),
    "mesh of a layout": lambda d: layouts(d)["conv/kernel"].device_mesh.shape,
    "twice": lambda d: layouts(d).update({"conv/kernel": ("batch",)}),
    "ambiguous": lambda d: [m := layouts(d), m.update({".*kernel": ("batch",)}), m["dense/kernel"]],
    "delete": lambda d: layouts(d).pop("nothing"),
    "no layout": lambda d: layouts(d).update(a=3),
    "unknown axis": lambda d: layouts(d).update(a=("data",)),
    "axis of mesh": lambda d: d.TensorLayout(["x"], d.DeviceMesh((2,), ["y"])),
    "second mesh": lambda d: setattr(layouts(d)["conv/kernel"], "device_mesh", layouts(d)),
    "no mesh": lambda d: d.TensorLayout([None]).backend_layout,
    "spec": lambda d: layouts(d)["conv/kernel"].backend_layout.spec,
    "empty mesh": lambda d: d.DeviceMesh((), []),
    "mesh of other length": lambda d: d.DeviceMesh((2,), ["a", "b"]),
    "mesh of other size": lambda d: d.DeviceMesh((3,), ["a"]),
    "repr of a mesh": lambda d: repr(d.DeviceMesh((2,), ["a"])),
    "devices": lambda d: d.DeviceMesh((2, 1), ["a", "b"]).devices.tolist(),
    "default device": lambda d: d.DeviceMesh((1,), ["a"], ["cpu"]).backend_mesh.devices.tolist(),
    "unknown device": lambda d: d.DeviceMesh((1,), ["a"], ["cpu:9"]).backend_mesh,
    "listed": lambda d: [d.list_devices(), d.list_devices("CPU"), d.get_device_count("cpu")],
    "data": lambda d: d.DataParallel().get_data_layout((None, 3)).axes,
    "data parallel": lambda d: [
        (p := d.DataParallel(devices=["cpu:1"])).num_model_replicas,
        *(p.num_processes, p.data_shard_id, p.batch_dim_name, p.auto_shard_dataset),
        *(p.device_mesh.shape, p.get_tensor_layout("a/output"), p.distribute_dataset(3)),
    ],
    "data parallel of a list": lambda d: d.DataParallel(device_mesh=["cpu:0"]),
    "model parallel": lambda d: [
        (p := d.ModelParallel(layout_map=layouts(d), auto_shard_dataset=False)).num_model_replicas,
        *(p.batch_dim_name, p.auto_shard_dataset, p.data_shard_id),
        p.get_tensor_layout("block_2/output").axes,
        d.ModelParallel(layout_map=layouts(d), batch_dim_name="model").num_model_replicas,
    ],
    "no layout map": lambda d: d.ModelParallel(),
    "scope": lambda d: [
        (p := d.DataParallel()).scope().__enter__(),
        d.distribution() is p,
        d.set_distribution(None),
        d.distribution(),
    ],
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_answers_are_those_of_keras(question):
    ours, theirs = both(QUESTIONS[question])
    if isinstance(theirs, type):
        assert issubclass(ours, theirs), (ours, theirs)
    else:
        assert ours == theirs


def test_a_mesh_with_several_axes_is_reported_by_data_parallel():
    mesh = cornu.distribution.DeviceMesh((1, 2), ["rows", "rest"])
    with pytest.warns(UserWarning, match="along the first one only"):
        assert cornu.distribution.DataParallel(mesh).batch_dim_name == "rows"


def test_layouts_of_variables():
    dist = cornu.distribution
    weight = cornu.Variable(np.zeros((2, 4)), name="w")
    parallel = dist.ModelParallel(layout_map=layouts(dist))
    assert parallel.get_variable_layout(weight).axes == (None, None)
    weight.path = "dense/kernel"
    assert parallel.get_variable_layout(weight).axes == (None, "model")
    with parallel.scope():
        own = cornu.Variable(
            np.zeros((2, 4)), layout=dist.TensorLayout(("model",), parallel.device_mesh)
        )
    assert parallel.get_variable_layout(own).axes == ("model",)


def test_tensors_are_distributed():
    dist = cornu.distribution
    layout = dist.TensorLayout((None, "model"), dist.DeviceMesh((2,), ["model"]))
    symbolic = cornu.Input((4,))
    assert dist.distribute_tensor(symbolic, layout) is symbolic
    for given in (layout, layout.backend_layout):
        x = dist.distribute_tensor(np.arange(8.0).reshape(2, 4), given)
        assert x.addressable_shards[0].data.shape == (2, 2)
        assert dist.distribute_tensor(x, given) is x
        y = jax.jit(lambda x, given=given: dist.distribute_tensor(2 * x, given))(np.ones((2, 4)))
        assert y.sharding.spec == layout.backend_layout.spec


def test_a_distribution_must_be_one():
    with pytest.raises(TypeError, match="expected a distribution"):
        cornu.distribution.set_distribution("data")
