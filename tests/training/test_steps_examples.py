"""The examples of training steps and loops run and train."""

import runpy
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "examples"


def main_of(name):
    return runpy.run_path(str(FOLDER / f"{name}.py"))["main"]


def test_a_custom_loop(capsys):
    pytest.importorskip("optax")
    assert main_of("custom_loop")(epochs=3) > 0.9
    assert capsys.readouterr().out.count("epoch") == 3


@pytest.mark.slow
def test_two_models_that_learn_from_each_other(capsys):
    generated, images = main_of("gan")(epochs=30)
    assert generated.shape == (6, 64) and generated.min() >= 0 and generated.max() <= 1
    # Pixels that are blank in all digits are blank in generated ones.
    assert generated[:, images.max(axis=0) == 0].mean() < 0.02
    assert "fooled" in capsys.readouterr().out


@pytest.mark.slow
def test_digits_in_a_plane(capsys):
    history, points, digits = main_of("vae")(epochs=15)
    assert history["val_loss"][-1] < 0.8 * history["val_loss"][0]
    centers = np.stack([points[digits == digit].mean(axis=0) for digit in range(10)])
    assert np.ptp(centers, axis=0).min() > 1  # the digits lie apart
    assert "mean of digit 9 in latent space" in capsys.readouterr().out
