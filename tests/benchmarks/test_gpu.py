"""The benchmark for GPUs runs on a CPU with tiny sizes, and finds losses that differ."""

import subprocess
import sys

import pytest

from benchmarks.gpu.__main__ import find_unequal
from benchmarks.gpu.cases import CASES
from benchmarks.gpu.page import Row, Run, find_peak, page

ROWS = {
    "cornu": Row((2.0, 1.0), 10.0, (0.02, 0.01, 0.03), 0.001),
    "jax": Row((2.0, 1.005), 12.0, (0.01,), 0.002),
    "torch.compile": Row((2.0, 1.5), 12.0, (0.01,), 0.002),
    "keras-jax": Row(problem="failed: no such module"),
}


def run_of(case, device):
    return Run("today", "a machine", device, {"jax": "1"}, 3.0, False, {case: ROWS})


def test_the_page_has_throughput_utilization_and_losses():
    text = page(run_of("resnet50", "NVIDIA H200"))
    ours = next(line for line in text.splitlines() if line.startswith("| cornu"))
    # 3 * 128 images of 8.2 GFLOP in 20 ms, of 989 TFLOP/s.
    assert ours == "| cornu | 2.0000, 1.0000 | 5e-03 | 9.86 | 20 | 6,400 | 15.9% |"
    assert "5e-01 (not equal)" in text and "failed: no such module" in text
    assert "TFLOP/s)" in page(run_of("mlp", "cpu"))


def test_differences_of_losses_are_found():
    (problem,) = find_unequal(run_of("resnet50", "cpu"))
    assert "torch.compile" in problem
    assert find_peak("NVIDIA A100-SXM4-40GB") == 312e12 and find_peak("cpu") is None


@pytest.mark.parametrize(
    "name, flops", [("resnet50", 8.2e9), ("transformer", 1024 * 2 * 1.24e8 + 3.9e10)]
)
def test_operations_of_known_models(name, flops):
    case = CASES[name]
    # GPT-2 small has 124 million parameters with its vocabulary, of which each is multiplied once.
    assert case.flops(tiny=False) / (3 * case.batch) == pytest.approx(flops, rel=0.02)


@pytest.mark.slow
def test_a_tiny_run_on_a_cpu():
    command = [sys.executable, "-m", "benchmarks.gpu", "--tiny", "--peers", "cornu,jax"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.count("| cornu |") == len(CASES)
