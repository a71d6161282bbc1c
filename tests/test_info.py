"""`cornu.config.info()` shows what is on in this process."""

import jax
import pytest

import cornu
from cornu import config, settings
from cornu.deviations import DEVIATIONS, KINDS, is_enabled
from cornu.info import describe, find_state


def _state(name):
    return find_state(DEVIATIONS[name])


def test_everything_is_listed_with_its_state():
    text = describe()
    assert f"cornu {cornu.__version__}" in text and f"jax {jax.__version__}" in text
    assert "(backend 'cpu')" in text
    assert all(title in text for title in KINDS.values())
    lines = text.splitlines()
    for name, row in DEVIATIONS.items():
        (line,) = (line for line in lines if f" {name} " in line)
        assert line.split(name)[0].strip() == find_state(row)
    assert max(map(len, lines[8:])) <= 100


def test_a_row_says_what_proves_that_it_is_safe():
    text = describe("eigen_convolutions", "flash_attention")
    assert "xla_cpu_experimental_ynn_fusion_type=" in text
    assert "safety: product, batched_product" in text
    assert "proof    none" in text
    with pytest.raises(ValueError, match="There is no deviation 'flash'"):
        describe("flash")


def test_states_by_default():
    assert _state("eigen_convolutions") == _state("recurrence") == _state("buffer_donation") == "on"
    assert _state("memory_keeping") == _state("gradient_probe") == "on request"
    assert _state("deterministic_gpu_ops") == _state("flash_attention") == "not here"


def test_states_follow_the_switches(monkeypatch):
    monkeypatch.setenv("CORNU_COMPILER_OPTIONS", "off")
    assert _state("eigen_convolutions") == "off"
    monkeypatch.setitem(settings._values, "share_blocks", False)
    assert _state("block_sharing") == "off"
    monkeypatch.setitem(settings._values, "traceback_filtering", False)
    assert _state("full_tracebacks") == "on"
    monkeypatch.setenv("CORNU_DISABLE", "recurrence")
    is_enabled.cache_clear()
    try:
        assert _state("recurrence") == "off" and _state("attention") == "on"
    finally:
        is_enabled.cache_clear()


def test_on_other_devices_what_is_for_the_cpu_is_not_here(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert _state("max_pooling") == _state("memory_scheduler") == "not here"
    assert _state("flash_attention") == "on request"
    monkeypatch.setitem(settings._values, "flash_attention", True)
    assert _state("flash_attention") == "on"


def test_requested_options_and_variables_are_shown(monkeypatch, capsys):
    monkeypatch.setenv("CORNU_COMPILER_OPTIONS", "xla_backend_optimization_level=1")
    config.info()
    shown = capsys.readouterr().out
    assert "CORNU_COMPILER_OPTIONS=xla_backend_optimization_level=1" in shown
    assert "not covered by any test: xla_backend_optimization_level=1" in shown
