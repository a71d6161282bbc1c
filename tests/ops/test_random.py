"""Random numbers: what a key depends on, and the distributions themselves."""

import copy
import pickle

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

from cornu import registry, seeds
from cornu.core.graph.tensor import Tensor
from cornu.core.state import scope
from cornu.ops import random
from cornu.ops.materialize import once
from cornu.ops.random import SeedGenerator, threefry
from cornu.ops.random.threefry import bernoulli

DISTRIBUTIONS = [
    ("normal", ((3, 4), 1.0, 2.0)),
    ("uniform", ((3, 4), -1.0, 2.0)),
    ("truncated_normal", ((3, 4), 1.0, 2.0)),
    ("randint", ((3, 4), -5, 100)),
    ("categorical", (np.log([[0.1, 0.2, 0.7], [0.5, 0.4, 0.1]]).astype("float32"), 8)),
    ("gamma", ((3, 4), 2.0)),
    ("beta", ((3, 4), 2.0, [1.0, 2.0, 3.0, 4.0])),
    ("binomial", ((3, 4), 9, [0.1, 0.2, 0.3, 0.4])),
    ("dropout", (np.ones((3, 4), "float32"), 0.4)),
]


def run_pure(draw, key):
    """Runs a function of random numbers as a compiled step would run it."""
    return scope.pure(draw, [])((), key)[0]


@pytest.mark.parametrize(("name", "args"), DISTRIBUTIONS, ids=[name for name, _ in DISTRIBUTIONS])
def test_numbers_of_a_seed_are_those_of_keras(name, args):
    ours, theirs = getattr(random, name), getattr(keras.random, name)
    mine, source = SeedGenerator(7), keras.random.SeedGenerator(7)
    for seed, their_seed in ((3, 3), (mine, source), (mine, source)):
        a, b = ours(*args, seed=seed), theirs(*args, seed=their_seed)
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "shape_of"),
    (
        *((name, lambda rows: ((rows, 4),)) for name in ("normal", "uniform", "truncated_normal")),
        ("randint", lambda rows: ((rows, 4), -5, 100)),
        ("dropout", lambda rows: (jnp.ones((rows, 4)), 0.4)),
        ("dropout", lambda rows: (jnp.ones((rows, 4)), 0.4, (None, 1))),
    ),
)
def test_rows_of_a_batch_have_its_random_numbers(name, shape_of, monkeypatch):
    """In each microbatch of a pipeline, on CPU and with the generator of other devices."""

    def draw(rows, window=None):
        scope.current().row_window = window
        return getattr(random, name)(*shape_of(rows), seed=None)

    whole = run_pure(lambda: draw(8), jax.random.key(1))
    for supported in (True, False):
        if not supported:
            monkeypatch.setattr(threefry, "_is_supported", lambda key, shape: False)
        part = run_pure(lambda: draw(3, scope.RowWindow(np.int32(2), 3, 8)), jax.random.key(1))
        assert (part == whole[2:5]).all()


def test_a_mask_for_all_rows_is_the_same_for_each_of_them():
    def draw(rows, window=None):
        scope.current().row_window = window
        return random.dropout(jnp.ones((rows, 40)), 0.4, (1, None))

    whole = run_pure(lambda: draw(8), jax.random.key(1))
    part = run_pure(lambda: draw(1, scope.RowWindow(2, 1, 8)), jax.random.key(1))
    assert (part == whole[:1]).all()


def test_other_distributions_have_no_rows():
    def draw():
        scope.current().row_window = scope.RowWindow(0, 3, 8)
        return random.gamma((3, 4), 2.0)

    with pytest.raises(ValueError, match="in a stage of a pipeline"):
        run_pure(draw, jax.random.key(1))


@pytest.mark.parametrize(("name", "args"), DISTRIBUTIONS, ids=[name for name, _ in DISTRIBUTIONS])
def test_random_numbers_depend_on_seed_and_key(name, args):
    draw = getattr(random, name)
    assert (draw(*args, seed=3) == draw(*args, seed=3)).all()
    assert not (draw(*args) == draw(*args)).all()
    for seed in (SeedGenerator(), SeedGenerator(5), None):
        both = lambda: (draw(*args, seed=seed), draw(*args, seed=seed))  # noqa: B023, E731
        first, second = run_pure(both, jax.random.key(1))
        again, _ = run_pure(both, jax.random.key(1))
        other, _ = run_pure(both, jax.random.key(2))
        assert (first == again).all()
        assert not (first == second).all()
        assert not (first == other).all()


