"""The private members of Keras's classes that packages use, in a process that installs them."""

import importlib

import pytest

from cornu.compat.private.members import MEMBERS
from tests.processes import run_program


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: f"{member.owner}.{member.name}")
def test_each_member_has_a_class(member):
    module, _, name = member.owner.partition(":")
    assert isinstance(getattr(importlib.import_module(f"cornu.{module}"), name), type)
    assert member.packages and member.name.startswith("_")


PROGRAM = """
import cornu
cornu.install_as_keras()
import keras
import numpy as np
from keras import layers

x = keras.Input((4,), name="x")
shared = layers.Dense(4, name="shared")
h = layers.Add(name="add")([shared(x), layers.Dense(4, name="other")(x)])
inner = keras.Sequential([keras.Input((4,), name="i"), layers.Dense(3, name="in")], name="inner")
model = keras.Model(x, inner(shared(h)))

assert [layer.name for layer in model._layers] == [layer.name for layer in model.layers]
names = [layer.name for layer in model._flatten_layers(include_self=False)]
assert names == ["x", "shared", "other", "add", "inner", "in", "i"], names  # as in Keras
assert model._flatten_layers()[0] is model
assert "in" not in [layer.name for layer in model._flatten_layers(recursive=False)]

history = h._keras_history
assert history.operation is model.get_layer("add") and history[1:] == (0, 0)
assert shared(h)._keras_history.node_index == 2
node = model.get_layer("add")._inbound_nodes[0]
assert [parent.operation.name for parent in node.parent_nodes] == ["shared", "other"]
assert not node.is_input and model.get_layer("x")._inbound_nodes[0].is_input
assert len(shared._inbound_nodes) >= 2 and node.outputs is h

class Own(layers.Layer):
    def __init__(self):
        super().__init__()
        self._layers = [layers.Dense(2)]  # an attribute of the program takes precedence
        self.metric = keras.metrics.Mean()
        self.scale = self.add_weight(shape=(2,))
        self.count = self.add_weight(shape=(), trainable=False)

    def call(self, x, training=None):
        return self._layers[0](x) * self.scale

own = Own()
assert len(own._layers) == 1 and own._call_has_training_arg and not own._call_has_mask_arg
assert own._trainable_variables == [own.scale] and own._non_trainable_variables == [own.count]
assert own._tracker.track(3) == 3 and own._metrics == [own.metric]
assert (np.asarray(own.scale._value) == own.scale.numpy()).all()

class Cached(layers.MultiHeadAttention):
    def call(self, query, value):
        q, k, v = self._query_dense(query), self._key_dense(value), self._value_dense(value)
        outputs, scores = self._compute_attention(q, k, v, return_attention_scores=True)
        assert scores.shape[1] == self._num_heads and self._key_dim == 4
        mask = np.tril(np.ones((1, 5, 5)))
        masked, none = self._compute_attention(query=q, key=k, value=v, attention_mask=mask)
        assert none is None
        return self._output_dense(outputs), self._output_dense(masked)

rows = np.random.default_rng(0).normal(size=(2, 5, 8)).astype("float32")
cached, plain = Cached(2, 4), layers.MultiHeadAttention(2, 4)
outputs, masked = cached(rows, rows)
plain.build(rows.shape, rows.shape)
plain.set_weights(cached.get_weights())
np.testing.assert_allclose(outputs, plain(rows, rows), rtol=1e-5, atol=1e-6)
np.testing.assert_allclose(masked, plain(rows, rows, use_causal_mask=True), rtol=1e-5, atol=1e-6)

class Checkpoint(keras.callbacks.ModelCheckpoint):
    def on_train_batch_end(self, batch, logs=None):
        if self._should_save_on_batch(batch):
            self._save_model(epoch=self._current_epoch, batch=batch, logs=logs)
            saved.append(self._get_file_path(self._current_epoch, batch, logs))

import os, tempfile
saved, folder = [], tempfile.mkdtemp()
small = keras.Sequential([keras.Input((4,)), layers.Dense(1)])
small.compile("sgd", "mse")
checkpoint = Checkpoint(os.path.join(folder, "{epoch}_{batch}.keras"), save_freq=2)
small.fit(rows[0, :4, :4], rows[0, :4, :1], batch_size=1, verbose=0, callbacks=[checkpoint])
assert [os.path.basename(path) for path in saved] == ["1_2.keras", "1_4.keras"]
assert sorted(os.listdir(folder)) == ["1_2.keras", "1_4.keras"]

class Lengths(layers.Layer):
    def __init__(self):
        super().__init__(dtype="int32")
        self._convert_input_args = False

    def build(self, shape):
        self.seen = shape

    def call(self, texts):
        return np.array([len(text) for text in texts])

lengths = Lengths()
assert lengths(["a", "bcd"]).tolist() == [1, 3] and lengths.seen is None
lengths = Lengths()
assert lengths(np.array(["ab"])).tolist() == [2] and lengths.seen == (1,)
assert lengths._convert_input_args is False
"""


def test_members_do_what_they_do_in_keras():
    run_program(PROGRAM, strict=False)
