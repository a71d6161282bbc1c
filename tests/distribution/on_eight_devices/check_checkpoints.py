"""What is saved on one number of devices is restored on another."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import cornu
from benchmarks.distribution.models import mlp
from cornu import distribution as dist
from cornu import layers as L


def on(devices):
    """Returns a distribution over the first devices; None for one."""
    names = dist.list_devices()[:devices]
    return None if devices == 1 else dist.FullySharded(devices=names, min_size=64)


# The epochs of the last run. Not an attribute of the callback, which is restored with the run.
begun: list[int] = []


class Stop(cornu.callbacks.Callback):
    """Ends the run with an error after so many epochs."""

    def __init__(self, epochs):
        super().__init__()
        self.epochs = epochs

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epochs:
            raise InterruptedError
        begun.append(epoch)


def train(devices, epochs, resume=None, stop=None, callbacks=(), use_ema=True):
    cornu.utils.set_random_seed(3)
    model, x, y, loss = mlp(rows=40)
    optimizer = cornu.optimizers.Adam(0.01, epsilon=1e-3, use_ema=use_ema)
    model.compile(optimizer, loss, distribution=on(devices))
    begun.clear()
    try:
        history = model.fit(
            *(x, y, 16),
            epochs=epochs,
            verbose=0,
            resume=None if resume is None else cornu.Resume(resume, every="epoch"),
            callbacks=[*callbacks, Stop(stop)],
        ).history["loss"]
    except InterruptedError:
        history = None
    return model, history


def numbers(model):
    return [v.numpy() for v in (*model.variables, *model.optimizer.variables)]


def test_a_resumed_run_is_the_same_on_the_same_devices(tmp_path):
    expected, losses = train(8, 3)
    assert train(8, 3, tmp_path, stop=2)[1] is None
    found, resumed = train(8, 3, tmp_path)
    assert resumed == losses
    assert begun == [2]
    for mine, other in zip(numbers(found), numbers(expected), strict=True):
        np.testing.assert_array_equal(mine, other)


@pytest.mark.slow
@pytest.mark.parametrize("path", ((8, 2, 1), (2, 8), (1, 8)))
def test_a_run_is_resumed_on_another_number_of_devices(path, tmp_path):
    expected, losses = train(1, len(path) + 1)
    for epoch, devices in enumerate(path[:-1]):
        assert train(devices, len(path) + 1, tmp_path, stop=epoch + 1)[1] is None
    found, resumed = train(path[-1], len(path) + 1, tmp_path)
    np.testing.assert_allclose(resumed, losses, atol=1e-5, rtol=0)
    assert begun == [len(path) - 1, len(path)]
    for mine, other in zip(numbers(found), numbers(expected), strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-5, rtol=1e-5)
    assert len(found.layers[0].kernel.value.sharding.device_set) == path[-1]


@pytest.mark.parametrize(
    ("before", "after"),
    ((8, 2), *(pytest.param(*p, marks=pytest.mark.slow) for p in ((2, 8), (8, 1)))),
)
def test_checkpoints_of_orbax(before, after, tmp_path, monkeypatch):
    pytest.importorskip("orbax.checkpoint")
    folder = tmp_path / "checkpoints"
    checkpoint = cornu.callbacks.OrbaxCheckpoint(folder)
    model, _ = train(before, 2, callbacks=[checkpoint], use_ema=False)
    moved = []
    put = jax.device_put
    monkeypatch.setattr(jax, "device_put", lambda x, *a, **k: moved.append(x) or put(x, *a, **k))
    with on(after).scope() if after > 1 else dist.DataParallel(devices=["cpu:0"]).scope():
        loaded = cornu.saving.load_model(folder)
        monkeypatch.undo()
        # Neither the host nor a device ever has a divided weight as a whole.
        state = [*loaded.variables, *loaded.optimizer.variables]
        largest = max(v.value.addressable_shards[0].data.size for v in state)
        assert largest == max(v.size for v in state) // after
        assert max(x.size for x in moved if isinstance(x, np.ndarray)) == largest
        x = np.ones((4, 64), "float32")
        np.testing.assert_allclose(loaded.predict(x, verbose=0), model.predict(x, verbose=0), 1e-5)
        for mine, other in zip(numbers(loaded), numbers(model), strict=True):
            np.testing.assert_array_equal(mine, other)
        kernel = loaded.layers[0].kernel
        assert len(kernel.value.sharding.device_set) == after
        loaded.fit(*mlp()[1:3], epochs=1, verbose=0)


@pytest.mark.parametrize(
    "suffix",
    (
        ".safetensors",
        *(pytest.param(s, marks=pytest.mark.slow) for s in (".keras", ".weights.h5", ".npz")),
    ),
)
def test_files_are_written_weight_by_weight(suffix, tmp_path, monkeypatch):
    """Each weight is collected on the host; no device receives more than its part."""
    model, _ = train(8, 1)
    moved = []
    for name in ("device_put", "jit"):
        function = getattr(jax, name)
        monkeypatch.setattr(jax, name, lambda *a, f=function, **k: moved.append(a) or f(*a, **k))
    save = model.save if suffix == ".keras" else model.save_weights
    before = {id(array) for array in jax.live_arrays()}
    save(tmp_path / f"file{suffix}")
    created = [a for a in jax.live_arrays() if id(a) not in before]
    assert not moved
    # Parts of one device, which JAX makes to copy them.
    assert max((a.size for a in created), default=0) <= 64 * 128 // 8
    other, *_ = mlp()
    with on(2).scope():
        if suffix == ".keras":
            other = cornu.saving.load_model(tmp_path / "file.keras")
        else:
            other.load_weights(tmp_path / f"file{suffix}")
    for mine, theirs in zip(model.weights, other.weights, strict=True):
        np.testing.assert_array_equal(mine.numpy(), theirs.numpy())


@pytest.mark.slow
def test_a_pickled_or_copied_model_has_the_same_weights():
    import copy
    import pickle

    model, _ = train(8, 1)
    for same in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        for mine, theirs in zip(model.weights, same.weights, strict=True):
            np.testing.assert_array_equal(mine.numpy(), theirs.numpy())
        x, y = mlp()[1:3]
        assert np.isfinite(same.fit(x, y, verbose=0).history["loss"]).all()
    clone = cornu.models.clone_model(model)
    assert isinstance(clone.layers[0], L.Dense)
