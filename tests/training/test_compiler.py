"""What XLA is told when it compiles."""

import jax
import jax.numpy as jnp
import numpy as np

import cornu
from cornu.training import compiler


def test_options_that_this_xla_has():
    options = compiler.options()
    assert options is not None
    assert "xla_cpu_experimental_ynn_fusion_type" in options
    doubled = jax.jit(lambda x: 2 * x, compiler_options=options)
    assert doubled(3.0) == 6.0


def test_programs_that_recompute_are_scheduled_for_memory():
    def program(fn):
        return jax.make_jaxpr(jax.grad(fn))(1.0).jaxpr

    scheduler = "xla_cpu_scheduler_type"
    assert scheduler not in compiler.options(program(jnp.sin))
    assert scheduler in compiler.options(program(jax.checkpoint(jnp.sin)))


def test_an_option_that_ended_is_left_out(monkeypatch):
    monkeypatch.setitem(compiler.GROUPS, "engines", {"xla_cpu_no_such_option": True})
    compiler.known.cache_clear()
    try:
        assert compiler.options() is None
        model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2)])
        assert model.predict(np.ones((1, 3), "float32"), verbose=0).shape == (1, 2)
    finally:
        compiler.known.cache_clear()


def test_other_devices_get_none(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert compiler.options() is None
