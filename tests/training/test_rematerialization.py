"""compile(remat=...): as few blocks as memory requires are recomputed, with equal losses."""

import numpy as np
import pytest

import cornu
from cornu import Input, Model, layers
from cornu.training.rematerialization import rematerialize
from tests.sampling import slow_except

WIDTH, ROWS = 32, 1024
X = np.random.default_rng(0).normal(size=(ROWS, WIDTH)).astype("float32")


def unit(x):
    return layers.Add()([x, layers.Dense(WIDTH)(layers.Dense(4 * WIDTH, "tanh")(x))])


class Unit(layers.Layer):
    """The same as a layer that owns layers."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.wide, self.narrow = layers.Dense(4 * WIDTH, "tanh"), layers.Dense(WIDTH)

    def call(self, x):
        return x + self.narrow(self.wide(x))


def nested(x):
    inputs = Input((WIDTH,))
    return Model(inputs, unit(inputs))(x)


def build(make=unit, units=4, **options):
    cornu.utils.clear_session(free_memory=False)
    cornu.utils.set_random_seed(0)
    inputs = x = Input((WIDTH,))
    for _ in range(units):
        x = make(x)
    model = Model(inputs, layers.Dense(1)(x))
    model.compile("sgd", "mse", **options)
    return model


def train(model, rows=ROWS):
    history = model.fit(X, X[:, :1], batch_size=rows, epochs=2, shuffle=False, verbose=0)
    return history.history["loss"]


@pytest.fixture(scope="module")
def plain():
    """Returns the losses and the bytes of a step without a limit."""
    model = build(remat="auto", memory_limit=1 << 40)
    losses = train(model)
    plan = model.remat_plan
    assert plan.paths == () and plan.stored == plan.needed and "nothing" in str(plan)
    return losses, plan.stored


@pytest.mark.parametrize("make", slow_except([unit, lambda x: Unit()(x), nested], 1))
def test_a_limit_is_met_with_equal_losses(make, plain):
    losses, stored = plain
    model = build(make, remat="auto", memory_limit=int(0.8 * stored))
    np.testing.assert_allclose(train(model), losses, rtol=1e-6)
    plan = model.remat_plan
    assert plan.needed <= plan.limit < plan.stored
    assert 0 < len(plan.paths) < plan.candidates == 4
    assert f"{len(plan.paths)} of 4 blocks" in str(plan)


def test_a_limit_that_cannot_be_met_names_what_is_needed(plain):
    model = build(remat="auto", memory_limit=1000)
    with pytest.raises(ValueError, match=r"1024 rows needs .*if all of 4 blocks.*1000 B") as info:
        train(model)
    assert "smaller batch" in str(info.value)
    # Nothing stays recomputed.
    assert not any(block.remat for block in model.blocks.walk())


def test_a_model_without_blocks_cannot_meet_a_limit():
    model = cornu.Sequential([Input((WIDTH,)), layers.Dense(1)])
    model.compile("sgd", "mse", remat="auto", memory_limit=1000)
    with pytest.raises(ValueError, match="no blocks to recompute"):
        train(model)


def test_compiling_again_forgets_the_plan(plain):
    model = build(remat="auto", memory_limit=int(0.8 * plain[1]))
    model.train_on_batch(X, X[:, :1])
    assert any(block.remat for block in model.blocks.walk())
    model.compile("sgd", "mse")
    assert model.remat_plan is None
    assert not any(block.remat for block in model.blocks.walk())


def test_larger_batches_extend_the_plan(plain):
    model = build(remat="auto", memory_limit=int(0.8 * plain[1]))
    train(model, rows=600)  # the last batch is padded
    few = model.remat_plan.paths
    train(model)
    assert set(few) <= set(model.remat_plan.paths)
    assert model.remat_plan.needed <= model.remat_plan.limit


def test_patterns():
    model = build(remat="unit_[12]")
    assert [block.remat for block in model.blocks.children] == [False, True, True, False]
    assert model.remat_plan is None
    made = build(lambda x: Unit(name="only")(x), units=1, remat=["only"])
    assert made.get_layer("only")._remat_ is not None
    with pytest.raises(ValueError, match="neither blocks nor layers that own layers"):
        build(remat="dense")
    with pytest.raises(ValueError, match="Did you mean 'unit'"):
        build(remat="unti")


def test_a_subclassed_model():
    class Net(Model):
        def __init__(self):
            super().__init__()
            self.first, self.head = Unit(), layers.Dense(1)

        def call(self, x):
            return self.head(self.first(x))

    model = Net()
    model.compile("sgd", "mse", remat="unit*")
    train(model)
    assert model.first._remat_ is not None


def test_a_decorator_for_blocks():
    @cornu.remat(block="spared")
    def block(x):
        return unit(x)

    model = build(block, units=2)
    assert [(b.name, b.remat) for b in model.blocks.children] == [
        ("spared", True),
        ("spared_1", True),
    ]
    with pytest.raises(ValueError, match="policy must be None"):
        cornu.remat(unit, policy=lambda *args: True, block="spared")
    assert float(cornu.remat(policy=None)(lambda x: 2 * x)(np.float32(3.0))) == 6.0


@pytest.mark.parametrize("limit, remat", [(0, "auto"), (1.5, "auto"), (100, None), (100, "unit")])
def test_wrong_arguments(limit, remat):
    with pytest.raises(ValueError, match="memory_limit"):
        rematerialize(build(), remat, limit)
