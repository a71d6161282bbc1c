"""Programs in the style of Keras run with cornu."""

import jax
import numpy as np
import pytest

import cornu
from scripts.keras_programs import page
from scripts.keras_programs.execution import program_names, run

# One of each way to train: loops of one's own, steps with a state, `fit`, single batches, an
# override of `compute_loss`, callbacks.
SOME = ("gan", "wgan_gp", "vae", "dqn", "compute_loss", "own_callbacks")


def test_the_page_shows_the_stored_results_of_all_programs():
    results = page.load()
    assert list(results) == program_names()
    assert page.PAGE.read_text(encoding="utf-8") == page.document(results)


def test_all_programs_are_equal_or_say_why_not():
    assert [n for n, row in page.load().items() if not row.is_equal and not row.reason] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", SOME)
def test_programs_run(name):
    outcome = run(name, cornu)
    assert len(outcome.losses) >= 10
    assert np.isfinite(outcome.losses).all()
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(outcome.result))
