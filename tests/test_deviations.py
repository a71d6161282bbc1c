"""The table of deviations is complete, names existing tests, and its switches work."""

import gc
import os
import re
import signal
import types
import weakref
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import cornu
from benchmarks.safety.calls import KIND as INLINE
from benchmarks.safety.operations import KINDS as SAFETY_KINDS
from cornu import deviations, ops
from cornu.core import compiler_options
from cornu.core.graph import call_stack
from cornu.core.graph.jaxprs import equations
from cornu.data import lazy_columns
from cornu.deviations import DEVIATIONS, KINDS, find_disabled, is_enabled
from cornu.process import allocator, interrupts
from tests.processes import run_program

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "cornu"

# What departs from a default of JAX, XLA or Python, as it is written in source.
DEPARTURES = re.compile(
    r"custom_[jv][vj]p\b|lax\.optimization_barrier|promise_in_bounds|donate_arg|[^.]xla_[a-z]"
    r"|\bconfig\.update\(|jax\._src|implementation=\"cudnn\"|mallopt|malloc_trim|madvise"
    r"|signal\.signal\(|\b_?signal import|pthread_sigmask|gc\.(?:disable|freeze|callbacks)"
    r"|environ\.update|environ\[[^]]+\] = |setrlimit|jax\.clear_caches|jax\.enable_x64\("
    r"|sys\.modules\.update|jax\.default_device\(|sys\.excepthook|with_traceback\("
)

ON_BY_DEFAULT = [row for row in DEVIATIONS.values() if not row.on_request]


@pytest.fixture
def disable(monkeypatch):
    """Returns a function that sets `CORNU_DISABLE`; afterwards it is as it was."""

    def set_switch(names):
        monkeypatch.setenv("CORNU_DISABLE", names)
        find_disabled.cache_clear()

    yield set_switch
    monkeypatch.undo()
    find_disabled.cache_clear()


def _sources():
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if name != "deviations.py":
            yield name, path.read_text(encoding="utf-8")


def test_every_departure_in_the_sources_has_a_row():
    listed = {module for row in DEVIATIONS.values() for module in row.modules}
    missing = [
        f"cornu/{name}:{number}: {line.strip()}"
        for name, text in _sources()
        for number, line in enumerate(text.splitlines(), 1)
        if DEPARTURES.search(line) and name not in listed
    ]
    assert not missing, "Add a row to cornu/deviations.py for:\n" + "\n".join(missing)


def test_every_row_is_complete():
    for row in DEVIATIONS.values():
        assert row.kind in KINDS
        assert row.summary.endswith(".") and row.scope and row.gain, row.name
        for module in row.modules:
            assert (PACKAGE / module).is_file(), module
        assert bool(row.options) == (row.kind == "compiler option")


@pytest.mark.parametrize("row", DEVIATIONS.values(), ids=lambda row: row.name)
def test_proofs_exist(row):
    assert row.proof or row.on_request, "on by default without a proof"
    for proof in row.proof:
        kind, colon, names = proof.partition(": ")
        if colon:
            assert kind == "safety" and set(names.split(", ")) <= {*SAFETY_KINDS, "models", INLINE}
        else:
            assert (ROOT / proof).is_file(), proof


def test_every_row_that_is_on_by_default_is_used():
    text = "".join(text for _, text in _sources())
    for row in ON_BY_DEFAULT:
        assert f'"{row.name}"' in text, row.name


def test_the_page_is_made_from_the_table():
    page = (ROOT / "docs" / "deviations.md").read_text(encoding="utf-8")
    assert page == deviations.document(), "run `python -m scripts.make_deviations_page`"


def test_rows_are_switched_off_by_name(disable):
    disable("recurrence, Max_Pooling")
    assert not is_enabled("recurrence") and not is_enabled("max_pooling")
    assert is_enabled("attention")
    disable("attention random_bits")
    assert find_disabled() == {"attention", "random_bits"}
    disable("all")
    assert find_disabled() == {row.name for row in ON_BY_DEFAULT}
    disable("")
    assert not find_disabled()


def test_the_switch_is_read_once(disable, monkeypatch):
    disable("recurrence")
    assert is_enabled("attention")
    monkeypatch.setenv("CORNU_DISABLE", "attention")
    assert is_enabled("attention") and not is_enabled("recurrence")


@pytest.mark.parametrize(
    "text, message",
    [
        ("max_poolling", r"'max_poolling'.*\n.*Did you mean 'max_pooling'"),
        ("all,typo", "'typo', which is not in the table"),
        ("memory_keeping", r"off by default \(it is enabled by CORNU_ALLOCATOR=keep"),
    ],
)
def test_required_rows_cannot_be_switched_off(disable, text, message):
    disable(text)
    with pytest.raises(ValueError, match=message):
        is_enabled("attention")


