"""remat: less is kept for the gradient, and nothing else changes."""

import jax
import numpy as np
import pytest

import cornu
from cornu import Input, Model, layers
from cornu.layers import Dense

X = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")


def unit(x):
    return layers.Dropout(0.2)(layers.BatchNormalization()(Dense(4, "tanh")(x)))


def build(wrapped=unit):
    cornu.utils.clear_session(free_memory=False)
    cornu.utils.set_random_seed(0)
    x = Input((4,))
    model = Model(x, Dense(1)(wrapped(wrapped(wrapped(x)))))
    model.compile("adam", "mse")
    return model


def program(model, rows=8):
    x, y = np.zeros((rows, 4)), np.zeros((rows, 1))
    source = model.trainer.one_batch(x, y, None, None, train=True)
    batch = jax.tree_util.tree_map(jax.numpy.asarray, source.structure)
    runner = model.trainer.programs.runner("train")
    return runner.program(batch, False).lower(runner.key, batch)


def losses(model):
    return model.fit(X, X[:, :1], epochs=2, verbose=0).history["loss"]


def test_recomputed_blocks_give_the_same_results():
    np.testing.assert_allclose(losses(build().remat("unit*")), losses(build()), rtol=1e-6)


def test_recomputed_blocks_need_less_memory():
    plain, spared = (program(m, 8192).compile() for m in (build(), build().remat()))
    sizes = [c.memory_analysis().temp_size_in_bytes for c in (plain, spared)]
    assert sizes[1] < 0.9 * sizes[0]


def test_products_are_recomputed():
    def step(model):
        return program(model, 64).compile().as_text().count(" dot(")

    def product(x):
        return Dense(4)(Dense(8, "tanh")(x))

    # One product of each block is needed again: that before the activation.
    assert step(build(product).remat()) == step(build(product)) + 3


def test_the_decorator_marks_a_block():
    @cornu.block("spared", remat=True)
    def block(x):
        return unit(x)

    model = build(block)
    assert [b.remat for b in model.blocks.children] == [True] * 3
    assert "checkpoint" in program(model).as_text(debug_info=True)
    copy = Model.from_config(model.get_config())
    assert [b.remat for b in copy.blocks.children] == [True] * 3


def test_copies_of_a_model_keep_remat():
    model = build().remat("unit_1")
    expected = [False, True, False]
    for other in (
        Model.from_config(model.get_config()),
        cornu.models.clone_model(model),
        cornu.models.edit(model).rename("dense", "first").build(),
    ):
        assert [b.remat for b in other.blocks.children] == expected
    assert [b.remat for b in model.remat(on=False).blocks.children] == [False] * 3


def test_unknown_blocks_are_named():
    with pytest.raises(ValueError, match="Did you mean 'unit'"):
        build().remat("unti")


@pytest.mark.parametrize("mode", ["full", "activations", "larger_than", "list_of_layers"])
def test_layers_made_in_a_scope_recompute(mode):
    with cornu.RematScope(mode, output_size_threshold=1, layer_names=["dense"]):
        model = build()
    np.testing.assert_allclose(losses(model), losses(build()), rtol=1e-6)


def test_scopes_nest_and_end():
    with cornu.RematScope("full"):
        with cornu.RematScope(None):
            assert Dense(1)._remat_ is None
        assert Dense(1)._remat_.mode == "full"
    assert Dense(1)._remat_ is None
    with pytest.raises(ValueError, match="Did you mean 'full'"):
        cornu.RematScope("ful")


def test_functions_recompute_with_their_variables():
    v = cornu.Variable(2.0, name="v")

    def f(x):
        v.assign_add(1.0)
        return cornu.ops.sin(v * x)

    plain = cornu.value_and_grad(lambda x: f(x), [])(1.0)[0]
    v.assign(2.0)
    assert float(cornu.remat(f)(jax.numpy.float32(1.0))) == float(plain) and float(v) == 3.0
