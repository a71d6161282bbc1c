"""Masks of arrays and Tensors, as attributes and by functions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.backend import get_keras_mask, set_keras_mask

IDS = np.array([[3, 1, 0], [2, 0, 0]])
VALID = IDS != 0


def embedding():
    return layers.Embedding(5, 2, mask_zero=True)


class First(layers.Layer):
    """Returns the first input, and keeps the masks that it received."""

    def __init__(self):
        super().__init__()
        self.supports_masking = True

    def call(self, inputs, mask=None):
        self.received = mask
        return cornu.tree.leaves(inputs)[0]

    def compute_mask(self, inputs, mask):
        return cornu.tree.leaves(mask)[0]


def test_masks_of_arrays_are_attributes():
    x = embedding()(IDS)
    for y in (x, layers.Masking()(jnp.where(VALID[..., None], 1.0, 0.0)), layers.ReLU()(x)):
        np.testing.assert_array_equal(y._keras_mask, VALID)
        np.testing.assert_array_equal(get_keras_mask(y), VALID)
    assert get_keras_mask(jnp.ones(3)) is get_keras_mask(np.ones(3)) is None


@pytest.mark.parametrize("assign", [set_keras_mask, lambda x, m: setattr(x, "_keras_mask", m)])
def test_an_assigned_mask_is_that_of_the_layers_called_on_the_array(assign):
    layer = layers.LSTM(2, return_sequences=True)
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 3, 2)), "float32")
    plain, expected = layer(x), layer(x, mask=jnp.asarray(VALID))
    assign(x, jnp.asarray(VALID))
    y = layer(x)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(y._keras_mask, VALID)
    assign(x, None)
    np.testing.assert_array_equal(layer(x), plain)


def test_masks_of_numpy_arrays_and_tracers_are_found_by_the_functions():
    x = np.ones((2, 3))
    set_keras_mask(x, VALID)
    assert get_keras_mask(x) is VALID
    set_keras_mask(x, None)
    assert get_keras_mask(x) is None
    embed = embedding()
    embed(IDS)
    np.testing.assert_array_equal(jax.jit(lambda ids: get_keras_mask(embed(ids)))(IDS), VALID)


def test_masks_of_symbolic_tensors():
    x = cornu.Input((3, 2))
    assert x._keras_mask is None
    x._keras_mask = cornu.Input((3,), dtype="bool")
    y = layers.ReLU()(x)
    assert y._keras_mask is y.mask is get_keras_mask(y) is x.mask


@pytest.mark.parametrize(
    "nest",
    [
        lambda x, y: [x, y],
        lambda x, y: {"a": x, "b": y},
        lambda x, y: {"a": (x, y), "b": [y, {"c": x}]},
    ],
)
def test_masks_of_nested_inputs_are_in_their_structure(nest):
    x, y = embedding()(IDS), jnp.ones((2, 3, 2))
    layer = First()
    np.testing.assert_array_equal(layer(nest(x, y))._keras_mask, VALID)
    received = cornu.tree.map(lambda m: None if m is None else m.tolist(), layer.received)
    assert received == nest(VALID.tolist(), None)
    assert layer(nest(y, y)) is not None and layer.received is None


def functional():
    ids = cornu.Input((3,), dtype="int32")
    return cornu.Model(ids, embedding()(ids))


def subclassed():
    class Encoder(cornu.Model):
        def __init__(self):
            super().__init__()
            self.embed = embedding()

        def call(self, ids):
            return self.embed(ids)

    return Encoder()


@pytest.mark.parametrize("make", [functional, subclassed, lambda: cornu.Sequential([embedding()])])
def test_outputs_of_models_called_on_arrays_carry_masks(make):
    model = make()
    for ids in (IDS, jnp.asarray(IDS)):
        np.testing.assert_array_equal(model(ids)._keras_mask, VALID)
    layer = layers.LSTM(2)
    np.testing.assert_allclose(
        layer(model(IDS)), layer(jnp.asarray(model(IDS)) * 1.0, mask=jnp.asarray(VALID)), rtol=1e-6
    )


class Outer(layers.Layer):
    """Calls a layer on its input; it has no parameter for the mask."""

    def __init__(self, inner, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner
        self.supports_masking = True

    def build(self, shape):
        if not self.inner.built:
            self.inner.build(shape)

    def call(self, x):
        return self.inner(x)


class OuterModel(cornu.Model):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner
        self.supports_masking = True

    def call(self, x):
        return self.inner(x)


class Valid(layers.Layer):
    """Returns the mask of its input as numbers, zeros without a mask."""

    def call(self, x):
        mask = get_keras_mask(x)
        return x * 0 if mask is None else x * 0 + jnp.asarray(mask, x.dtype)[..., None]


class Attends(layers.Layer):
    """Self-attention as most programs write it: the attention layer finds the masks itself."""

    def __init__(self):
        super().__init__()
        self.supports_masking = True
        self.attention = layers.MultiHeadAttention(1, 2)

    def build(self, shape):
        self.attention.build(shape, shape)

    def call(self, x):
        return x + self.attention(x, x)


def lstm():
    return layers.LSTM(2, return_sequences=True)


NESTED = {
    "layer": lambda: Outer(lstm()),
    "two levels": lambda: Outer(Outer(lstm())),
    "model": lambda: OuterModel(lstm()),
    "layer in a model": lambda: OuterModel(Outer(lstm())),
    "attention": Attends,
    "lookup": Valid,
    "lambda": lambda: layers.Lambda(lambda x: Valid()(x), mask=lambda x, mask: mask),
    "other dtype": lambda: Outer(layers.LSTM(2, return_sequences=True, dtype="bfloat16")),
    "dtype of the outer layer": lambda: Outer(
        layers.LSTM(2, return_sequences=True, dtype="float32"), dtype="bfloat16"
    ),
}


@pytest.mark.filterwarnings("ignore:.*does not support masking")
@pytest.mark.parametrize("kind", NESTED)
def test_layers_within_a_layer_find_the_mask_of_its_input_in_a_graph_as_in_eager_code(kind):
    embed, first, second = embedding(), NESTED[kind](), NESTED[kind]()
    ids = cornu.Input((3,), dtype="int32")
    model = cornu.Model(ids, second(first(embed(ids))))
    x = embed(IDS)
    found = first(x)
    set_keras_mask(found, None if kind == "lookup" else jnp.asarray(VALID))
    expected = np.asarray(second(found), "float32")
    unmasked = np.asarray(second(first(jnp.array(x))), "float32")
    assert np.abs(expected - unmasked).max() > 1e-3 or kind == "lookup"
    # Compiled, where equal layers share a function; and eagerly.
    np.testing.assert_allclose(model.predict(IDS, verbose=0), expected, atol=1e-2)
    model.run_eagerly = True
    np.testing.assert_allclose(model(IDS), expected, atol=1e-2)


class Embeds(layers.Layer):
    """Creates a mask by a layer within it."""

    def __init__(self):
        super().__init__()
        self.embed = embedding()

    def build(self, shape):
        self.embed.build(shape)

    def call(self, ids):
        return layers.Dropout(0.0)(self.embed(ids))


class EmbedsTwice(Embeds):
    """Returns two arrays, of which one has a mask."""

    def call(self, ids):
        x = self.embed(ids)
        return {"masked": x, "plain": x + 0}


@pytest.mark.parametrize("outer", [Embeds, lambda: OuterModel(Embeds()), EmbedsTwice])
def test_a_mask_that_a_layer_within_a_layer_creates_is_that_of_the_output(outer):
    first, second, third = outer(), lstm(), lstm()
    ids = cornu.Input((3,), dtype="int32")
    x = first(ids)
    masked, plain = (x["masked"], x["plain"]) if isinstance(x, dict) else (x, x + 0)
    assert masked.mask.shape == (None, 3) and plain.mask is None
    model = cornu.Model(ids, [second(masked), third(plain)])
    array = first(IDS)
    array = array["masked"] if isinstance(array, dict) else array
    expected = second(array), third(array + 0)
    for found in (model.predict(IDS, verbose=0), model(IDS)):
        np.testing.assert_allclose(found[0], expected[0], atol=1e-5)
        np.testing.assert_allclose(found[1], expected[1], atol=1e-5)
    assert np.abs(second(array) - second(array + 0)).max() > 1e-3
    # The mask of the model's output reaches losses.
    np.testing.assert_array_equal(get_keras_mask(cornu.Model(ids, masked)(IDS)), VALID)
    loss = cornu.losses.MeanSquaredError()
    target = np.ones((2, 3, 2))
    model = cornu.Model(ids, masked)
    model.compile(loss=loss)
    np.testing.assert_allclose(model.evaluate(IDS, target, verbose=0), loss(target, array), 1e-5)


def test_a_graph_that_begins_after_the_mask_takes_that_of_the_array():
    ids = cornu.Input((3,), dtype="int32")
    embed, outer = embedding(), Outer(lstm())
    x = embed(ids)
    rest = cornu.Model(x, outer(x))
    array = embed(IDS)
    np.testing.assert_allclose(rest(array), outer(array), atol=1e-6)
    plain = jnp.array(array)
    np.testing.assert_allclose(rest(plain), outer(plain), atol=1e-6)
    assert get_keras_mask(plain) is None


def test_equal_layers_that_look_up_masks_share_one_trace():
    traced = []

    class Counted(Attends):
        def call(self, x):
            traced.append(get_keras_mask(x) is not None)
            return super().call(x)

    ids = cornu.Input((3,), dtype="int32")
    x = embedding()(ids)
    for _ in range(4):
        x = Counted()(x)
    model = cornu.Model(ids, x)
    traced.clear()
    model.predict(IDS, verbose=0)
    assert traced == [True]
