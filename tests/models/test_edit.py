"""edit: models like others, with layers replaced, inserted, removed or renamed."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cornu
from cornu import Input, Model, layers, ops
from cornu.inspect.outline import outline
from cornu.layers import Dense
from cornu.models import edit
from tests.models.test_outputs_of import CHOICES, build_random_model

X = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")


def unit(x):
    return layers.ReLU()(Dense(4)(x))


def scaling(factor, name="scale"):
    return layers.Lambda(lambda x: factor * x, name=name)


def stack():
    return cornu.Sequential([
        Input((4,), name="x"),
        Dense(6, activation="relu", name="body"),
        layers.BatchNormalization(name="norm"),
        layers.ReLU(name="relu"),
        Dense(3, name="top"),
    ])  # fmt: skip


def nested():
    i = Input((4,), name="pixels")
    part = Model(i, unit(unit(i)), name="part")
    x = Input((4,), name="x")
    h = part(ops.relu(part(x)))
    return Model(x, Dense(2, name="top")(layers.Add(name="sum")([h, unit(h)])), name="whole")


def paths(model):
    return [item.path for item in outline(model).walk()][1:]


def names(model):
    return [model._graph_.layer_names[id(layer)] for layer in model.layers]


def chain(x, *called):
    for layer in called:
        x = layer(x)
    return x


# ---------------------------------------------------------------------------------- sequential


def test_cut_the_top_and_put_another_on():
    old = stack()
    before = old(X)
    top = Dense(2, name="classes")
    new = edit(old).remove("top").insert_after("relu", [layers.Dropout(0.5), top]).build()
    assert isinstance(new, cornu.Sequential) and new.output_shape == (None, 2)
    assert names(new) == ["body", "norm", "relu", "dropout", "classes"]
    x = Input((4,))
    assert np.array_equal(new(X), Model(x, chain(x, *old.layers[:3], top))(X))
    assert np.array_equal(old(X), before) and len(old) == 4


def test_removing_replacing_and_inserting_before():
    old = stack()
    gelu = layers.Activation("gelu", name="gelu")
    scale = scaling(2.0, name="scale")
    new = edit(old).remove("norm").replace("relu", gelu).insert_before("body", scale).build()
    x = Input((4,))
    by_hand = Model(x, chain(x, scale, old.layers[0], gelu, old.layers[3]))
    assert np.array_equal(new(X), by_hand(X))


def test_a_stack_without_input_is_edited_too():
    model = cornu.Sequential([Dense(3, name="a"), Dense(2, name="b")])
    new = edit(model).remove("b").insert_after("a", layers.ReLU(name="c")).build()
    assert [layer.name for layer in new.layers] == ["a", "c"] and not new.built
    assert new(X).shape == (3, 3)
    later = edit(new).remove("c").build()
    assert later.built and np.array_equal(later(X), new.layers[0](X))
    renamed = edit(cornu.Sequential([Dense(3, name="a")])).rename("a", "b").build()
    assert renamed(X).shape == (3, 3) and names(renamed) == ["b"]


def test_names_that_clash_are_made_unique():
    model = cornu.Sequential([Input((4,)), Dense(4, name="dense")])
    new = edit(model).insert_after("dense", Dense(2, name="dense")).build()
    assert names(new) == ["dense", "dense_1"] and new.output_shape == (None, 2)


# ----------------------------------------------------------------------------------- functional


def test_branches_and_ops():
    x = Input((4,), name="x")
    a = Dense(4, name="a")(x)
    h = ops.relu(a + x)
    old = Model(x, {"low": Dense(2, name="low")(h), "high": h})
    scaled = scaling(3.0)
    new = edit(old).replace("relu", layers.Activation("tanh")).insert_before("low", scaled).build()
    t = ops.tanh(old.get_layer("a")(x) + x)
    by_hand = Model(x, {"low": old.get_layer("low")(scaled(t)), "high": t})
    found, expected = new(X), by_hand(X)
    assert all(np.array_equal(found[name], expected[name]) for name in ("low", "high"))
    gone = edit(old).remove("relu").build()(X)
    assert np.array_equal(gone["high"], old.get_layer("a")(X) + X)


def test_what_is_inserted_after_serves_all_and_before_only_one():
    x = Input((4,))
    h = Dense(4, name="h")(x)
    old = Model(x, [layers.ReLU(name="r")(h), h])
    double = scaling(2.0)
    after = edit(old).insert_after("h", double).build()(X)
    before = edit(old).insert_before("r", double).build()(X)
    r, h = old(X)
    assert np.array_equal(after[0], 2 * r) and np.array_equal(after[1], 2 * h)
    assert np.array_equal(before[0], 2 * r) and np.array_equal(before[1], h)


def test_a_shared_layer_changes_in_all_its_calls():
    x = Input((4,))
    shared = Dense(4, name="shared")
    old = Model(x, shared(layers.ReLU(name="r")(shared(x))))
    new_layer = Dense(4, name="new")
    new = edit(old).replace("shared", new_layer).build()
    assert np.array_equal(new(X), Model(x, chain(x, new_layer, old.get_layer("r"), new_layer))(X))
    assert np.array_equal(edit(old).remove(shared).build()(X), np.maximum(X, 0))


def test_several_inputs_and_the_input_itself():
    a, b = Input((4,), name="a"), Input((4,), name="b")
    old = Model([a, b], layers.Concatenate(name="both")([Dense(3, name="d")(a), b]))
    new = edit(old).insert_after("b", scaling(2.0)).rename("a", "first").build()
    assert new.input_names == ["first", "b"]
    assert np.array_equal(new({"first": X, "b": X}), old([X, 2 * X]))
    wider = edit(Model(a, layers.ReLU(name="r")(a))).replace("a", Input((7,), name="wide")).build()
    assert wider.input_shape == (None, 7) and wider.input_names == ["wide"]


def test_masks_reach_the_layers_behind_an_edit():
    ids = Input((5,), dtype="int32")
    h = layers.Embedding(7, 4, mask_zero=True, name="embed")(ids)
    old = Model(ids, layers.LSTM(3, name="lstm")(h))
    new = edit(old).insert_after("embed", layers.Dropout(0.3)).build()
    value = np.array([[1, 2, 0, 0, 0], [3, 4, 5, 6, 0]])
    assert np.array_equal(new(value), old(value))


def test_a_pattern_inserts_a_separate_layer_at_each_match():
    old = nested()
    new = edit(old).insert_after("unit*/dense*", layers.BatchNormalization()).build()
    found = [path for path in paths(new) if "batch" in path]
    assert found == [
        "part/unit/batch_normalization",
        "part/unit_1/batch_normalization_1",
        "unit/batch_normalization_2",
    ]
    made = {id(layer) for path in found for layer in [new.get_layer(path)]}
    assert len(made) == 3 and np.allclose(new(X), old(X), rtol=0.05, atol=1e-3)


def test_a_function_makes_new_layers_from_old_ones():
    old = nested()

    def gelu(layer):
        return layers.Activation("gelu", name=f"{layer.name}_gelu")

    new = edit(old).replace("**/re_lu*", gelu).build()
    assert [p for p in paths(new) if "gelu" in p] == [
        *["part/unit/re_lu_gelu", "part/unit_1/re_lu_1_gelu", "unit/re_lu_2_gelu"]
    ]


def test_arguments_change_and_weights_stay():
    old = stack()
    new = edit(old).reconfigure("body", activation="gelu").build()
    body = new.get_layer("body")
    assert body is not old.get_layer("body") and names(new) == names(old)
    assert {id(w) for w in new.weights} == {id(w) for w in old.weights}
    h = ops.gelu(X @ old.get_layer("body").kernel.numpy(), approximate=False)
    assert np.allclose(new.outputs_of("body")(X), h, atol=1e-5)
    body.kernel.assign(np.zeros((4, 6)))
    assert not old.get_layer("body").kernel.numpy().any()

    whole = nested()
    linear = edit(whole).reconfigure("**/dense*", activation="relu").remove("**/re_lu*").build()
    assert np.array_equal(linear(X), whole(X))
    with pytest.raises(ValueError, match=r"edit: 'top' .*weight 'kernel' has shape"):
        edit(whole).reconfigure("top", units=5).build()
    with pytest.raises(TypeError, match="Dense has no argument 'unit'"):
        edit(whole).reconfigure("top", unit=5)
    with pytest.raises(ValueError, match="'part' has no arguments to change"):
        edit(whole).reconfigure("part", trainable=False)

    x = Input((3, 2))
    cells = [layers.LSTMCell(2), layers.LSTMCell(2)]
    deep = Model(x, layers.RNN(cells, return_sequences=True, name="rnn")(x))
    last = edit(deep).reconfigure("rnn", return_sequences=False).build()
    value = np.ones((1, 3, 2), "float32")
    assert np.allclose(last(value), deep(value)[:, -1], atol=1e-6)
    assert {id(w) for w in last.weights} == {id(w) for w in deep.weights}


def test_inside_of_nested_models():
    old = nested()
    before = old(X)
    part = old.get_layer("part")
    new = edit(old).remove("part/unit_1/re_lu_1").build()
    assert new.get_layer("part") is not part and new.get_layer("top") is old.get_layer("top")
    assert {id(w) for w in new.weights} == {id(w) for w in old.weights}
    cut = part.outputs_of("dense_1")
    x = Input((4,))
    h = cut(ops.relu(cut(x)))
    by_hand = Model(x, old.get_layer("top")(h + old.block("unit")(h)))
    assert np.array_equal(new(X), by_hand(X)) and np.array_equal(old(X), before)
    assert [p for p in paths(old) if p not in paths(new)] == ["part/unit_1/re_lu_1"]


def test_inside_of_a_nested_stack():
    inner = stack()
    x = Input((4,), name="x")
    old = Model(x, Dense(1, name="out")(inner(x)))
    new = edit(old).remove("norm").replace(f"{inner.name}/top", Dense(5, name="wide")).build
    with pytest.raises(ValueError, match="edit: 'out' .* is no longer compatible"):
        new()
    new = edit(old).remove("norm").build()
    assert isinstance(new.get_layer(inner.name), cornu.Sequential)
    x = Input((4,))
    kept = [layer for layer in inner.layers if layer.name != "norm"]
    assert np.array_equal(new(X), Model(x, chain(x, *kept, old.get_layer("out")))(X))


# --------------------------------------------------------------------------------------- renaming


def test_renaming_is_for_the_new_model_alone():
    for old in (stack(), nested()):
        new = edit(old).rename("top", "classes").build()
        assert new.get_layer("classes") is old.get_layer("top")
        assert old.get_layer("top").name == "top" and old.output_names == ["top"]
        assert new.output_names == ["classes"] and np.array_equal(new(X), old(X))
        with pytest.raises(ValueError, match="no layer 'top'"):
            new.get_layer("top")


def test_new_names_last_through_edits_configs_and_flattening():
    old = edit(nested()).rename("top", "classes").rename("part/unit/dense", "first").build()
    assert "part/unit/first" in paths(old) and "classes" in paths(old)
    again = edit(old).insert_before("classes", layers.Dropout(0.1)).build()
    assert again.output_names == ["classes"] and "part/unit/first" in paths(again)
    assert {"part/unit/first", "classes"} <= set(paths(again.flatten()))
    copy = Model.from_config(json.loads(json.dumps(old.get_config())))
    assert copy.output_names == ["classes"] and "part/unit/first" in paths(copy)
    assert old.outputs_of("first") is not None

    chained = edit(stack()).rename("body", "b").insert_after("b", layers.ReLU(name="r")).build()
    chained.pop()
    assert names(chained.add(Dense(1, name="body"))) == ["b", "r", "norm", "relu", "body"]
    reloaded = cornu.Sequential.from_config(chained.get_config())
    assert [layer.name for layer in reloaded.layers] == ["b", "r", "norm", "relu", "body"]


def test_targets_of_losses_bind_to_the_new_name():
    new = edit(stack()).rename("top", "classes").build()
    new.compile("sgd", {"classes": "mse"})
    new.fit(X, {"classes": np.zeros((3, 3))}, verbose=0)


# -------------------------------------------------------------------------------- chains of changes


def test_what_was_inserted_can_be_changed_again():
    new = (
        edit(stack())
        .insert_after("body", [layers.ReLU(name="one"), layers.ReLU(name="two")])
        .remove("one")
        .insert_before("two", layers.Dropout(0.1, name="before"))
        .insert_after("two", layers.Dropout(0.1, name="after"))
        .replace("two", layers.Activation("tanh", name="tanh"))
        .rename("after", "last")
        .build()
    )
    assert names(new) == ["body", "before", "tanh", "last", "norm", "relu", "top"]


def test_what_does_not_fit_in_between_may_be_put_right_later():
    old = stack()
    wide = Dense(9, name="wide")
    new = edit(old).replace("body", wide).remove(["norm", "top"]).build()
    assert new.output_shape == (None, 9)


def test_building_twice_gives_two_equal_models():
    editor = edit(nested()).remove("unit/re_lu_2")
    first, second = editor.build(), editor.build()
    assert first is not second and np.array_equal(first(X), second(X))


def test_an_edited_model_trains_and_shares_its_weights():
    old = stack()
    new = edit(old).remove("top").insert_after("relu", Dense(1)).build()
    before = old.get_layer("body").kernel.numpy()
    new.compile("sgd", "mse")
    new.fit(X, np.ones((3, 1)), epochs=2, verbose=0)
    assert not np.array_equal(old.get_layer("body").kernel.numpy(), before)


# ------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda e: e.remove("tip"), ValueError, "has no part 'tip'. Did you mean 'top'"),
        (lambda e: e.remove("x"), ValueError, "'x' is an input of the model"),
        (lambda e: e.insert_before("x", layers.ReLU()), ValueError, "nothing comes before"),
        (lambda e: e.replace("top", Dense), TypeError, "Create an instance"),
        (lambda e: e.replace("top", 3), TypeError, "Received: 3"),
        (lambda e: e.replace("top", Input((2,))), ValueError, "only be replaced by an Input"),
        (lambda e: e.remove("top").remove("top"), ValueError, "already replaced or removed"),
        (lambda e: e.rename("top", "a/b"), ValueError, "without '/'"),
        (lambda e: e.rename("top", "sum"), ValueError, "already has a layer 'sum'"),
        (lambda e: e.rename("relu", "act"), ValueError, "'relu' is an op"),
        (lambda e: e.rename("/unit/*", "act"), ValueError, "matches 2 layers"),
        (lambda e: e.remove("sum").build(), ValueError, "'sum' .*test_edit.py:.* has 2 Tensors"),
        (
            lambda e: e.replace("unit/dense_2", Dense(3)).build(),
            ValueError,
            r"edit: 'sum' \(.*test_edit.py:\d+\) is no longer compatible: .*\(None, 3\)",
        ),
        (
            lambda e: e.replace("part/unit/dense", Dense(3)).build(),
            ValueError,
            r"edit: 'part/dense_1' \(.*test_edit.py:\d+\) is no longer compatible: .*\(None, 3\)",
        ),
        (
            lambda e: e.insert_after("part", layers.Reshape((2, 3))).build(),
            ValueError,
            r"edit: 'reshape', at 'part' \(.*test_edit.py:\d+\) is no longer",
        ),
    ],
)
def test_unsupported_edits_name_location_and_cause(change, error, message):
    with pytest.raises(error, match=message):
        change(edit(nested()))


def test_models_without_a_functional_graph_are_rejected():
    class Net(Model):
        def __init__(self):
            super().__init__(name="net")
            self.d = Dense(2, name="d")

        def call(self, x):
            return self.d(x)

    with pytest.raises(ValueError, match="assign a new layer to the attribute"):
        edit(Net())
    x = Input((4,))
    with pytest.raises(ValueError, match="is inside 'net'"):
        edit(Model(x, Net()(x))).remove("net/d")


# ----------------------------------------------------------------------------------------- property


@pytest.mark.slow
@settings(max_examples=15, deadline=None, derandomize=True)
@given(CHOICES, st.integers(0, 9))
def test_edits_of_random_models_equal_models_built_by_hand(choices, which):
    x = Input((4,), name="x")
    made = build_random_model(choices, x)
    old = Model(x, layers.Concatenate()([*made, x]))
    before = old(X)
    scale = scaling(0.5, name="scale")
    target = made[1 + which % (len(made) - 1)].node
    new = edit(old).insert_after(target.op, scale).rename(target.op, "target").build()
    known = {id(x): x}
    for tensor in made[1:]:
        node = tensor.node
        args = node.args[0]
        one = [known[id(t)] for t in args] if isinstance(args, list) else known[id(args)]
        known[id(tensor)] = node.op(one)
        if node is target:
            known[id(tensor)] = scale(known[id(tensor)])
    by_hand = Model(x, layers.Concatenate()([*(known[id(t)] for t in made), x]))
    assert np.array_equal(new(X), by_hand(X)) and np.array_equal(old(X), before)
