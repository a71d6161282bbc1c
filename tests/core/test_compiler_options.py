"""Compiler options passed to XLA."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import cornu
from cornu.core import compiler_options
from cornu.core.graph.remat import save_all_but_weights
from cornu.deviations import DEVIATIONS

KEPT = "cse_barrier_expander,small-while-loop-hoisting"


def test_options_that_this_xla_has():
    options = compiler_options.select_options()
    assert options is not None
    assert "xla_cpu_experimental_ynn_fusion_type" in options
    doubled = jax.jit(lambda x: 2 * x, compiler_options=options)
    assert doubled(3.0) == 6.0


def test_steps_are_scheduled_for_memory_and_keep_what_they_recompute():
    def program(fn, size=2**18):
        return jax.make_jaxpr(jax.grad(lambda x: fn(x).sum()))(jnp.ones(size)).jaxpr

    scheduler, passes = "xla_cpu_scheduler_type", "xla_disable_hlo_passes"
    assert scheduler not in compiler_options.select_options()
    plain = compiler_options.select_options(program(jnp.sin))
    assert scheduler in plain and passes not in plain
    small = compiler_options.select_options(program(jnp.sin, size=8))
    assert scheduler not in small
    recomputing = program(jax.checkpoint(jnp.sin))
    chosen = compiler_options.select_options(recomputing)
    assert chosen[passes] == KEPT and scheduler not in chosen
    gathering = program(jax.checkpoint(jnp.sin, policy=save_all_but_weights))
    assert compiler_options.select_options(gathering) == plain
    both = compiler_options.select_options(recomputing, ["separate_reductions"])
    small = compiler_options.select_options(program(jnp.sin, size=8), ["separate_reductions"])
    assert scheduler in small  # its weights are gathered
    assert both[passes] == f"cpu-all-reduce-combiner,{KEPT}"


def test_an_option_that_ended_is_left_out(monkeypatch):
    row = DEVIATIONS["eigen_convolutions"]._replace(options={"xla_cpu_no_such_option": True})
    monkeypatch.setitem(DEVIATIONS, "eigen_convolutions", row)
    assert compiler_options.select_options() is None
    model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2)])
    assert model.predict(np.ones((1, 3), "float32"), verbose=0).shape == (1, 2)


def test_other_devices_get_none(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert compiler_options.select_options() is None


@pytest.mark.parametrize("message", ["off", "False", "0"])
def test_options_can_be_switched_off(monkeypatch, message):
    monkeypatch.setenv("CORNU_COMPILER_OPTIONS", message)
    assert compiler_options.select_options() is None


def test_no_program_is_given_onednn_or_any_option_that_has_no_row():
    """Products of many matrices, whose options once corrupted memory, are compiled as others."""

    def attend(query, key):
        return jnp.einsum("btf,bsf->bts", query, key)

    arrays = jnp.ones((32, 128, 128)), jnp.ones((32, 128, 128))
    chosen = compiler_options.select_options(jax.make_jaxpr(jax.checkpoint(attend))(*arrays).jaxpr)
    listed = {name for row in DEVIATIONS.values() for name in row.options}
    assert set(chosen) <= listed
    assert not any("onednn" in name for name in listed)


def test_options_are_requested_by_name(monkeypatch):
    monkeypatch.setenv(
        "CORNU_COMPILER_OPTIONS", "xla_cpu_use_onednn=true  --xla_backend_optimization_level=1"
    )
    requested = {"xla_cpu_use_onednn": True, "xla_backend_optimization_level": "1"}
    assert compiler_options.find_requested() == requested
    assert compiler_options.select_options() == {
        **DEVIATIONS["eigen_convolutions"].options,
        **requested,
    }
    doubled = jax.jit(lambda x: 2 * x, compiler_options=compiler_options.select_options())
    assert doubled(3.0) == 6.0


def test_what_the_user_sets_takes_precedence(monkeypatch, tmp_path):
    (name,) = DEVIATIONS["eigen_convolutions"].options
    assert compiler_options.is_applied("eigen_convolutions")
    monkeypatch.setenv("XLA_FLAGS", f"--xla_a=1 --{name}=LIBRARY_FUSION_TYPE_REDUCE")
    assert compiler_options.select_options() is None
    (tmp_path / "flags").write_text(f"--xla_a=1\n--{name}=\n")
    monkeypatch.setenv("XLA_FLAGS", str(tmp_path / "flags"))
    assert compiler_options.select_options() is None
    monkeypatch.setenv("CORNU_COMPILER_OPTIONS", f"{name}=LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT")
    assert compiler_options.select_options() == {name: "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT"}
    assert not compiler_options.is_applied("eigen_convolutions")


@pytest.mark.parametrize(
    "text, message",
    [
        ("xla_cpu_use_onednn", "Expected `off` alone, or options of XLA in the form `name=value`"),
        ("xla_no_such_option=1", "requests 'xla_no_such_option=1', which XLA refuses for 'cpu'"),
        ("xla_cpu_use_onednn=perhaps", "not a valid bool"),
    ],
)
def test_wrong_requests_are_rejected_before_the_first_step(monkeypatch, text, message):
    model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2)])
    model.compile("sgd", "mse")
    weights = model.get_weights()
    monkeypatch.setenv("CORNU_COMPILER_OPTIONS", text)
    with pytest.raises(ValueError, match=message):
        model.fit(np.ones((4, 3), "float32"), np.ones((4, 2), "float32"), verbose=0)
    for a, b in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def _with_barriers(x):
    return lax.optimization_barrier(jnp.sin(x)) + lax.optimization_barrier(x)


def _repeat(step, x):
    return lax.scan(lambda c, _: (step(c), None), x, length=3)[0]


# Programs with barriers, and whether XLA can compile them with their barriers.
WITH_BARRIERS = {
    "scan": (lambda x: _repeat(_with_barriers, x), True),
    "nested scan": (lambda x: _repeat(lambda c: _repeat(_with_barriers, c), x), True),
    "while": (
        lambda x: lax.while_loop(
            lambda c: _with_barriers(c).sum() < 99, lambda c: _with_barriers(c) + 2, x
        ),
        True,
    ),
    "cond": (lambda x: lax.cond(x[0] > 0, _with_barriers, lambda x: x, x), True),
    "cond in scan": (
        lambda x: _repeat(lambda c: lax.cond(c[0] > 0, _with_barriers, lambda x: x, c), x),
        True,
    ),
    "map": (lambda x: lax.map(_with_barriers, x), True),
    "function": (lambda x: jax.jit(_with_barriers)(x), True),
    "remat in scan": (
        jax.grad(lambda x: _repeat(jax.checkpoint(_with_barriers), x).sum()),
        True,
    ),
    "remat of scan": (
        jax.grad(lambda x: jax.checkpoint(lambda x: _repeat(_with_barriers, x))(x).sum()),
        True,
    ),
    "sort": (lambda x: lax.sort(_with_barriers(x)), True),
    "scatter": (lambda x: x.at[jnp.array([0, 1])].add(_with_barriers(x[:2])), True),
    "reduce": (
        lambda x: lax.reduce(x, 0.0, lambda a, b: lax.optimization_barrier(a) + b, (0,)),
        False,
    ),
    "reduce_window": (
        lambda x: lax.reduce_window(
            x, 0.0, lambda a, b: lax.optimization_barrier(a) + b, (2,), (1,), "SAME"
        ),
        False,
    ),
    "scatter apply": (lambda x: x.at[jnp.array([0, 1])].apply(_with_barriers), False),
    "remat in scatter apply": (
        lambda x: x.at[jnp.array([0, 1])].apply(jax.checkpoint(jnp.sin)),
        False,
    ),
}


@pytest.mark.parametrize("name", WITH_BARRIERS)
def test_programs_with_barriers_compile(name):
    program, keeps = WITH_BARRIERS[name]
    x = jnp.linspace(0.5, 1.0, 4)
    both = lambda x: (program(x), jnp.sin(jnp.full(2**18, x[0])))  # noqa: E731
    options = compiler_options.select_options(jax.make_jaxpr(both)(x).jaxpr)
    assert (KEPT in options.get("xla_disable_hlo_passes", "")) is keeps
    found, _ = jax.jit(both, compiler_options=options)(x)
    np.testing.assert_allclose(found, program(x), rtol=1e-6)


@pytest.mark.parametrize("name", ["GRU", "LSTM", "SimpleRNN"])
def test_a_small_loop_with_barriers_in_a_program_that_keeps_them(name):
    # The step has an array of 2^18 elements, because of which barriers are kept.
    steps, rows = cornu.Input((2, 2)), cornu.Input((4,))
    wide = cornu.layers.Dense(2**17, activation="relu", use_bias=False)(rows)
    recurrent = getattr(cornu.layers, name)(2)(steps)
    total = cornu.layers.Dense(1)(cornu.layers.Concatenate()([recurrent, wide]))
    model = cornu.Model([steps, rows], total)
    model.compile("sgd", "mse")
    data = [np.ones((2, 2, 2), "float32"), np.ones((2, 4), "float32")]
    history = model.fit(data, np.ones((2, 1), "float32"), batch_size=2, verbose=0)
    assert np.isfinite(history.history["loss"][0])
