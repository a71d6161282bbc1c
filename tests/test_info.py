"""`cornu.config.info()` shows the active deviations."""

import jax
import pytest

import cornu
from cornu import config, settings
from cornu.deviations import DEVIATIONS, KINDS, find_disabled
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


def test_every_row_names_its_tests():
    text = describe("eigen_convolutions", "flash_attention")
    assert "xla_cpu_experimental_ynn_fusion_type=" in text
    assert "safety: product, batched_product" in text
    assert "proof    none" in text
    for wrong in ("flash", ["max_pooling"]):
        with pytest.raises(ValueError, match="Unknown deviation"):
            describe(wrong)


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
    assert _state("traceback_filtering") == "off"
    monkeypatch.setenv("CORNU_DISABLE", "recurrence")
    find_disabled.cache_clear()
    try:
        assert _state("recurrence") == "off" and _state("attention") == "on"
    finally:
        find_disabled.cache_clear()


def test_what_the_user_sets_is_overridden(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_scheduler_type=CPU_SCHEDULER_TYPE_DEFAULT")
    assert _state("memory_scheduler") == "overridden" and _state("eigen_convolutions") == "on"


def test_a_cache_that_was_enabled_is_on_whatever_the_variable_says(monkeypatch, tmp_path):
    monkeypatch.setenv("CORNU_DISABLE", "compilation_cache")
    find_disabled.cache_clear()
    before = jax.config.jax_compilation_cache_dir
    try:
        if before:
            assert f"Compiled programs: written to {before}, by JAX's own cache" in describe()
        config.enable_compilation_cache(tmp_path / "programs")
        assert _state("compilation_cache") == "on"
        assert f"Compiled programs: written to {tmp_path / 'programs'}" in describe()
    finally:
        config.disable_compilation_cache()
        find_disabled.cache_clear()
        jax.config.update("jax_compilation_cache_dir", before)
    assert _state("compilation_cache") == "off"


def test_unsupported_deviations_are_not_here(monkeypatch):
    monkeypatch.setattr("cornu.process.allocator._glibc", lambda: None)
    monkeypatch.setattr("cornu.process.programs.SUPPORTED", False)
    assert {_state(name) for name in ("memory_release", "memory_keeping")} == {"not here"}
    assert _state("compilation_cache") == "not here"


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
