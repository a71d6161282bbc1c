"""Paths: weights named by the blocks and layers that they are in, equal for equal models."""

import numpy as np

import cornu
from cornu import Input, Model, layers
from cornu.layers import Dense
from cornu.saving.weight_paths import collect_weights_by_path


def unit(x):
    return layers.BatchNormalization()(Dense(2)(Dense(2)(x)))


def net():
    x = Input((2,))
    return Model(x, Dense(1, name="top")(unit(unit(x))))


def test_weights_are_named_by_their_blocks():
    found = list(collect_weights_by_path(net()))
    assert found[:6] == [
        *["unit/dense/kernel", "unit/dense/bias", "unit/dense_1/kernel", "unit/dense_1/bias"],
        *["unit/batch_normalization/gamma", "unit/batch_normalization/beta"],
    ]
    assert found[-2:] == ["top/kernel", "top/bias"] and "unit_1/dense/kernel" in found
    assert len(found) == len(net().weights)


def test_equal_models_have_equal_paths():
    assert list(collect_weights_by_path(net())) == list(collect_weights_by_path(net()))


def test_layers_inside_of_layers_have_the_names_of_attributes():
    x = Input((3, 2))
    model = Model(x, layers.Bidirectional(layers.LSTM(2))(x))
    assert "bidirectional/forward_layer/cell/kernel" in collect_weights_by_path(model)

    class Own(Model):
        def __init__(self):
            super().__init__()
            self.encoder = cornu.Sequential([Dense(2), Dense(2)])
            self.heads = [Dense(1), Dense(1)]

        def call(self, x):
            x = self.encoder(x)
            return [head(x) for head in self.heads]

    own = Own()
    own.build((None, 2))
    assert [p for p in collect_weights_by_path(own) if p.endswith("kernel")] == [
        *["encoder/dense/kernel", "encoder/dense_1/kernel", "dense/kernel", "dense_1/kernel"],
    ]


def test_files_with_legacy_paths_are_still_read(tmp_path):
    from cornu.saving.storage_keys import collect_weights_by_key

    first, second = net(), net()
    np.savez(
        tmp_path / "old.npz", **{p: v.numpy() for p, v in collect_weights_by_key(first).items()}
    )
    second.load_weights(tmp_path / "old.npz")
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    first.save_weights(tmp_path / "new.npz")
    assert "unit_1/dense/kernel" in np.load(tmp_path / "new.npz")
