"""Sharing: models whose equal blocks are traced once compute what inlined ones compute."""

import hypothesis
import hypothesis.strategies as st
import jax
import numpy as np
import pytest

import cornu
from cornu import Input, Model, layers, ops, settings
from cornu.core.state import scope
from cornu.layers import Dense


@pytest.fixture(autouse=True)
def restored():
    yield
    settings.put("share_blocks", True)


def lowered(model, x, y):
    """Returns the train step's jaxpr as text."""
    source = model.trainer.one_batch(x, y, None, None, train=True)
    batch = jax.tree_util.tree_map(jax.numpy.asarray, source.structure)
    runner = model.trainer.programs.runner("train")
    return runner.program(batch, False).lower(runner.key, batch).as_text()


def unit(x, units=4):
    return layers.Dropout(0.3)(layers.BatchNormalization()(Dense(units, "relu")(x)))


def stacked(depth, build=unit):
    x = Input((4,))
    y = x
    for _ in range(depth):
        y = build(y)
    return Model(x, Dense(1)(y))


X = np.random.default_rng(0).normal(size=(7, 4)).astype("float32")
Y = np.random.default_rng(1).normal(size=(7, 1)).astype("float32")


def test_programs_do_not_grow_with_equal_blocks():
    def size(depth):
        model = stacked(depth)
        model.compile("adam", "mse")
        text = lowered(model, X, Y)
        # Each call and each argument is a line; function bodies appear once.
        return text.count("stablehlo."), text.count("func.func")

    few, many = size(4), size(12)
    assert many[1] == few[1]
    assert many[0] - few[0] <= 8 * 4
    settings.put("share_blocks", False)
    assert size(12)[0] > 3 * many[0]


def test_a_block_is_traced_once():
    calls = []

    class Counting(cornu.Layer):
        def call(self, x):
            calls.append(1)
            return x * 2

    def block(x):
        return Counting()(Dense(4)(x))

    model = stacked(6, block)
    calls.clear()
    model.compile("sgd", "mse")
    lowered(model, X, Y)
    assert len(calls) == 1


def composite(x):
    return Composite()(x)


@cornu.saving.register_keras_serializable("test_run")
class Composite(cornu.Layer):
    def __init__(self):
        super().__init__()
        self.first, self.second = Dense(8, "relu"), Dense(4)
        self.drop = layers.Dropout(0.2)

    def call(self, x):
        self.add_loss(0.01 * ops.mean(x))
        return x + self.second(self.drop(self.first(x)))


def nested(x):
    inside = Input((4,))
    return Model(inside, layers.Dropout(0.2)(Dense(4, "tanh")(inside)))(x)


def shared_inside(x):
    layer = Dense(4, "relu", kernel_regularizer="l2", activity_regularizer="l2")
    return layers.Add()([x, layer(layer(x))])


def residual(x):
    return layers.Add()([x, inner(inner(x))])


def inner(x):
    return layers.LayerNormalization()(Dense(4)(ops.relu(x)))


COMMON = Dense(4, "tanh", name="common")


def with_a_common_layer(x):
    return layers.Add()([COMMON(x), Dense(4)(x)])


def half_frozen(x):
    y = Dense(4, "relu")
    z = y(x)
    y.trainable = False
    return layers.BatchNormalization()(Dense(4)(z))


BUILDERS = [
    *[unit, composite, nested, shared_inside, residual, inner, with_a_common_layer, half_frozen],
]


def gradients(model):
    """Returns loss and gradients of a step in training, traced as a compiled step is."""
    variables = model.trainer.touched_variables()

    def loss_of():
        y_pred = model(X, training=True)
        return model.compute_loss(X, Y, y_pred, training=True)

    def step():
        return cornu.value_and_grad(loss_of, model.trainable_variables)()

    jitted = jax.jit(scope.functionalize(step, variables, model.trainer.random_sources()))
    out, _, _ = jitted([v.stored for v in variables], jax.random.key(5))
    return out


