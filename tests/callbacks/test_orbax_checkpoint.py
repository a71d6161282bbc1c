"""OrbaxCheckpoint: what is saved when, and that it comes back."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.callbacks import Callback, LambdaCallback, OrbaxCheckpoint
from cornu.saving import budget
from cornu.saving.formats.orbax import OrbaxCheckpoints

pytest.importorskip("orbax.checkpoint")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 3)).astype("float32")
Y = RNG.normal(size=(24, 1)).astype("float32")


def tiny(optimizer="adam"):
    model = cornu.Sequential(
        [cornu.Input((3,)), layers.Dense(2), layers.BatchNormalization(), layers.Dense(1)]
    )
    model.compile(optimizer, "mse")
    return model


def fit(model, *callbacks, epochs=3, **kwargs):
    kwargs = {"batch_size": 8, "verbose": 0, **kwargs}
    return model.fit(X, Y, epochs=epochs, callbacks=list(callbacks), **kwargs)


def steps(folder):
    return sorted(int(path.name) for path in folder.iterdir())


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("background", [True, False])
def test_a_loaded_model_continues_training_equally(tmp_path, background):
    model = tiny()
    fit(model, OrbaxCheckpoint(tmp_path, save_on_background=background))
    assert steps(tmp_path) == [2]
    other = cornu.saving.load_model(tmp_path)
    assert same(other.get_weights(), model.get_weights())
    for a, b in zip(other.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    histories = [fit(m, epochs=1, shuffle=False).history for m in (model, other)]
    assert histories[0] == histories[1]


def test_every_epoch_is_saved_as_it_was(tmp_path):
    kept = []
    keep = LambdaCallback(on_epoch_end=lambda epoch, logs: kept.append(model.get_weights()))
    model = tiny()
    fit(model, keep, OrbaxCheckpoint(tmp_path, max_to_keep=None))
    assert steps(tmp_path) == [0, 1, 2]
    for epoch in range(3):
        other = tiny()
        other.load_weights(tmp_path / str(epoch))
        assert same(other.get_weights(), kept[epoch])


def test_weights_alone(tmp_path):
    model = tiny()
    fit(model, OrbaxCheckpoint(tmp_path, save_weights_only=True))
    other = tiny()
    other.load_weights(tmp_path)
    assert same(other.get_weights(), model.get_weights())
    with pytest.raises(ValueError, match="contains only weights"):
        cornu.saving.load_model(tmp_path)


def test_steps_within_an_epoch(tmp_path):
    keep = OrbaxCheckpoint(tmp_path, save_freq=2, max_to_keep=2)
    assert keep.batch_hooks() == {"on_train_batch_end"}
    assert not OrbaxCheckpoint(tmp_path).batch_hooks()
    model = tiny()
    fit(model, keep)  # 9 steps
    assert steps(tmp_path) == [6, 8]
    fit(model, keep, epochs=1)
    assert steps(tmp_path) == [8, 11]


def test_the_last_ones_are_kept(tmp_path):
    fit(tiny(), OrbaxCheckpoint(tmp_path, max_to_keep=2), epochs=4)
    assert steps(tmp_path) == [2, 3]


def test_only_the_best(tmp_path, capsys):
    values = [1.0, 3.0, 0.5, 2.0]

    class Judge(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["score"] = values[epoch]

    keep = OrbaxCheckpoint(tmp_path, "score", 1, save_best_only=True, max_to_keep=None, mode="min")
    fit(tiny(), Judge(), keep, epochs=4)
    assert steps(tmp_path) == [0, 2] and keep.best == 0.5
    assert f"Epoch 3: saved {tmp_path / '2'}\n" in capsys.readouterr().out
    with pytest.warns(UserWarning, match="no metric 'scores'"):
        fit(tiny(), OrbaxCheckpoint(tmp_path / "no", "scores", save_best_only=True), epochs=1)
    assert steps(tmp_path / "no") == []


def test_the_best_value_survives(tmp_path):
    logs = {"val_loss": 0.5}
    keep = OrbaxCheckpoint(tmp_path, save_best_only=True, max_to_keep=None)
    keep.set_model(tiny())
    fit(keep.model, epochs=1)
    keep.on_train_begin()
    keep.on_epoch_end(0, logs)
    again = OrbaxCheckpoint(tmp_path, save_best_only=True, max_to_keep=None)
    again.set_model(keep.model)
    keep.on_train_end()
    again.on_train_begin()
    again.set_state(keep.get_state())
    again.on_epoch_end(1, {"val_loss": 0.75})
    again.on_epoch_end(2, {"val_loss": 0.25})
    again.on_train_end()
    assert steps(tmp_path) == [0, 2]


def test_a_new_run_counts_on_and_a_resumed_one_does_not(tmp_path):
    keep, model = OrbaxCheckpoint(tmp_path, max_to_keep=None), tiny()
    fit(model, keep, epochs=2)
    fit(model, keep, epochs=2)
    assert steps(tmp_path) == [0, 1, 2, 3]
    last = tiny()
    last.load_weights(tmp_path)
    assert same(last.get_weights(), model.get_weights())
    # It was broken off after epoch 1 was saved, and its state is from the end of epoch 0.
    again = OrbaxCheckpoint(tmp_path, max_to_keep=None)
    again.set_model(model)
    again.on_train_begin()
    again.set_state({"best": None, "_steps": 15, "_steps_since": 0, "_added": 2})
    for epoch in (1, 2):
        again.on_epoch_end(epoch, {})
    again.on_train_end()
    assert steps(tmp_path) == [0, 1, 2, 3, 4]


def test_what_is_written_in_the_background_is_not_changed_by_training(tmp_path):
    """The buffers of a step are given to the next one, while a file may still be written."""
    wide = cornu.Sequential([cornu.Input((3,)), layers.Dense(50_000), layers.Dense(1)])
    wide.compile(cornu.optimizers.SGD(1e-4), "mse")
    kept = []

    class Keep(Callback):
        def on_train_batch_end(self, batch, logs=None):
            kept.append(wide.get_weights())

    fit(wide, Keep(), OrbaxCheckpoint(tmp_path, save_freq=1, max_to_keep=None), epochs=1)
    for step in (1, 2, 3):
        wide.load_weights(tmp_path / str(step))
        assert same(wide.get_weights(), kept[step - 1])


def test_arguments_are_checked(tmp_path):
    for kwargs in ({"save_freq": "batch"}, {"save_freq": 0}, {"max_to_keep": 0}):
        with pytest.raises(ValueError, match=f"{next(iter(kwargs))} must be .* positive integer"):
            OrbaxCheckpoint(tmp_path, **kwargs)


def test_without_orbax_it_names_the_package_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "orbax.checkpoint", None)
    keep = OrbaxCheckpoint(tmp_path)
    keep.set_model(tiny())
    with pytest.raises(ImportError, match=r"pip install 'cornu\[ecosystem\]'"):
        keep.on_train_begin()


# --------------------------------------------------------------------------------- strange folders


def test_a_folder_without_checkpoints(tmp_path):
    (tmp_path / "3").mkdir()
    with pytest.raises(FileNotFoundError, match="contains no checkpoint"):
        tiny().load_weights(tmp_path)
    with pytest.raises(FileNotFoundError, match="contains no checkpoint"):
        cornu.saving.load_model(tmp_path)


def test_another_architecture_changes_nothing(tmp_path):
    fit(tiny(), OrbaxCheckpoint(tmp_path), epochs=1)
    other = cornu.Sequential([cornu.Input((3,)), layers.Dense(5), layers.Dense(1)])
    before = other.get_weights()
    with pytest.raises(ValueError, match="does not match"):
        other.load_weights(tmp_path)
    assert same(before, other.get_weights())


@pytest.mark.parametrize("what", ["arrays/_METADATA", "config/metadata"])
@pytest.mark.parametrize("damage", [b"", b"\xff{not what it was"])
def test_a_damaged_file_is_rejected(tmp_path, what, damage):
    fit(tiny(), OrbaxCheckpoint(tmp_path), epochs=1)
    (tmp_path / "0" / what).write_bytes(damage)
    with pytest.raises(ValueError, match=str(tmp_path)):
        cornu.saving.load_model(tmp_path)


def test_a_config_can_only_name_what_is_known(tmp_path):
    fit(tiny(), OrbaxCheckpoint(tmp_path), epochs=1)
    path = tmp_path / "0" / "config" / "metadata"
    path.write_text(path.read_text().replace("BatchNormalization", "BatchNormalisation"))
    with pytest.raises(ValueError, match="BatchNormalisation"):
        cornu.saving.load_model(tmp_path)


def test_decompression_bombs_are_rejected_before_reading(tmp_path, monkeypatch):
    checkpoints = OrbaxCheckpoints(tmp_path)
    checkpoints.save(0, {"vars/0": cornu.Variable(np.zeros((1000, 1000), "float32"))}, None)
    checkpoints.close()
    limit = budget._Limit(1000, 100)
    monkeypatch.setitem(budget._LIMITS, "bytes after decompression", limit)
    with pytest.raises(ValueError, match="4,000,000 bytes after decompression"):
        tiny().load_weights(tmp_path)
