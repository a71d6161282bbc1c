"""Models with sparse inputs: data stays sparse from the source to the layer."""

import jax
import numpy as np
import pytest
import scipy.sparse
from jax.experimental.sparse import BCOO, BCSR

import cornu
from cornu import layers, ops
from cornu.core.sparse.arrays import to_dense

COLUMNS = 100_000
X = scipy.sparse.random(20, COLUMNS, 2e-4, "csr", random_state=0, dtype=np.float32)
Y = np.arange(20, dtype="float32")[:, None] / 20


def functional():
    inputs = cornu.Input((COLUMNS,), sparse=True)
    return cornu.Model(inputs, layers.Dense(1)(inputs))


class Subclassed(cornu.Model):
    def __init__(self):
        super().__init__()
        self.head = layers.Dense(1)

    def call(self, x):
        assert isinstance(x, BCOO) or x.sparse
        return self.head(x)


MODELS = {
    "functional": functional,
    "sequential": lambda: cornu.Sequential([layers.Dense(1)]),
    "subclassed": Subclassed,
}
SOURCES = {
    "SciPy": lambda: (X, Y),
    "BCOO": lambda: (BCOO.from_scipy_sparse(X.tocoo()), Y),
    "BCSR": lambda: (BCSR.from_scipy_sparse(X), Y),
    "dict": lambda: ({"x": X}, Y),
    "batches": lambda: ([(X[i : i + 8], Y[i : i + 8]) for i in range(0, 20, 8)],),
}


def trained(model, source):
    cornu.utils.set_random_seed(0)
    model.compile(cornu.optimizers.SGD(0.1), "mse")
    data = source() if callable(source) else source
    if isinstance(data[0], list):
        data = (iter_again(data[0]),)
    options = {} if len(data) == 1 else {"batch_size": 8}
    losses = model.fit(*data, epochs=2, shuffle=False, verbose=0, **options).history["loss"]
    x = data[0] if len(data) == 2 else X
    return losses, model.evaluate(*data, verbose=0, **options), model.predict(x, verbose=0)


class iter_again:
    def __init__(self, batches):
        self.batches = batches

    def __iter__(self):
        return iter(self.batches)


@pytest.mark.parametrize("source", SOURCES)
def test_no_batch_is_made_dense(source, monkeypatch):
    cornu.utils.set_random_seed(1)
    make = {"batches": MODELS["subclassed"], "BCSR": MODELS["sequential"]}
    model = make.get(source, functional)()
    data = SOURCES[source]
    if source == "dict":
        inputs = cornu.Input((COLUMNS,), name="x", sparse=True)
        model = cornu.Model({"x": inputs}, layers.Dense(1)(inputs))
    kernel = np.random.default_rng(0).normal(size=(COLUMNS, 1)).astype("float32")
    model.predict(X[:2], verbose=0) if source != "dict" else None
    model.set_weights([kernel, np.zeros(1, "float32")])
    with monkeypatch.context() as patch:
        for owner, name in ((BCOO, "todense"), (BCSR, "todense"), (type(X), "toarray")):
            patch.setattr(owner, name, lambda *_: pytest.fail("a batch was made dense"))
        losses, loss, predictions = trained(model, data)
        (model({"x": X[:3]} if source == "dict" else X[:3]))
    # The same steps on a dense array.
    inputs = cornu.Input((COLUMNS,))
    dense = cornu.Model(inputs, layers.Dense(1)(inputs))
    dense.set_weights([kernel, np.zeros(1, "float32")])
    expected = trained(dense, (X.toarray(), Y))
    np.testing.assert_allclose(losses, expected[0], 1e-4)
    np.testing.assert_allclose(loss, expected[1], 1e-4)
    np.testing.assert_allclose(predictions, expected[2], 1e-3, 1e-5)


