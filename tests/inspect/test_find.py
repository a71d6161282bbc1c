"""find: what a name, a path or a pattern means."""

import pytest

import cornu
from cornu import Input, Model, layers, ops
from cornu.inspect import find, find_one
from cornu.inspect.find import label_calls
from cornu.layers import Dense


def unit(x):
    return layers.ReLU()(Dense(4)(x))


def encoder():
    x = Input((4,), name="pixels")
    return Model(x, unit(unit(x)), name="encoder")


def model():
    part = encoder()
    x = Input((4,), name="x")
    return Model(x, Dense(2, name="top")(ops.relu(unit(part(x)))), name="whole")


def paths(what, of=model, **kwargs):
    return [item.path for item in find(of(), what, **kwargs)]


@pytest.mark.parametrize(
    ("what", "found"),
    [
        ("top", ["top"]),
        ("/top", ["top"]),
        ("unit/dense_2", ["unit/dense_2"]),
        ("dense_2", ["unit/dense_2"]),
        ("encoder/unit_1/dense_1", ["encoder/unit_1/dense_1"]),
        ("unit_1/dense_1", ["encoder/unit_1/dense_1"]),
        ("dense_1", ["encoder/unit_1/dense_1"]),
        ("relu", ["relu"]),
        ("pixels", ["encoder/pixels"]),
        ("unit", ["unit"]),
        ("dense*", ["encoder/unit/dense", "encoder/unit_1/dense_1", "unit/dense_2"]),
        ("/unit*", ["unit"]),
        ("unit?1", ["encoder/unit_1"]),
        ("/*/dense*", ["unit/dense_2"]),
        ("encoder/*/dense*", ["encoder/unit/dense", "encoder/unit_1/dense_1"]),
        ("encoder/**/dense_[!0]", ["encoder/unit_1/dense_1"]),
        ("/encoder/**", [
            *["encoder/pixels", "encoder/unit", "encoder/unit/dense", "encoder/unit/re_lu"],
            *["encoder/unit_1", "encoder/unit_1/dense_1", "encoder/unit_1/re_lu_1"],
        ]),
        (["top", "x"], ["x", "top"]),
    ],
)  # fmt: skip
def test_names_paths_and_patterns(what, found):
    assert paths(what) == found


def test_direct_layers_come_before_nested_ones():
    def both():
        inner_in = Input((4,))
        inner = Model(inner_in, Dense(4, name="same")(inner_in), name="inner")
        x = Input((4,))
        return Model(x, Dense(4, name="same")(inner(x)))

    assert paths("same", both) == ["same"] and paths("inner/same", both) == ["inner/same"]


def test_a_layer_that_is_called_often_has_several_items():
    x, dense = Input((4,)), Dense(4, name="shared")
    net = Model(x, unit(dense(dense(x))))
    for what in ("shared", dense, "sha*"):
        assert [label for label, _ in label_calls(find(net, what))] == ["shared", "shared@1"]
    assert find_one(net, "shared") is not None


def test_a_shared_layer_is_found_in_all_blocks():
    dense = Dense(4, name="shared")

    def around(x):
        return layers.ReLU()(dense(x))

    x = Input((4,))
    model = Model(x, around(around(x)))
    assert paths("shared", lambda: model) == [
        "around/shared", "around_1/shared",
    ]  # fmt: skip


def test_layers_of_a_block_function_named_like_a_layer():
    def dense(x):
        return Dense(4, name="dense")(x)

    x = Input((4,))
    net = Model(x, Dense(1, name="out")(dense(x)))
    assert [item.kind for item in find(net, "dense")] == ["block"]
    assert [item.kind for item in find(net, "dense", kinds=("layer",))] == ["layer"]


def test_subclassed_models_are_searched_too():
    class Net(Model):
        def __init__(self):
            super().__init__(name="net")
            self.body, self.head = model(), Dense(2, name="head")

        def call(self, x):
            return self.head(self.body(x))

    net = Net()
    assert [item.path for item in find(net, "head")] == ["head"]
    assert [item.path for item in find(net, "encoder/unit/dense")] == ["whole/encoder/unit/dense"]


@pytest.mark.parametrize(
    ("what", "error", "message"),
    [
        ("dens_2", ValueError, "has no part 'dens_2'. Did you mean 'dense_2'"),
        ("/dense_2", ValueError, "has no part '/dense_2'"),
        ("nothing*", ValueError, "has no part 'nothing*'"),
        ([], ValueError, "the list of parts to find is empty"),
        (3, TypeError, "Received: 3"),
        (Dense, TypeError, "of type type"),
    ],
)
def test_missing_names_raise_with_a_suggestion(what, error, message):
    with pytest.raises(error) as caught:
        find(model(), what)
    assert message in str(caught.value)


def test_a_foreign_layer_is_rejected():
    with pytest.raises(ValueError, match="does not contain <Dense name=stranger"):
        find(model(), Dense(2, name="stranger"))


def test_a_name_that_means_several_things_is_rejected():
    def twice(x):
        return unit(unit(x))

    x = Input((4,))
    net = Model(x, twice(twice(x)))
    with pytest.raises(
        ValueError, match="'unit' is ambiguous. It matches 'twice/unit', 'twice_1/unit'"
    ):
        find(net, "unit")
    with pytest.raises(ValueError, match="is ambiguous"):
        find_one(net, "unit*")


def test_a_large_model_is_not_listed_as_a_whole():
    x = Input((4,), name="x")
    h = x
    for i in range(40):
        h = Dense(4, name=f"d{i}")(h)
    with pytest.raises(ValueError) as caught:
        find(Model(x, h), "zzzzzzzz")
    assert "Its first parts are x, d0" in str(caught.value) and len(str(caught.value)) < 300


def test_a_model_without_layers_reports_that_it_is_not_built():
    with pytest.raises(ValueError, match="not built yet"):
        find(cornu.Sequential(), "dense")
