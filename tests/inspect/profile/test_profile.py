"""profile: times, operations and bytes by path, as a table and as a trace."""

import json

import jax
import numpy as np
import pytest

import cornu
from cornu import Input, Model, layers
from cornu.core.state import scope
from cornu.inspect.outline import outline
from cornu.inspect.profile.measure import run_with_scopes
from cornu.inspect.profile.profile import profile
from cornu.layers import Dense


def unit(x, units=4):
    return layers.BatchNormalization()(Dense(units)(x))


def net():
    inner = cornu.Sequential([Input((4,), name="i"), Dense(4, name="inside")], name="inner")
    x = Input((4,), name="x")
    return Model(x, layers.Dropout(0.5, name="drop")(inner(unit(unit(x)))), name="net")


BATCH = np.ones((8, 4), "float32")


class Net(Model):
    def __init__(self):
        super().__init__()
        self.dense = Dense(4)
        self.other = cornu.Sequential([Dense(2, name="last")], name="other")

    def call(self, x):
        if x.shape[1] != 4:
            raise ValueError("four columns only")
        return self.other(self.dense(self.dense(x)) * 2)


@pytest.fixture(scope="module")
def both():
    """A model and its profile, forward and backward, in the training phase."""
    model = net()
    before = model.get_weights()
    return model, before, profile(model, BATCH, training=True, backward=True, repeats=3)


def test_each_layer_is_measured(both):
    _, _, found = both
    assert found["inner/inside"].flops == 8 * 36 and found["inner/inside"].seconds > 0
    assert found["inner/inside"].bytes == 4 * (8 * 4 * 2 + 20)
    assert found["inner/inside"].backward > 0
    assert found["inner"].flops_per_second > 0


def test_blocks_and_models_are_sums(both):
    _, _, found = both
    layers_in = [m for path, m in found.slowest(100) if path.startswith("unit/")]
    assert found["unit"].seconds == pytest.approx(sum(m.seconds for m in layers_in))
    assert found["unit"].calls == 2 and found.total.calls == 6
    parts = [found.of(item) for item in found.root.children]
    assert found.total.seconds == pytest.approx(sum(part.seconds or 0 for part in parts))
    assert found.whole.seconds > 0 and found.whole.backward > 0
    assert found.whole.flops == found.total.flops


def test_nothing_is_changed_in_the_training_phase(both):
    model, before, _ = both
    after = model.get_weights()
    assert all((a == b).all() for a, b in zip(before, after, strict=True))
    assert model.predict(BATCH, verbose=0).shape == (8, 4)
    assert scope.current().parent is None and scope.current().training is None


def test_as_a_table(both, capsys):
    _, _, found = both
    shown = str(found)
    assert "Forward ms" in shown and "Backward ms" in shown and "inside (Dense)" in shown
    assert "The whole model as one program" in shown
    found.print(depth=1)
    assert "inside" not in capsys.readouterr().out
    assert "<details" in found._repr_html_()
    with pytest.raises(KeyError, match="The model has no part 'nowhere'"):
        found["nowhere"]


def test_as_a_trace(both, tmp_path):
    _, _, found = both
    found.save(tmp_path / "trace.json")
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    spans = [e for e in events if e["ph"] == "X" and e["tid"] == 1 and e["cat"] == "forward"]
    by_path = {e["args"]["path"]: e for e in spans}
    for path, event in by_path.items():
        around = by_path[path.rpartition("/")[0]]
        assert around["ts"] <= event["ts"]
        assert event["ts"] + event["dur"] <= around["ts"] + around["dur"] + 0.01
    assert by_path["inner/inside"]["args"]["flops"] == 8 * 36
    backward = [e["args"]["path"] for e in events if e.get("cat") == "backward" and e["tid"] == 1]
    assert backward.index("drop") < backward.index("inner") < backward.index("unit")


def test_operations_carry_paths():
    model = net()
    variables = list(model.variables)
    pure = scope.functionalize(lambda x: run_with_scopes(model, [x], outline(model)), variables)
    values = [v.stored for v in variables]
    program = jax.make_jaxpr(lambda x: pure(values, jax.random.key(0), x)[0])(BATCH)
    names = {str(e.source_info.name_stack) for e in program.jaxpr.eqns}
    assert {"unit/dense", "inner/inside"} <= {name.replace("_1", "") for name in names}


def test_a_trace_of_jax(tmp_path):
    x = Input((4,))
    profile(Model(x, Dense(2)(x)), BATCH, repeats=1, trace_dir=tmp_path)
    assert any(tmp_path.rglob("*.xplane.pb"))


def test_models_without_a_functional_graph():
    model = Net()
    found = profile(model, BATCH, repeats=1)
    assert found["dense"].calls == 2 and found["dense"].flops == 2 * 8 * 36
    assert found["other/last"].flops == 8 * 18
    assert found.whole.flops == found.total.flops + 8 * 4
    assert found.total.backward is None and "Backward" not in str(found)


def test_models_that_are_called_twice_are_measured_twice():
    class Twice(Model):
        def __init__(self):
            super().__init__()
            self.inner = cornu.Sequential([Dense(4)], name="inner")

        def call(self, x):
            return self.inner(inputs=self.inner(x))

    found = profile(Twice(), BATCH, repeats=1)
    assert found["inner"].calls == 2 and found["inner"].flops == 2 * 8 * 36


def test_layers_inside_of_layers_are_one():
    x = Input((4, 8))
    model = Model(x, layers.LSTM(2, name="lstm")(layers.MultiHeadAttention(2, 4, name="mha")(x, x)))
    found = profile(model, np.ones((2, 4, 8), "float32"), repeats=1)
    assert [item.path for item in found.root.walk()][2:] == ["mha", "lstm"]


def test_uncompilable_functions_are_run_eagerly():
    class Branch(layers.Layer):
        def call(self, x):
            return x * 2 if x.sum() > 0 else x

    class Free(Model):
        def __init__(self):
            super().__init__()
            self.part = Branch(name="branch")

        def call(self, x):
            return self.part(x)

    model = Free()
    model.built = True
    found = profile(model, BATCH, repeats=1, backward=True)
    assert not found["branch"].compiled and found["branch"].flops is None
    assert not found.whole.compiled and found.whole.backward is None
    assert "branch (Branch) *" in str(found)


def test_a_model_without_layers_has_the_time_of_the_whole():
    class Plain(Model):
        def call(self, x):
            return x * 2

    found = profile(Plain(), BATCH, repeats=1)
    assert "No call of a layer was recorded" in str(found) and found.whole.flops == 32


def test_wrong_arguments():
    with pytest.raises(TypeError, match="expects a model"):
        profile(Dense(2), BATCH)
    with pytest.raises(ValueError, match="`repeats` must be at least 1"):
        profile(net(), BATCH, repeats=0)
    with pytest.raises(ValueError, match="expects the shape"):
        profile(net(), np.ones((8, 5)))
    with pytest.raises(ValueError, match="four columns only"):
        profile(Net(), np.ones((8, 5), "float32"))