def test_layers_keep_sparse_arrays_sparse_or_receive_dense_ones():
    a = BCOO.fromdense(np.array([[0, 1.0, 0], [2, 0, 0]]))
    b = BCOO.fromdense(np.array([[0, 3.0, 0], [0, 0, -1]]))
    stays = [
        layers.Add(),
        layers.Subtract(),
        layers.Multiply(),
        layers.Average(),
        layers.Maximum(),
        layers.Minimum(),
        layers.Concatenate(),
    ]
    pair = [cornu.Input((3,), sparse=True), cornu.Input((3,), sparse=True)]
    for layer in stays:
        found = layer([a, b])
        assert isinstance(found, BCOO)
        np.testing.assert_allclose(found.todense(), layer([a.todense(), b.todense()]))
        assert layer(pair).sparse
        mixed = layer([pair[0], cornu.Input((3,))])
        assert mixed.sparse == isinstance(layer, layers.Multiply)
    for layer in (
        layers.Identity(),
        layers.Flatten(),
        layers.Reshape((3, 1)),
        layers.Permute((1,)),
    ):
        assert layer(pair[0]).sparse
        np.testing.assert_allclose(layer(a).todense(), layer(a.todense()))
    for layer in (
        layers.Dense(2),
        layers.BatchNormalization(),
        layers.Embedding(4, 2),
        layers.Dropout(0.5),
        layers.Activation("relu"),
    ):
        assert not layer(pair[0]).sparse
        np.testing.assert_allclose(layer(a), layer(a.todense()), 1e-6)


ENCODERS = {
    "CategoryEncoding": (lambda **k: layers.CategoryEncoding(5, **k), [[1, 1], [4, 0]]),
    "Discretization": (lambda **k: layers.Discretization([0.0, 1.0], **k), [[0.5, 3], [-1, 0.5]]),
    "Hashing": (lambda **k: layers.Hashing(5, **k), [["a", "b"], ["c", "a"]]),
    "HashedCrossing": (lambda **k: layers.HashedCrossing(5, **k), (["a", "b"], [1, 2])),
    "IntegerLookup": (
        lambda **k: layers.IntegerLookup(vocabulary=[7, 8], **k),
        [[7, 9], [8, 8]],
    ),
    "StringLookup": (
        lambda **k: layers.StringLookup(vocabulary=["a", "b"], **k),
        [["a", "x"], ["b", "b"]],
    ),
    "TextVectorization": (
        lambda **k: layers.TextVectorization(vocabulary=["a", "b"], **k),
        ["a b b", "x"],
    ),
}
MODES = {
    "HashedCrossing": ["one_hot"],
    "TextVectorization": ["multi_hot", "count", "tf_idf"],
    "StringLookup": ["one_hot", "multi_hot", "count", "tf_idf"],
}


@pytest.mark.parametrize("name", ENCODERS)
def test_preprocessing_layers_return_sparse_vectors(name):
    make, x = ENCODERS[name]
    x = tuple(map(np.array, x)) if isinstance(x, tuple) else np.array(x)
    for mode in MODES.get(name, ["one_hot", "multi_hot", "count"]):
        options = {"idf_weights": [0.5, 2.0]} if mode == "tf_idf" else {}
        layer = make(output_mode=mode, sparse=True, **options)
        dense = make(output_mode=mode, **options)(x)
        found = layer(x)
        assert isinstance(found, BCOO)
        np.testing.assert_allclose(found.todense(), dense)
        assert found.dtype == dense.dtype
        copy = type(layer).from_config(layer.get_config())
        np.testing.assert_allclose(copy(x).todense(), dense)
    if name != "CategoryEncoding":
        with pytest.raises(ValueError, match="sparse=True requires output_mode"):
            make(output_mode="int", sparse=True)


def test_a_model_that_encodes_integers_trains_without_dense_vectors(monkeypatch):
    inputs = cornu.Input((4,), dtype="int32")
    vectors = layers.CategoryEncoding(COLUMNS, "multi_hot", sparse=True)(inputs)
    assert (vectors.shape, vectors.sparse) == ((None, COLUMNS), True)
    model = cornu.Model(inputs, layers.Dense(1)(vectors))
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).integers(0, COLUMNS, (20, 4))
    monkeypatch.setattr(BCOO, "todense", lambda *_: pytest.fail("vectors were made dense"))
    model.fit(x, Y, verbose=0)
    assert model.predict(x, verbose=0).shape == (20, 1)


