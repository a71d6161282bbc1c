"""The command line, and the demonstration that it runs."""

import os
import sys

import pytest

import cornu
from cornu.cli import main


@pytest.mark.slow
def test_the_demo_trains_saves_and_shows_blocks(tmp_path, capsys):
    assert main(["demo", "--out", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "1437 for training, 360 for testing" in shown
    assert "same weights, same predictions" in shown
    assert "residual_block x2" in shown and "conv_bn_relu" in shown
    accuracies = [float(part[:6]) for part in shown.split("Test accuracy: ")[1:]]
    assert len(accuracies) == 2 and min(accuracies) > 0.95
    assert {p.name for p in tmp_path.iterdir()} == {"dense.weights.h5", "resnet.weights.h5"}


def test_a_file_that_is_not_there(capsys):
    assert main(["run", "--as", "keras1", "nowhere.py"]) == 2
    assert "'nowhere.py' does not exist" in capsys.readouterr().err


def test_an_unknown_dialect(capsys):
    with pytest.raises(SystemExit):
        main(["run", "--as", "keras9", "x.py"])
    assert "invalid choice: 'keras9'" in capsys.readouterr().err


def test_the_version(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.startswith("cornu 0.")


def test_the_summary_of_a_saved_model(tmp_path, capsys):
    path = str(tmp_path / "model.keras")
    cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(2)], name="saved").save(path)
    assert main(["summary", path, "--flops", "--dtype"]) == 0
    shown = capsys.readouterr().out
    assert 'Model: "saved"' in shown and "FLOPs: 18" in shown and "float32" in shown
    assert main(["summary", str(tmp_path / "nowhere.keras")]) == 2
    (tmp_path / "text.keras").write_text("no archive")
    assert main(["summary", str(tmp_path / "text.keras")]) == 1
    assert "cornu summary: " in capsys.readouterr().err


def test_info_shows_the_versions_and_deviations(capsys):
    assert main(["info"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("cornu 0.") and "jaxlib" in shown and "Devices: " in shown
    assert main(["info", "memory_release", "recurrence"]) == 0
    assert "off      CORNU_DISABLE=recurrence" in capsys.readouterr().out
    assert main(["info", "recurence"]) == 2
    assert "Did you mean 'recurrence'?" in capsys.readouterr().err


def test_a_reader_that_ends_is_no_error(monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert main(["keras-path"]) == 141
        assert main(["keras-path"]) == 0  # nobody reads it, and nothing fails


def test_another_broken_pipe_is_an_error(monkeypatch):
    def fail(*names):
        raise BrokenPipeError

    monkeypatch.setattr("cornu.info.describe", fail)
    with pytest.raises(BrokenPipeError):
        main(["info"])
