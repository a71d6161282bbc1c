"""What packages built on Keras override, and the data that they pass."""

import keras
import numpy as np
import pytest

import cornu
from cornu.layers import Dense

RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 3)).astype("float32")
Y = RNG.normal(size=(8, 1)).astype("float32")


def model_class(library):
    """A model whose step takes any arguments."""

    class Own(library.Model):
        def __init__(self):
            super().__init__()
            self.dense = library.layers.Dense(1, kernel_initializer="ones")
            self.seen = []

        def call(self, x):
            return self.dense(x["a"] if isinstance(x, dict) else x)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return library.ops.mean(library.ops.square(y_pred - 1.0))

        def train_step(self, *args, **kwargs):
            state, data = args
            self.seen.append(type(data).__name__)
            return super().train_step(state, data)

    return Own


def dataset(library, batch):
    class Batches(library.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return batch

    return Batches()


@pytest.mark.parametrize("batch", [{"a": X}, (X,), (X, Y)], ids=["dict", "x", "xy"])
def test_steps_of_any_arguments_receive_the_state_and_the_batch_as_it_was_yielded(batch):
    found = {}
    for library in (keras, cornu):
        model = model_class(library)()
        model.compile("sgd")
        losses = model.fit(dataset(library, batch), epochs=2, verbose=0, shuffle=False)
        found[library.__name__] = losses.history["loss"], set(model.seen)
    theirs, mine = found["keras"], found["cornu"]
    np.testing.assert_allclose(mine[0], theirs[0], rtol=1e-5)
    assert mine[1] == theirs[1] == {type(batch).__name__}


class TwoOutputs(cornu.Model):
    """Computes the loss itself; its targets are not assigned to its outputs."""

    def __init__(self):
        super().__init__()
        self.dense = Dense(2)

    def call(self, x, training=False):
        outputs = {"a": self.dense(x)}
        return outputs if training else {**outputs, "b": self.dense(x)}

    def compute_loss(self, x, y, y_pred, sample_weight=None, training=True):
        return cornu.ops.mean((y_pred["a"] - y) ** 2)


def test_targets_of_a_model_that_computes_the_loss_itself():
    model = TwoOutputs()
    model.compile("sgd")
    history = model.fit(X, Y, epochs=2, verbose=0, validation_data=(X, Y)).history
    assert history["loss"][1] < history["loss"][0]
    assert np.isfinite(model.evaluate(X, Y, verbose=0))
    assert np.isfinite(model.train_on_batch(X, Y))


class OfGraphs(cornu.Model):
    """The call compares sizes, which is undecidable for unknown ones."""

    def __init__(self):
        super().__init__()
        self.dense = Dense(2)

    def call(self, inputs):
        nodes, edges = inputs
        if edges.shape[0] != 2 or edges.shape[1] == nodes.shape[0]:
            raise ValueError("edges must be pairs")
        sources, targets = edges
        return self.dense(nodes) + cornu.ops.segment_sum(nodes[sources][:, :2], targets, 5)


def test_calls_that_compare_sizes_are_built_with_those_of_the_data():
    nodes, edges = X[:5], np.array([[0, 1, 2], [1, 2, 4]])
    model = OfGraphs()
    model.compile("sgd", "mse")
    history = model.fit(
        dataset(cornu, ((nodes, edges), np.ones((5, 2)))), epochs=2, verbose=0, shuffle=False
    )
    assert history.history["loss"][1] < history.history["loss"][0]
    assert OfGraphs().predict_on_batch((nodes, edges)).shape == (5, 2)
    with pytest.raises(ValueError, match="edges must be pairs"):
        OfGraphs().predict_on_batch((nodes, edges.T))


@pytest.mark.parametrize("config", [None, {}])
def test_models_without_build_config(config):
    x = cornu.Input((3,))
    objects = [
        cornu.Model(x, Dense(1)(x)),
        cornu.Sequential([x, Dense(1)]),
        OfGraphs(),
        Dense(1),
        cornu.layers.LSTM(2),
        cornu.layers.Normalization(),
    ]
    for thing in objects:
        thing.build_from_config(config)


class BuiltByShapes(cornu.Model):
    """A model that is built with the shapes of its data, and not by a call."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = Dense(2)

    def build(self, shapes):
        self.dense.build(shapes["x"])

    def call(self, x):
        return self.dense(x)


def test_a_model_that_was_built_by_its_own_method_is_saved_with_the_shapes(tmp_path):
    model = BuiltByShapes()
    model.build({"x": (None, 3)})
    assert model.get_build_config() == {"input_shape": {"x": (None, 3)}}
    model.save(tmp_path / "model.keras")
    loaded = cornu.saving.load_model(
        tmp_path / "model.keras", custom_objects={"BuiltByShapes": BuiltByShapes}
    )
    np.testing.assert_array_equal(loaded.dense.kernel, model.dense.kernel)