def test_predictions_that_are_sparse_become_dense_arrays():
    inputs = cornu.Input((3,), sparse=True)
    model = cornu.Model(inputs, layers.Add()([inputs, inputs]))
    x = scipy.sparse.csr_matrix(np.eye(5, 3, dtype="float32"))
    np.testing.assert_array_equal(model.predict(x, batch_size=2, verbose=0), 2 * x.toarray())
    np.testing.assert_array_equal(to_dense(model(x)), 2 * x.toarray())


def test_sparse_arrays_are_leaves_of_structures():
    x = BCOO.fromdense(np.eye(2))
    for structure in ([x, 1], {"a": x, "b": None}):
        assert any(leaf is x for leaf in cornu.tree.flatten(structure))
    assert cornu.tree.map_structure(lambda leaf: leaf.shape, [x]) == [(2, 2)]
    assert len(jax.tree_util.tree_leaves(x)) == 2


def test_a_custom_step_receives_the_format_of_jax():
    class Own(cornu.Model):
        def __init__(self):
            super().__init__()
            self.head = layers.Dense(1, kernel_initializer="zeros")

        def call(self, x):
            return self.head(x)

        def train_step(self, data):
            x, _ = data
            return {"total": ops.sum(x.todense() if isinstance(x, BCOO) else x)}

    model = Own()
    model.compile("sgd", "mse")
    x = scipy.sparse.csr_matrix(np.eye(4, 3, dtype="float32"))
    history = model.fit(x, np.ones(4), batch_size=4, verbose=0)
    assert history.history["total"] == [3.0]


def test_a_model_from_strings_trains_on_sparse_vectors(monkeypatch):
    texts = np.array(["a b", "c", "b b d", "a a", "", "d c b a"] * 4, object)
    labels = np.arange(24, dtype="float32")[:, None] / 24

    def build(sparse):
        cornu.utils.set_random_seed(0)
        text = cornu.Input((), dtype="string")
        vectors = layers.TextVectorization(
            vocabulary=["a", "b", "c", "d"], output_mode="count", sparse=sparse
        )(text)
        model = cornu.Model(text, layers.Dense(1)(vectors))
        model.compile("sgd", "mse")
        return model

    dense, model = build(False), build(True)
    expected = dense.fit(texts, labels, batch_size=5, epochs=2, shuffle=False, verbose=0)
    monkeypatch.setattr(BCOO, "todense", lambda *_: pytest.fail("vectors were made dense"))
    history = model.fit(texts, labels, batch_size=5, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_allclose(history.history["loss"], expected.history["loss"], 1e-5)
    for x in (texts, [texts[:7], texts[7:]]):
        batches = iter_again([(part, None) for part in x]) if isinstance(x, list) else x
        np.testing.assert_allclose(
            model.predict(batches, verbose=0), dense.predict(texts, verbose=0), 1e-4, 1e-6
        )
    np.testing.assert_allclose(model(texts[:3]), dense(texts[:3]), 1e-4, 1e-6)


@pytest.mark.parametrize("dtype", ["bool", "int64", "float64"])
def test_data_of_other_dtypes(dtype):
    x = scipy.sparse.csr_matrix(np.eye(6, 4, dtype="float32"))
    inputs = cornu.Input((4,), sparse=True)
    model = cornu.Model(inputs, layers.Dense(1)(inputs))
    expected = model.predict(x, verbose=0)
    np.testing.assert_allclose(model.predict(x.astype(dtype), verbose=0), expected)


def test_layers_with_another_form_of_the_weight_receive_dense_arrays():
    x = scipy.sparse.csr_matrix(np.eye(6, 4, dtype="float32"))
    for change in (lambda layer: layer.enable_lora(2), lambda layer: layer.quantize("int8")):
        inputs = cornu.Input((4,), sparse=True)
        layer = layers.Dense(3)
        model = cornu.Model(inputs, layer(inputs))
        change(layer)
        np.testing.assert_allclose(
            model.predict(x, verbose=0), model.predict(x.toarray(), verbose=0), 1e-6
        )