def test_a_key_depends_on_the_layer_path():
    def named(name, seed=None):
        source = SeedGenerator(seed, name=name)
        return run_pure(lambda: random.normal((4,), seed=source), jax.random.key(1)).tolist()

    assert named("a") == named("a")
    assert named("a") != named("b")
    assert named("a", 1) == named("a", 1) != named("a", 2)

    def inside(*layers):
        source = SeedGenerator(name="drop")
        around = scope.Scope(scope.current())
        around.layer_path = layers
        with scope.use_scope(around):
            return run_pure(lambda: random.normal((4,), seed=source), jax.random.key(1)).tolist()

    # Two blocks with a layer of the same name do not drop the same units.
    assert inside("block") == inside("block") != inside("block_1")


def test_path():
    around = scope.Scope(scope.current())
    around.layer_path = ("model", "block")
    with scope.use_scope(around):
        assert SeedGenerator(name="drop").path == "model/block/drop"
    assert SeedGenerator().path != SeedGenerator().path


def test_eager_numbers_follow_the_process_seed():
    def draw_numbers():
        source = SeedGenerator()
        return [random.normal((2,)).tolist() for _ in range(2)] + [
            random.normal((2,), seed=source).tolist() for _ in range(2)
        ]

    seeds.set_random_seed(4)
    first = draw_numbers()
    assert first != draw_numbers()
    seeds.set_random_seed(4)
    assert first == draw_numbers()
    assert len({tuple(numbers) for numbers in first}) == 4


def test_jitted_dropout_follows_the_key():
    source = SeedGenerator(3)
    drop = scope.pure(lambda x: random.dropout(x, 0.5, seed=source), [])
    step = jax.jit(lambda key, x: drop((), key, x)[0])
    x = jnp.ones(64)
    first, second = step(jax.random.key(1), x), step(jax.random.key(2), x)
    assert not (first == second).all()
    assert (first == step(jax.random.key(1), x)).all()
    assert source.count == 0


def test_nothing_is_frozen_into_a_program():
    source = SeedGenerator(3)
    for seed in (None, source):
        with pytest.raises(RuntimeError, match="the same in each call"):
            jax.jit(lambda: random.normal((2,), seed=seed))()  # noqa: B023
        with pytest.raises(RuntimeError, match="no random key"):
            run_pure(lambda: random.normal((2,), seed=seed), None)  # noqa: B023
    assert source.count == 0
    key = jax.random.key(3)
    numbers = jax.jit(lambda key: random.normal((2,), seed=key))(key)
    assert (numbers == random.normal((2,), seed=key)).all()


def test_shape_inference_consumes_no_random_numbers():
    seeds.set_random_seed(4)
    before, source = random.normal((2,)), SeedGenerator(3)
    seeds.set_random_seed(4)
    x = Tensor((None, 3))
    dropped = random.dropout(x, 0.5, seed=source)
    assert (dropped.shape, dropped.dtype) == ((None, 3), "float32")
    assert dropped.node.op.name == "dropout"
    random.dropout(x, 0.5)
    assert source.count == 0
    assert (random.normal((2,)) == before).all()


def test_symbolic_random_ops_draw_when_run():
    x = Tensor((None, 64))
    node = random.dropout(x, 0.5).node
    args, kwargs = node.substitute_inputs([jnp.ones((1, 64))])
    first, second = (node.op._run_(args, kwargs) for _ in range(2))
    assert not (first == second).all()
    logits = Tensor((None, 5))
    assert random.categorical(logits, 7).shape == (None, 7)
    assert random.shuffle(logits).shape == (None, 5)
    assert random.normal((5,), mean=logits).shape == (None, 5)


def test_dropout():
    x = np.arange(1, 4001, dtype="float32").reshape(40, 100)
    dropped = random.dropout(x, 0.25, seed=1)
    kept = dropped != 0
    assert abs(kept.mean() - 0.75) < 0.03
    np.testing.assert_allclose(dropped[kept], x[kept] / 0.75, rtol=1e-6)
    columns = random.dropout(x, 0.5, noise_shape=(1, None), seed=1) != 0
    assert (columns == columns[:1]).all() and 20 < columns[0].sum() < 80
    assert (random.dropout(x, 0.0) == x).all()
    assert (random.dropout(x, 1.0) == 0).all()
    half = random.dropout(x.astype("float16"), 0.5)
    assert half.dtype == "float16"


