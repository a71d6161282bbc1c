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


def test_it_must_be_started(tmp_path):
    with pytest.raises(RuntimeError, match="before `on_train_begin`"):
        cornu.callbacks.CSVLogger(tmp_path / "log.csv").on_epoch_end(0, {})


def test_nothing_is_opened_before_the_first_row(tmp_path):
    path = tmp_path / "new" / "log.csv"
    logger = cornu.callbacks.CSVLogger(path)
    logger.on_train_begin()
    assert not path.exists() and logger.get_state()["length"] is None
    path.write_text("of an earlier run\n")
    logger.on_epoch_end(0, {"loss": 1.0})
    assert path.read_text().splitlines() == ["epoch,loss,val_loss", "0,1.0,NA"]
    state = logger.get_state()
    assert state["length"] == path.stat().st_size and path.read_text().endswith("0,1.0,NA\n")
    logger.on_train_exception(KeyboardInterrupt())


@pytest.mark.parametrize("append", [False, True])
@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_resumed_run_has_each_row_once(tmp_path, append, lost):
    logs = [{"loss": 1.0 / (i + 1), "val_loss": 2.0} for i in range(5)]
    whole, path = tmp_path / "whole.csv", tmp_path / "log.csv"
    fake.drive(cornu.callbacks.CSVLogger(whole), logs)
    logger = cornu.callbacks.CSVLogger(path, append=append)
    fake.drive(logger, logs[: 3 - lost])
    state = logger.get_state()
    fake.drive_on(logger, logs[3 - lost : 3], start=3 - lost)  # written, then lost in a crash
    with open(path, "a") as file:
        file.write("3,0.2")  # half a row
    again = cornu.callbacks.CSVLogger(path, append=append)
    again.on_train_begin()
    again.set_state(state)
    fake.drive_on(again, logs[3 - lost :], start=3 - lost)
    assert path.read_bytes() == whole.read_bytes()


def test_a_state_from_before_the_first_row_restarts_the_file(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("old\n")
    logger = cornu.callbacks.CSVLogger(path)
    logger.on_train_begin()
    logger.set_state({"length": None})
    fake.drive_on(logger, [{"loss": 1.0}])
    assert path.read_text().splitlines()[0] == "epoch,loss,val_loss"


def test_a_truncated_file_is_reported(tmp_path):
    path = tmp_path / "log.csv"
    logger = cornu.callbacks.CSVLogger(path)
    fake.drive(logger, [{"loss": 1.0, "val_loss": 2.0}])
    state = logger.get_state()
    path.unlink()
    logger.on_train_begin()
    with pytest.warns(
        UserWarning, match="had .* bytes when the state .* was saved, and has 0 bytes now"
    ):
        logger.set_state(state)
    fake.drive_on(logger, [{"loss": 1.0, "val_loss": 2.0}], start=1)
    assert path.read_text().splitlines() == ["epoch,loss,val_loss", "1,1.0,2.0"]


def test_a_folder_is_rejected_before_training(tmp_path):
    with pytest.raises(IsADirectoryError, match="is a directory"):
        cornu.callbacks.CSVLogger(tmp_path).on_train_begin()


def test_a_file_that_is_no_table_is_not_appended_to(tmp_path):
    for content in (b"epoch," + b"a" * (2 << 20), b"epoch,\xff\xfe"):
        path = tmp_path / "log.csv"
        path.write_bytes(content)
        log = cornu.callbacks.CSVLogger(path, append=True)
        log.on_train_begin()
        with pytest.raises(ValueError, match="the first row of .* cannot be read"):
            log.on_epoch_end(0, {"loss": 1.0})
        assert path.read_bytes() == content
