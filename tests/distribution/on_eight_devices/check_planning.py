"""Planning changes nothing, and weights that are divided along both axes of a mesh train."""

from __future__ import annotations

import jax
import numpy as np

import cornu
from benchmarks.distribution.models import mlp
from cornu import distribution as dist


def test_weights_that_are_divided_along_both_axes_train_as_on_one_device():
    def train(distribution):
        cornu.utils.set_random_seed(2)
        model, x, y, loss = mlp(rows=16)
        model.compile(cornu.optimizers.Adam(0.01, epsilon=1e-3), loss, distribution=distribution)
        return model, model.fit(x, y, batch_size=8, epochs=4, verbose=0).history["loss"]

    _, expected = train(None)
    model, found = train(dist.ShardedTensorParallel(model_parallel=2, min_size=64))
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=1e-5)
    parts = {v.value.addressable_shards[0].data.size / v.size for v in model.trainable_variables}
    assert min(parts) == 1 / 8


def test_planning_leaves_the_model_as_it_was():
    model, x, y, loss = mlp(rows=16)
    model.compile("adam", loss)
    before = [np.array(v.value) for v in model.variables]
    shardings = [v.sharding for v in model.variables]
    dist.plan(model, devices=16, layouts=["fsdp", "tensor 2"], batch=16)
    assert [v.sharding for v in model.variables] == shardings
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable.value, value)
    assert jax.device_count() == 8
    model.fit(x, y, batch_size=8, verbose=0)