def test_shuffle_keeps_slices_whole():
    x = np.arange(60).reshape(20, 3)
    shuffled = random.shuffle(x, seed=1)
    assert not (shuffled == x).all()
    np.testing.assert_array_equal(shuffled[jnp.argsort(shuffled[:, 0])], x)
    across = random.shuffle(x, axis=1, seed=2)
    np.testing.assert_array_equal(jnp.sort(across, axis=1), x)


def test_dtypes():
    assert random.normal((2,), dtype="bfloat16").dtype == jnp.bfloat16
    assert random.randint((2,), 0, 9, dtype="uint8").dtype == "uint8"
    with pytest.raises(ValueError, match="randint"):
        random.uniform((2,), dtype="int32")
    with pytest.raises(ValueError, match="uniform"):
        random.randint((2,), 0, 9, dtype="float32")
    with pytest.raises(ValueError, match="batch, classes"):
        random.categorical(np.zeros(3), 1)


def test_seed_generator_is_a_plain_object():
    source = SeedGenerator(7, name="noise")
    source.next()
    other = SeedGenerator(7)
    other.next()
    second = other.next()
    for twin in (copy.deepcopy(source), pickle.loads(pickle.dumps(source))):
        assert (twin.seed, twin.path, twin.count) == (7, "noise", 1)
        assert (random.normal((2,), seed=twin) == random.normal((2,), seed=second)).all()
        assert source.count == 1
    assert source.get_config() == {"seed": 7, "name": "noise"}
    again = registry.deserialize(registry.serialize(source))
    assert isinstance(again, SeedGenerator) and again.explicit and again.seed == 7
    assert not SeedGenerator().explicit


def test_errors():
    with pytest.raises(ValueError, match="'seven'"):
        SeedGenerator("seven")
    with pytest.raises(TypeError, match="'sead'"):
        SeedGenerator(sead=7)
    with pytest.raises(TypeError, match="of type str"):
        random.normal((2,), seed="seven")


@pytest.mark.parametrize("shape", [(), (7,), (4, 3, 9), (0, 2)])
def test_bits_written_out_are_those_of_jax(shape):
    for key in (jax.random.key(5), jax.random.PRNGKey(7)):
        for probability in (0.0, 0.1, 1 / 3, 0.9, 1.0):
            ours = bernoulli(key, probability, shape)
            np.testing.assert_array_equal(ours, jax.random.bernoulli(key, probability, shape))
    program = jax.make_jaxpr(lambda key: bernoulli(key, 0.5, shape))(jax.random.key(0))
    assert "random_bits" not in str(program)


def test_keys_of_another_generator_are_left_to_jax():
    key = jax.random.key(1, impl="rbg")
    np.testing.assert_array_equal(bernoulli(key, 0.5, (9,)), jax.random.bernoulli(key, 0.5, (9,)))


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint32"])
def test_what_is_computed_once_is_the_same(dtype):
    x = np.arange(-4, 4).astype(dtype)
    np.testing.assert_array_equal(once(x), x)
    np.testing.assert_array_equal(jax.jit(jax.vmap(once))(x), x)


def test_the_state_is_that_of_keras():
    ours, theirs = SeedGenerator(7), keras.random.SeedGenerator(7)
    for _ in range(3):
        assert np.array_equal(ours.state, theirs.state)
        assert ours.state.value.tolist() == ours.state.numpy().tolist()
        random.normal((2,), seed=ours)
        keras.random.normal((2,), seed=theirs)
    for name in ("shape", "dtype", "ndim", "name", "trainable"):
        assert getattr(ours.state, name) == getattr(theirs.state, name), name


def test_a_restored_state_repeats_the_numbers():
    source = SeedGenerator(7)
    random.normal((2,), seed=source)
    kept = source.state.numpy()
    first = random.normal((2,), seed=source)
    other = SeedGenerator()
    other.state.assign(kept)
    assert np.array_equal(random.normal((2,), seed=other), first)
    assert (other.state + 0).tolist() == [7, 2]
    with pytest.raises(ValueError, match=r"two integers.*shape \(3,\)"):
        other.state.assign([1, 2, 3])
