"""ModelCheckpoint saves when and where it should."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import cornu
from tests.callbacks import fake

Checkpoint = cornu.callbacks.ModelCheckpoint
LOGS = [
    {"loss": 3.0, "val_loss": 3.0, "val_accuracy": 0.1},
    {"loss": 2.0, "val_loss": 4.0, "val_accuracy": 0.3},
    {"loss": 1.0, "val_loss": 2.0, "val_accuracy": 0.2},
]


def test_saving_is_that_of_keras(tmp_path):
    path = str(tmp_path / "{epoch:02d}-{val_loss:.1f}.keras")
    options = [
        {},
        {"save_best_only": True},
        {"save_best_only": True, "monitor": "val_accuracy", "mode": "max"},
        {"save_best_only": True, "mode": "max"},
        {"save_best_only": True, "initial_value_threshold": 2.5},
    ]
    for option in options:
        theirs, ours = (
            fake.drive(library.callbacks.ModelCheckpoint(path, **option), LOGS)[0].saved
            for library in (keras, cornu)
        )
        assert ours == theirs, option
    weights = Checkpoint(tmp_path / "new" / "{epoch}.weights.h5", save_weights_only=True)
    assert len(fake.drive(weights, LOGS)[0].saved) == 3
    assert (tmp_path / "new").is_dir()


def test_saving_by_steps(tmp_path):
    path = str(tmp_path / "{epoch}-{batch}-{loss}.keras")
    saved = []
    for library in (keras, cornu):
        callback = library.callbacks.ModelCheckpoint(path, save_freq=3)
        model = fake.Model()
        callback.set_model(model)
        for epoch in range(2):
            callback.on_epoch_begin(epoch)
            for batch in range(4):
                callback.on_train_batch_end(batch, {"loss": 1})
            callback.on_epoch_end(epoch, {"loss": 1})
        saved.append(model.saved)
    assert saved[0] == saved[1]
    assert [p.rpartition("/")[2] for p in saved[0]] == ["1-3-1.keras", "2-2-1.keras"]


def test_the_best_is_remembered(tmp_path):
    first = Checkpoint(tmp_path / "a.keras", save_best_only=True)
    fake.drive(first, LOGS)
    second = Checkpoint(tmp_path / "a.keras", save_best_only=True)
    second.set_state(first.get_state())
    model, _ = fake.drive(second, LOGS)
    assert second.best == 2.0 and model.saved == []


def test_problems_are_reported(tmp_path):
    for kwargs in ({"save_weights_only": True}, {}):
        with pytest.raises(ValueError, match="filepath must end in"):
            Checkpoint("model.txt", **kwargs)
    with pytest.raises(ValueError, match="save_freq must be 'epoch' or a number"):
        Checkpoint("a.keras", save_freq="batch")
    with pytest.raises(KeyError, match="contains 'acc', which is not in the logs. Available: loss"):
        fake.drive(Checkpoint(tmp_path / "{acc}.keras"), LOGS)
    (tmp_path / "folder.keras").mkdir()
    with pytest.raises(IsADirectoryError, match="is a directory. Pass the path of a file"):
        fake.drive(Checkpoint(tmp_path / "folder.keras"), LOGS)
    with pytest.warns(UserWarning, match="no metric 'val_los'. Did you mean 'val_loss'"):
        best = Checkpoint(tmp_path / "a.keras", "val_los", save_best_only=True)
        assert len(fake.drive(best, LOGS[:1])[0].saved) == 1
    with pytest.warns(UserWarning, match="is an array of shape"):
        best = Checkpoint(tmp_path / "a.keras", "loss", save_best_only=True)
        assert len(fake.drive(best, [{"loss": np.ones(2)}])[0].saved) == 1


def test_verbose_prints_a_message(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fake.drive(Checkpoint("a.keras", verbose=1, save_best_only=True), LOGS[:2])
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 1: val_loss improved from None to 3.00000",
        "Epoch 1: saved a.keras",
        "Epoch 2: val_loss did not improve from 3.00000",
    ]
