"""The table of memory, and that its processes run with tiny sizes."""

import json
import subprocess
import sys

import pytest

from benchmarks import memory
from benchmarks.report import Setting

SETTING = Setting("today", {"jax": "1"}, "a machine", 2, "cpu", 0.0, {})


def test_the_page_compares_with_the_best_peer():
    points = {
        "cornu": {"peak": 500, "base": 200, "first": 2.0, "loss": 1.0},
        "torch": {"peak": 600, "base": 400, "first": 2.0, "loss": 1.0},
        "jax": {"peak": 400, "base": 100, "first": 2.0, "loss": 1.0},
    }
    step = {"first": 1.0, "step": 0.1, "loss": 2.0, "peak": 300, "base": 100}
    blocks = {1.0: {**step, "bytes": 4e6, "blocks": 0}, 0.0: {**step, "bytes": 1e6, "blocks": 3}}
    saved = dict.fromkeys(("weights", "file", "save", "load", "held"), 10.0)
    text = memory.page(SETTING, {"lstm": points}, blocks, {"cornu": saved})
    assert "| cornu : best | 1.25 |  | 1.50 |  |" in text
    assert "| all blocks | 3 | 1 (0.25) | 200 | 100 (1.00) | 2.000000 | 1.0 |" in text


@pytest.mark.slow
@pytest.mark.parametrize("command", ["train cornu lstm", "blocks cornu 0"])
def test_a_process_with_tiny_sizes(command):
    arguments = ["-m", "benchmarks.memory", "--tiny", "--run", *command.split()]
    answer = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
    found = json.loads(answer.stdout.splitlines()[-1])
    assert found["peak"] > found["base"] > 0
