"""Blocks as parts of a model: cut out, frozen, found by path, kept in files."""

import numpy as np
import pytest

import cornu
from cornu import Input, Model, layers, ops
from cornu.layers import Dense

X = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")


def unit(x):
    return layers.ReLU()(layers.BatchNormalization()(Dense(4)(x)))


def stage(x):
    return layers.Add()([x, unit(unit(x))])


def net():
    x = Input((4,), name="x")
    return Model(x, Dense(1, name="top")(stage(stage(x))), name="net")


def test_a_block_is_a_model_that_shares_weights():
    model = net()
    second = model.block("stage_1/unit_1")
    assert second.name == "unit_1" and second.output_shape == (None, 4)
    assert [la.name for la in second.layers] == ["dense_3", "batch_normalization_3", "re_lu_3"]
    whole = model.block("stage")
    by_hand = X + np.asarray(model.block("stage/unit_1")(model.block("stage/unit")(X)))
    np.testing.assert_allclose(whole(X), by_hand, rtol=1e-6)
    whole.layers[1].kernel.assign(np.zeros((4, 4)))
    assert not model.get_layer("stage/unit/dense").kernel.numpy().any()


def test_blocks_count_their_parameters():
    model = net()
    counts = [block.count_params() for block in model.blocks.walk()]
    assert counts[:4] == [model.count_params(), 72, 36, 36]
    assert model.block("stage").count_params() == 72


def test_blocks_can_be_frozen():
    model = net()
    model.block("stage").trainable = False
    assert len(model.trainable_variables) == 8 + 2
    assert not model.get_layer("stage/unit_1/dense_1").trainable
    model.compile("sgd", "mse")
    before = model.block("stage").get_weights()
    model.fit(X, X[:, :1], epochs=1, verbose=0)
    for a, b in zip(before, model.block("stage").get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_blocks_with_several_inputs_and_outputs():
    def cross(a, b):
        return a * 2, ops.relu(a + b)

    x = Input((4,))
    p, q = cross(Dense(4)(x), Dense(4)(x))
    block = Model(x, layers.Concatenate()([p, q])).block("cross")
    one, two = block([X, X])
    np.testing.assert_allclose(one, 2 * X)
    np.testing.assert_allclose(two, np.maximum(2 * X, 0))


def test_blocks_inside_of_nested_models():
    inner = net()
    x = Input((4,))
    model = Model(x, inner(x) + 1)
    assert model.block("net/stage/unit").layers[1] is inner.get_layer("dense")
    assert model.get_layer("net/stage/unit/dense") is inner.get_layer("dense")


def test_masks_of_a_block_come_with_its_data():
    def recur(x):
        return layers.LSTM(3)(layers.Dropout(0.1)(x))

    ids = Input((3,), dtype="int32")
    model = Model(ids, recur(layers.Embedding(5, 4, mask_zero=True)(ids)))
    block = model.block("recur")
    x, mask = np.ones((1, 3, 4), "float32"), np.array([[True, False, False]])
    assert len(block.inputs) == 1
    np.testing.assert_allclose(block(x, mask=mask), block(x[:, :1].repeat(3, 1), mask=mask))
    assert not np.allclose(block(x, mask=mask), block(x))


def test_unknown_blocks_are_suggested():
    with pytest.raises(ValueError, match=r"no block 'stage/unti'.*'stage/unit'"):
        net().block("stage/unti")
    with pytest.raises(ValueError, match="Did you mean"):
        net().get_layer("stage/unit/dens")
    x = Input((4,))
    with pytest.raises(ValueError, match="no layer 'top'. It contains 'net/top'"):
        Model(x, net()(x)).get_layer("top")


def test_files_keep_the_blocks(tmp_path):
    model = net()
    model.save(tmp_path / "net.keras")
    copy = cornu.saving.load_model(tmp_path / "net.keras")
    assert [b.path for b in copy.blocks.walk()] == [b.path for b in model.blocks.walk()]
    assert copy.blocks.children[0].location == ""
    np.testing.assert_array_equal(copy.predict(X), model.predict(X))
    np.testing.assert_array_equal(copy.block("stage")(X), model.block("stage")(X))


def test_keras_reads_files_with_blocks(tmp_path):
    keras = pytest.importorskip("keras")
    model = net()
    model.save(tmp_path / "net.keras")
    theirs = keras.saving.load_model(tmp_path / "net.keras")
    np.testing.assert_allclose(theirs.predict(X, verbose=0), model.predict(X), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("blocks", [5, [5], [["a"]], [["a", [1]]], [[1, 2, 3, 4]], "ab", [None]])
def test_blocks_of_a_bad_file_are_rejected(blocks):
    config = net().get_config()
    config["layers"][3]["inbound_nodes"][0]["blocks"] = blocks
    with pytest.raises((ValueError, TypeError)):
        Model.from_config(config)