def trained(plan, policy, share, steps=2):
    """Builds and trains a model; returns gradients, losses, weights and predictions."""
    settings.put("share_blocks", share)
    cornu.utils.clear_session(free_memory=False)
    cornu.utils.set_random_seed(3)
    cornu.config.set_dtype_policy(policy)
    global COMMON
    COMMON = Dense(4, "tanh", name="common")
    try:
        x = Input((4,))
        y = x
        for builder in plan:
            y = builder(y)
        model = Model(x, Dense(1, dtype="float32")(y))
        model.compile(cornu.optimizers.Adam(0.01), "mse")
        first = gradients(model)
        losses = model.fit(X, Y, batch_size=4, epochs=steps, verbose=0).history["loss"]
        return first, losses, model.get_weights(), model.predict(X)
    finally:
        cornu.config.set_dtype_policy("float32")


@pytest.mark.slow
@hypothesis.settings(max_examples=12, deadline=None, derandomize=True)
@hypothesis.given(
    plan=st.lists(st.sampled_from(BUILDERS), min_size=1, max_size=3),
    repeats=st.integers(2, 3),
    policy=st.sampled_from(["float32", "float32", "mixed_bfloat16"]),
)
def test_shared_and_inlined_models_are_equal(plan, repeats, policy):
    check_sharing(plan, repeats, policy)


def test_a_shared_and_an_inlined_model_are_equal():
    check_sharing([composite, half_frozen], 2, "float32")


def check_sharing(plan, repeats, policy):
    shared = trained(plan * repeats, policy, True)
    inlined = trained(plan * repeats, policy, False)
    tolerance = 1e-6 if policy == "float32" else 1e-2
    for a, b in zip(jax.tree.leaves(shared), jax.tree.leaves(inlined), strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def test_random_numbers_are_those_of_the_inlined_model():
    shared, inlined = (trained([unit] * 3, "float32", share) for share in (True, False))
    for a, b in zip(jax.tree.leaves(shared), jax.tree.leaves(inlined), strict=True):
        np.testing.assert_array_equal(a, b)


def test_blocks_differ_in_their_random_numbers():
    def noise(x):
        return ops.relu(layers.GaussianNoise(1.0)(x) + 10)

    x = Input((4,))
    first = noise(x)
    second = noise(first)
    model = Model(x, [first, second])
    a, b = (np.asarray(part) for part in model(np.zeros((1, 4)), training=True))
    assert not np.allclose(a - 10, b - a - 10)


def test_a_layer_that_keeps_what_it_computes_is_not_shared():
    class Keeping(cornu.Layer):
        def call(self, x):
            self.kept = x * 2
            return x + 1

    def block(x):
        return Keeping()(Dense(4)(x))

    class Watching(Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return sum(ops.mean(la.kept) for la in self.layers if isinstance(la, Keeping))

    x = Input((4,))
    model = Watching(x, block(block(block(x))))
    model.compile("sgd", "mse")
    losses = model.fit(X, X, epochs=2, verbose=0).history["loss"]
    assert np.isfinite(losses).all() and losses[1] < losses[0]


def test_masks_pass_through_blocks():
    def block(x):
        return layers.LSTM(4, return_sequences=True)(x)

    ids = Input((5,), dtype="int32")
    x = layers.Embedding(9, 4, mask_zero=True)(ids)
    model = Model(ids, layers.LSTM(2)(block(block(block(x)))))
    data = np.array([[1, 2, 0, 0, 0], [3, 4, 5, 6, 0]])
    shared = model.predict(data)
    settings.put("share_blocks", False)
    model.trainer.programs.clear()
    np.testing.assert_array_equal(shared, model.predict(data))


def test_errors_inside_shared_blocks_have_a_location():
    class Refusing(cornu.Layer):
        def call(self, x):
            if x.shape[0] == 7:
                raise ValueError("no batches of seven")
            return x

    def refusal(x):
        return Refusing()(Dense(4)(x))

    model = stacked(2, refusal)
    with pytest.raises(ValueError, match=r"In refusal > refusing.*no batches of seven"):
        model.predict(X)


def test_errors_inside_nested_models_have_a_location():
    class Refusing(cornu.Layer):
        def call(self, x):
            if x.shape[0] == 7:
                raise ValueError("no batches of seven")
            return x

    def refusal(x):
        return Refusing(name="refusing")(Dense(4)(x))

    def around(x):
        inside = Input((4,))
        return Model(inside, refusal(inside), name="inner")(x)

    x = Input((4,))
    model = Model(x, Dense(1)(around(Dense(4)(x))))
    with pytest.raises(ValueError, match=r"^In around > inner > refusal > refusing \(called at"):
        model.predict(X)
