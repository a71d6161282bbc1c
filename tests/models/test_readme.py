"""The program in the README does what the README says."""

import re
from pathlib import Path

import pytest

import cornu
from cornu.datasets import digits

ROOT = Path(__file__).parents[2]


def program():
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return code


def test_it_runs(capsys):
    names = {}
    exec(program().replace("epochs=15", "epochs=1"), names)
    assert "residual_block" in capsys.readouterr().out and names["model"].built


@pytest.mark.slow  # ten trainings of a few seconds
def test_it_reaches_the_accuracy_on_ten_seeds():
    _, (images, labels) = digits.load_data()
    found = []
    for seed in range(10):
        cornu.utils.set_random_seed(seed)
        names = {}
        exec(program().replace("15, val", "15, verbose=0, val"), names)
        found.append(names["model"].evaluate(images, labels, verbose=0)[1])
    assert min(found) >= 0.925, found


@pytest.mark.slow
def test_the_learning_rate_that_is_found_depends_little_on_the_seed():
    train, _ = digits.load_data()
    found = []
    for seed in range(10):
        cornu.utils.set_random_seed(seed)
        names = {}
        exec(program().partition("model.fit")[0].replace("model.summary()", ""), names)
        found.append(names["model"].find_lr(*train).suggestion)
    assert max(found) / min(found) < 3 and 1e-3 < min(found) < max(found) < 3e-2, found
