"""What XLA is told when it compiles."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

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


def _product(loop=False, rows=128):
    """Returns a program with products of 32 matrices each, alone or in a loop."""

    def fit(query, key):
        return jnp.einsum("btf,bsf->bts", query, key)

    def repeated(query, key):
        return jax.lax.fori_loop(0, 3, lambda i, x: x + fit(x, key), query)

    arrays = (jnp.ones((32, rows, 128)), jnp.ones((32, 128, 128)))
    return jax.make_jaxpr(repeated if loop else fit)(*arrays).jaxpr


def test_attention_is_given_to_the_library_that_is_fast_at_it():
    library = "xla_cpu_use_onednn"
    assert library in compiler.options(_product(), trains=True)
    assert library not in compiler.options(_product())
    assert library not in compiler.options(_product(rows=2), trains=True)
    assert library not in compiler.options(_product(loop=True), trains=True)
    dense = jax.make_jaxpr(lambda x: x @ x)(jnp.ones((512, 512))).jaxpr
    assert library not in compiler.options(dense, trains=True)


@pytest.mark.parametrize("said", ["off", "False", "0"])
def test_options_can_be_switched_off(monkeypatch, said):
    monkeypatch.setenv("CORNU_COMPILER_OPTIONS", said)
    assert compiler.options(_product(), trains=True) is None


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("sizes", [(3, 1, 7, 5), (1, 17, 1, 33), (4, 16, 33, 1), (2, 0, 3, 4)])
@pytest.mark.parametrize("equation", ["btf,bsf->bts", "bts,bsf->btf", "bst,bsf->btf"])
def test_the_library_for_attention_computes_the_same(equation, sizes, dtype):
    size = dict(zip("btsf", sizes, strict=True))
    rng = np.random.default_rng(0)
    first, second, out = equation.replace("->", ",").split(",")
    x, y, along = (
        jnp.asarray(rng.normal(size=[size[axis] for axis in axes]), dtype)
        for axes in (first, second, out)
    )

    def both(x, y, along):
        value, pull = jax.vjp(lambda x, y: jnp.einsum(equation, x, y), x, y)
        return value, pull(along)

    plain = jax.jit(both)(x, y, along)
    with compiler.compiling():
        ours = jax.jit(both, compiler_options=compiler.known("attention"))(x, y, along)
    bound = {"float32": 1e-5, "bfloat16": 5e-2, "float16": 1e-2}[dtype]
    for a, b in zip(jax.tree.leaves(plain), jax.tree.leaves(ours), strict=True):
        np.testing.assert_allclose(a.astype("float32"), b.astype("float32"), rtol=bound, atol=bound)


def test_both_libraries_train_attention_alike(monkeypatch):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(32, 64, 32)).astype("float32"), rng.normal(size=(32, 64, 32))

    def trained():
        cornu.utils.set_random_seed(1)
        inputs = cornu.Input((64, 32))
        outputs = cornu.layers.MultiHeadAttention(2, 16, dropout=0.1)(inputs, inputs)
        model = cornu.Model(inputs, outputs)
        model.compile("sgd", "mse")
        losses = model.fit(x, y, batch_size=16, epochs=2, verbose=0).history["loss"]
        return losses, model.get_weights()

    chosen, options = [], compiler.options
    monkeypatch.setattr(
        compiler, "options", lambda *args: chosen.append(options(*args)) or chosen[-1]
    )
    losses, weights = trained()
    assert any("xla_cpu_use_onednn" in words for words in chosen)
    again, same = trained()
    assert losses == again
    assert all(np.array_equal(a, b) for a, b in zip(weights, same, strict=True))
    monkeypatch.setitem(compiler.GROUPS, "attention", {})
    compiler.known.cache_clear()
    try:
        others, near = trained()
    finally:
        compiler.known.cache_clear()
    np.testing.assert_allclose(losses, others, rtol=1e-5)
    for a, b in zip(weights, near, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
