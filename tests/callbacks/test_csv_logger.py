"""CSVLogger writes the table that Keras writes."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import cornu
from tests.callbacks import fake


def test_tables_are_those_of_keras(tmp_path):
    runs = [
        [{"loss": 1.5, "accuracy": 0.25}, {"loss": 1.0, "accuracy": 0.5}],
        [{"loss": 1.5, "val_loss": 2.5}, {"loss": 1.0}],
        [{"loss": 1.0}, {"loss": 0.5, "val_loss": 2.5}],
        [{"loss": np.float32(0.5), "each": np.array([1, 2])}],
    ]
    for i, logs in enumerate(runs):
        texts = []
        for library in (keras, cornu):
            path = tmp_path / f"{i}-{library.__name__}.csv"
            fake.drive(library.callbacks.CSVLogger(path, separator=";"), logs)
            texts.append(path.read_text())
        assert texts[0] == texts[1]


def test_appending_goes_on_under_the_same_header(tmp_path):
    path = tmp_path / "log.csv"
    for start in (0, 2):
        logger = cornu.callbacks.CSVLogger(path, append=True)
        fake.drive(logger, [{"loss": 1.0, "val_loss": 2.0}] * 2, start=start)
    lines = path.read_text().splitlines()
    assert lines[0] == "epoch,loss,val_loss" and len(lines) == 5
    assert [line.partition(",")[0] for line in lines[1:]] == ["0", "1", "2", "3"]
    fake.drive(cornu.callbacks.CSVLogger(path), [{"loss": 1.0}])
    assert path.read_text().splitlines() == ["epoch,loss,val_loss", "0,1.0,NA"]


def test_it_must_be_begun(tmp_path):
    with pytest.raises(RuntimeError, match="before `on_train_begin`"):
        cornu.callbacks.CSVLogger(tmp_path / "log.csv").on_epoch_end(0, {})