def test_convolutions_are_all_that_the_option_takes_from_xlas_library():
    """The value given to the experimental option is XLA's default with one entry less."""
    x, kernel, weights = jnp.ones((2, 16, 16, 32)), jnp.ones((3, 3, 32, 32)), jnp.ones((32, 64))

    def convolve(x):
        axes = ("NHWC", "HWIO", "NHWC")
        return jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=axes)

    programs = {
        "convolution": convolve,
        "product": lambda x: x @ weights,
        "reduction": lambda x: x.sum(0),
    }
    row = DEVIATIONS["eigen_convolutions"]
    uses = {}
    for name, fn in programs.items():
        lowered = jax.jit(fn).lower(x)
        uses[name] = [
            "ynn_fusion" in lowered.compile(compiler_options=options).as_text()
            for options in ({}, dict(row.options))
        ]
    assert uses["convolution"] == [True, False]
    assert uses["product"] == [True, True]
    assert all(default or not ours for default, ours in uses.values())


def _primitives(fn, *args):
    return {equation.primitive.name for equation in equations(jax.make_jaxpr(fn)(*args).jaxpr)}


IMAGES = np.random.default_rng(0).permutation(2 * 8 * 8 * 3).reshape(2, 8, 8, 3).astype("float32")
SEQUENCES = np.random.default_rng(1).normal(size=(2, 5, 4)).astype("float32")
MATRIX = np.random.default_rng(2).normal(size=(4, 3)).astype("float32")
KERNEL = np.random.default_rng(2).normal(size=(3, 3, 3, 2)).astype("float32")


def _run_lstm(x):
    cornu.utils.set_random_seed(0)
    return cornu.layers.LSTM(3)(x)


FORMULATIONS = {
    "max_pooling": (lambda x: ops.max_pool(x, 2), IMAGES),
    "average_pooling": (lambda x: ops.average_pool(x, 3, 2, "same"), IMAGES),
    "depthwise_convolution": (lambda x: ops.depthwise_conv(x, KERNEL), IMAGES),
    "attention": (lambda x: ops.dot_product_attention(x, x, x, is_causal=True), IMAGES / 100),
    "kernel_gradient": (lambda x: ops.einsum("abc,cd->abd", SEQUENCES, x), MATRIX),
    "stored_relu": (lambda x: ops.relu(x - 50), IMAGES),
    "stored_derivatives": (lambda x: ops.gelu(x / 50 - 1), IMAGES),
    "recurrence": (_run_lstm, SEQUENCES),
    "random_bits": (lambda x: cornu.random.dropout(x, 0.5, seed=3), SEQUENCES),
}


def test_all_formulations_are_compared():
    rows = {row.name for row in ON_BY_DEFAULT if row.kind == "formulation"}
    assert set(FORMULATIONS) == rows


@pytest.mark.parametrize("name", FORMULATIONS)
def test_a_formulation_that_is_off_is_the_plain_one_with_equal_results(disable, name):
    fn, x = FORMULATIONS[name]

    def evaluate():
        value, pull = jax.vjp(fn, x)
        return value, *pull(jnp.cos(jnp.arange(value.size, dtype="float32")).reshape(value.shape))

    ours, used = evaluate(), _primitives(jax.grad(lambda x: fn(x).sum()), x)
    disable(name)
    plain, plainly_used = evaluate(), _primitives(jax.grad(lambda x: fn(x).sum()), x)
    assert used != plainly_used
    for a, b in zip(ours, plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5)


def _train():
    cornu.utils.set_random_seed(0)
    model = cornu.Sequential(
        [
            cornu.Input((8, 8, 3)),
            cornu.layers.Conv2D(4, 3, activation="relu"),
            cornu.layers.MaxPooling2D(),
            cornu.layers.Flatten(),
            cornu.layers.Dropout(0.3),
            cornu.layers.Dense(2),
        ]
    )
    model.compile("adam", "mse")
    targets = np.ones((2, 2), "float32")
    losses = model.fit(IMAGES / 100, targets, batch_size=2, epochs=3, verbose=0).history["loss"]
    return losses, model.get_weights()


def test_training_with_all_rows_off_gives_the_same_result(disable):
    losses, weights = _train()
    disable("all")
    assert compiler_options.select_options() is None
    plain_losses, plain_weights = _train()
    np.testing.assert_allclose(losses, plain_losses, rtol=1e-5)
    for a, b in zip(weights, plain_weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_donated_buffers_end_with_the_step_and_others_stay(disable):
    def is_deleted_after_a_step():
        model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2)])
        model.compile("sgd", "mse")
        before = model.layers[0].kernel.value
        model.train_on_batch(np.ones((2, 3), "float32"), np.ones((2, 2), "float32"))
        return before.is_deleted()

    assert is_deleted_after_a_step()
    disable("buffer_donation")
    assert not is_deleted_after_a_step()


