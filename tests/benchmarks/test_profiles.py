"""The page of profiles, and the kinds of operations."""

import pytest

from benchmarks import profiles
from benchmarks.report import Setting

SETTING = Setting("today", {"jax": "1"}, "a machine", 2, "cpu", 0.0, {})


@pytest.mark.parametrize(
    ("library", "operation", "kind"),
    [
        ("cornu", "conv_general_dilated.7", "convolutions"),
        ("cornu", "compare_convert_fusion", "elementwise"),
        ("cornu", "ynn_fusion.3", "products"),
        ("cornu", "transpose_copy_fusion.57", "copies, transpositions"),
        ("cornu", "add_divide_fusion", "elementwise"),
        ("torch", "aten::mkldnn_convolution", "convolutions"),
        ("torch", "aten::addmm", "products"),
        ("torch", "aten::native_batch_norm_backward", "normalization"),
        ("torch", "Optimizer.step#Adam.step", "optimizer"),
        ("torch", "aten::threshold_backward", "elementwise"),
    ],
)
def test_kinds_of_operations(library, operation, kind):
    assert profiles.kind_of(library, operation) == kind


def test_the_page_has_the_bound():
    taken = {"step": 2.0, "times": {"products": 1.5, "elementwise": 0.5}}
    results = {"cornu": taken, "torch": taken, "bounds": {"flops": 4e9, "rate": 4e12}}
    text = profiles.page(SETTING, {"mlp": results})
    assert "| products | 1.50 | 1.50 |" in text
    assert "| bound: 4.00 GFLOP at 4000 GFLOP/s | 1.00 | 1.00 |" in text


@pytest.mark.slow
@pytest.mark.parametrize("what", ["cornu", "torch", "bounds"])
def test_a_process(what):
    found = profiles._run(what, "mlp")
    if what == "bounds":
        forward = 2 * 32 * (784 * 64 + 64 * 64 + 64 * 10)
        # There is no gradient of the input of the first layer.
        assert found["flops"] == 3 * forward - 2 * 32 * 784 * 64 and found["rate"] > 1e9
    else:
        assert found["step"] > 0 and {"products", "elementwise"} <= set(found["times"])
