"""outline: models as trees of models, blocks, layers and ops."""

import cornu
from cornu import Input, Model, layers
from cornu.inspect.folding import fold
from cornu.inspect.outline import outline
from cornu.layers import Dense


def unit(x, units=4):
    return layers.ReLU()(Dense(units)(x))


def paths(model, **kwargs):
    return [item.path for item in outline(model, **kwargs).walk()][1:]


def test_blocks_enclose_their_layers():
    x = Input((4,), name="x")
    model = Model(x, Dense(1, name="out")(unit(unit(x))))
    assert paths(model) == [
        *["x", "unit", "unit/dense", "unit/re_lu"],
        *["unit_1", "unit_1/dense_1", "unit_1/re_lu_1", "out"],
    ]


def test_ops_get_names_of_their_own():
    x = Input((4,), name="x")
    items = list(outline(Model(x, (x + 1) + (x + 2))).walk())[2:]
    assert [(item.kind, item.name) for item in items] == [
        ("op", "add"), ("op", "add_1"), ("op", "add_2"),
    ]  # fmt: skip
    assert not any(item.again for item in items)


def test_nested_models_are_listed_once():
    inner = cornu.Sequential([Input((4,), name="i"), Dense(4, name="d")], name="inner")
    x = Input((4,), name="x")
    model = Model(x, inner(inner(x)))
    assert paths(model) == ["x", "inner", "inner/i", "inner/d", "inner"]
    assert paths(model, nested=False) == ["x", "inner", "inner"]
    assert [item.again for item in outline(model, nested=False).children] == [False, False, True]
    assert [item.kind for item in outline(model).children] == ["input", "model", "model"]


def test_subclassed_models_list_what_they_own():
    class Two(Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = Dense(2, name="a"), Dense(2, name="b")

        def call(self, x):
            return self.b(self.a(x))

    assert paths(Two()) == ["a", "b"]


def test_equal_neighbors_fold():
    x = Input((4,), name="x")
    model = Model(x, unit(unit(unit(x)), 2))
    groups = [[item.name for item in group] for group in fold(outline(model).children)]
    assert groups == [["x"], ["unit", "unit_1"], ["unit_2"]]
    items = outline(model).children
    assert items[1].outputs.shape == (None, 4) and len(items[1].weights) == 2
    assert "test_outline.py:" in items[1].place