def test_nothing_is_donated_where_signals_are_not_deferred(disable):
    disable("deferred_signals")
    model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2)])
    model.compile("sgd", "mse")
    before = model.layers[0].kernel.value
    model.train_on_batch(np.ones((2, 3), "float32"), np.ones((2, 2), "float32"))
    assert not before.is_deleted()


def test_the_switch_of_signals(disable):
    def is_replaced(block):
        before = signal.getsignal(signal.SIGINT)
        with block():
            return signal.getsignal(signal.SIGINT) != before

    assert is_replaced(interrupts.deferred_signals) and is_replaced(interrupts.immediate_interrupts)
    disable("deferred_signals")
    assert not is_replaced(interrupts.deferred_signals) and is_replaced(
        interrupts.immediate_interrupts
    )
    disable("repeated_interrupts")
    assert is_replaced(interrupts.deferred_signals) and not is_replaced(
        interrupts.immediate_interrupts
    )


@pytest.mark.slow
def test_the_switches_of_freed_memory(disable, monkeypatch):
    trimmed = []
    library = types.SimpleNamespace(malloc_trim=trimmed.append)
    monkeypatch.setattr(allocator, "_glibc", lambda: library)
    monkeypatch.setitem(allocator._release, "not_before", 0.0)
    monkeypatch.setitem(allocator._state, "on", False)

    def collect():
        trimmed.clear()
        allocator.dropped()
        gc.collect()
        return len(trimmed)

    assert collect() == 1
    disable("memory_release")
    assert collect() == 0
    disable("collection_callbacks")
    assert collect() == 0
    trimmed.clear()
    allocator.give_back()
    assert len(trimmed) == 1


@pytest.mark.slow
def test_the_switch_of_frames_that_are_released(disable):
    class Large:
        pass

    def is_released():
        large = Large()
        seen = weakref.ref(large)

        def build(held):  # its frame holds the argument
            return cornu.layers.Dense(1)(cornu.Input((2,)))

        build(large)
        del large
        gc.collect()
        return seen() is None

    assert is_released()
    disable("collection_callbacks")
    assert not is_released()
    call_stack.release_frames()


def test_the_switch_of_advice_about_files(disable, monkeypatch, tmp_path):
    advice = []
    mapping = types.SimpleNamespace(madvise=advice.append)
    monkeypatch.setattr(lazy_columns, "_mapping", lambda array: mapping)
    column = lazy_columns.Mapped(np.memmap(tmp_path / "rows", "float32", "w+", shape=(8, 2)))
    column.take(np.array([3, 1]))
    assert len(advice) == 1
    disable("file_advice")
    column.take(np.array([3, 1]))
    assert len(advice) == 1


_SWITCHED = """
import gc, importlib
import cornu
collecting = []
load = importlib.import_module
def note(name, *args, **kwargs):
    if name.startswith("cornu"):
        collecting.append(gc.isenabled())
    return load(name, *args, **kwargs)
importlib.import_module = note
model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
print(any(collecting), cornu.config.is_block_sharing_enabled())
cornu.utils.clear_session()
print(cornu.config.is_traceback_filtering_enabled())
"""


@pytest.mark.slow
@pytest.mark.parametrize("text, printed", [("", "False True True"), ("all", "True False False")])
def test_switches_that_are_read_on_import(text, printed):
    done = run_program(_SWITCHED, env={**os.environ, "CORNU_DISABLE": text})
    assert done.stdout.split() == printed.split()


_QUIET = """
import cornu, gc, mmap, signal
import numpy as np
seen = []
np_mapping = np.memmap({path!r}, "float32", "w+", shape=(64, 4))
class Watch(cornu.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        seen.append(signal.getsignal(signal.SIGINT))
model = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(np_mapping, np.zeros((64, 1)), epochs=1, verbose=0, callbacks=[Watch()])
assert set(seen) == {{signal.default_int_handler}}, seen
assert cornu.config.compilation_cache() is None
"""


@pytest.mark.slow
def test_a_process_with_all_rows_off_is_unchanged(tmp_path):
    program = _QUIET.format(path=str(tmp_path / "rows"))
    kept = {"PATH": "", "HOME": str(tmp_path), "JAX_PLATFORMS": "cpu", "CORNU_DISABLE": "all"}
    run_program(program, env=kept)
    assert not (tmp_path / ".cache").exists()
