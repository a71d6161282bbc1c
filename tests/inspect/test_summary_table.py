"""summary: columns, blocks, repeats, nested models."""

import numpy as np
import pytest

import cornu
from cornu import Input, Model, layers
from cornu.layers import Dense
from tests.counting import calls


def text(model, **kwargs):
    lines = []
    model.summary(print_fn=lines.append, **kwargs)
    return "\n".join(lines)


def unit(x, units=4):
    return layers.ReLU()(Dense(units)(x))


def net():
    x = Input((4,), name="x")
    h = x
    for _ in range(3):
        h = unit(h)
    return Model(x, Dense(1, name="out")(unit(h, 2)), name="net")


def test_equal_blocks_are_folded_with_their_number():
    shown = text(net())
    assert 'Model: "net"' in shown
    assert "unit x3" in shown and "unit_3" in shown
    assert shown.count("(Dense)") == 3
    assert "Total params: 73 (292 B)" in shown and "Non-trainable params: 0 (0 B)" in shown
    unfolded = text(net(), fold=False)
    assert unfolded.count("(Dense)") == 5 and "unit_2" in unfolded


def test_a_folded_block_counts_all_its_parameters():
    row = next(line for line in text(net()).splitlines() if "unit x3" in line)
    assert "60" in row


def test_shared_layers_count_once():
    x = Input((4,))
    shared = Dense(4)
    shown = text(Model(x, shared(shared(x))))
    assert "again" in shown and "Total params: 20" in shown


def test_connections_are_shown_where_they_branch():
    x = Input((4,))
    model = Model(x, layers.Add(name="sum")([Dense(2, name="a")(x), Dense(2, name="b")(x)]))
    shown = text(model)
    assert "Connected to" in shown and "a, b" in shown
    assert "Connected to" not in text(net())


def test_nested_models_expand():
    inner = cornu.Sequential([Input((4,)), Dense(3, name="inside")], name="inner")
    x = Input((4,))
    model = Model(x, inner(x))
    assert "inside" not in text(model)
    assert "inside" in text(model, expand_nested=True)
    assert "Total params: 15" in text(model, expand_nested=True)


def test_trainable_column_and_optimizer():
    model = net()
    model.layers[1].trainable = False
    shown = text(model, show_trainable=True)
    assert "Trainable" in shown and "Non-trainable params: 20" in shown
    model.compile("adam", "mse")
    model.fit(np.ones((2, 4)), np.ones((2, 1)), verbose=0)
    assert "Optimizer params" in text(model)


def test_subclasses_and_unbuilt_models():
    class Net(Model):
        def __init__(self):
            super().__init__()
            self.dense = Dense(2)

        def call(self, x):
            return self.dense(x)

    net = Net()
    assert "?" in text(net)
    net.build((None, 3))
    assert "dense (Dense)" in text(net) and "Total params: 8" in text(net)
    unbuilt = text(cornu.Sequential([Dense(2)]))
    assert "Not built" in unbuilt and "Total params" not in unbuilt
    assert "Total params: 0" in text(cornu.Sequential([cornu.Input((3,)), cornu.layers.ReLU()]))


def test_a_range_of_layers():
    shown = text(net(), layer_range=("x", "dense"))
    assert "out (Dense)" not in shown
    with pytest.raises(ValueError, match="the model has no layer 'nowhere'"):
        text(net(), layer_range=("x", "nowhere"))


def test_width():
    assert max(len(line) for line in text(net(), line_length=60).splitlines()) <= 60


def test_blocks_of_which_layers_are_shared_are_counted_once():
    shared = Dense(4)

    def step(x):
        return shared(x)

    x = Input((4,))
    shown = text(Model(x, step(step(step(x)))), memory=True)
    row = next(line for line in shown.splitlines() if "step x3" in line)
    assert [cell.strip() for cell in row.split("│")[3:-1]] == ["20", "48 B", "80 B"]


def test_depth_sums_up_what_is_deeper():
    inner = cornu.Sequential([Input((4,)), Dense(4, name="inside")], name="inner")
    x = Input((4,), name="x")
    model = Model(x, inner(unit(unit(x))), name="outer")
    shown = text(model, depth=1, expand_nested=True)
    assert "(Dense)" not in shown and "unit x2" in shown and "inner (Sequential)" in shown
    assert "40" in next(line for line in shown.splitlines() if "unit x2" in line)
    assert text(model, depth=2, expand_nested=True) == text(model, expand_nested=True)
    with pytest.raises(ValueError, match="`depth` is the number of levels"):
        text(model, depth=0)


def test_flops_and_memory():
    shown = text(net(), flops=True, memory=True)
    row = next(line for line in shown.splitlines() if "unit x3" in line)
    assert [cell.strip() for cell in row.split("│")[1:-1]] == [
        *["unit x3", "(None, 4)", "60", "120", "96 B", "240 B"]
    ]
    assert "FLOPs: 145" in shown and "Outputs of all layers: 116 B" in shown
    assert "For a batch of 1." in shown
    assert "FLOPs" not in text(net())


def test_dtypes_and_masks():
    x = Input((None,), dtype="int32", name="words")
    h = layers.Embedding(9, 4, mask_zero=True, dtype="mixed_bfloat16", name="embed")(x)
    shown = text(Model(x, layers.LSTM(3, name="lstm")(h)), dtype=True, masks=True)
    row = {line.split()[1]: line for line in shown.splitlines() if " (" in line and "│" in line}
    assert "bfloat16 (weights float32)" in row["embed"] and " Y " in row["embed"]
    assert " - " in row["lstm"] and "int32" in row["words"]
    assert "Connected to" not in shown and "compute_mask" not in shown


def test_shapes_inside_of_subclassed_models():
    class Net(Model):
        def __init__(self):
            super().__init__()
            self.dense = Dense(2)
            self.unused = Dense(3)

        def call(self, x):
            return self.dense(x)

    net = Net()
    net.build((None, 3))
    rows = [line for line in text(net, flops=True).splitlines() if "(Dense)" in line]
    assert "(None, 2)" in rows[0] and "14" in rows[0]
    assert "?" in rows[1]
    outer = Model(x := Input((3,)), net(x))
    assert "(None, 2)" in next(
        line for line in text(outer, expand_nested=True).splitlines() if "  dense" in line
    )


def test_ranges_by_path_and_pattern():
    shown = text(net(), layer_range=("unit_3", "out"), fold=False)
    assert "unit_3" in shown and "out (Dense)" in shown and "unit_2" not in shown
    inside = text(net(), layer_range=("unit_3/.*|unit_3", "unit_3"), fold=False)
    assert "unit_3" in inside and "out (Dense)" not in inside


def test_no_text_is_lost_where_it_is_narrow():
    for width in (100, 60, 40):
        lines = text(net(), line_length=width, flops=True, memory=True).splitlines()
        assert max(map(len, lines)) <= width
        assert width < 60 or sum("unit x3" in line for line in lines) == 1
    wide = text(net(), line_length=90, positions=[0.5, 0.8]).splitlines()
    assert 86 <= len(wide[1]) <= 90 and 40 <= wide[1].index("┳") <= 46


def test_colors_are_for_terminals_only(monkeypatch, capsys):
    net().summary()
    assert "\x1b[" not in capsys.readouterr().out
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    net().summary()
    assert "\x1b[" in capsys.readouterr().out
    assert "\x1b[" not in text(net())


def test_html_folds_without_scripts_and_is_escaped():
    x = Input((4,), name="x")
    html = Model(x, Dense(1, name="<i>&")(unit(unit(x))), name="<script>")._repr_html_()
    assert "<details open><summary" in html and "unit x2" in html
    assert "&lt;script&gt;" in html and "&lt;i&gt;&amp;" in html and "<script" not in html
    assert html.count("<div") == html.count("</div")
    assert html.count("<details") == html.count("</details") == 1
    assert "details" in net()._repr_html_()
    assert "?" in cornu.Sequential([Dense(2)])._repr_html_()


def test_work_grows_with_the_layers_and_not_faster():
    def work(depth):
        x = h = Input((4,))
        for i in range(depth):
            h = Dense(4, name=f"d{i}")(h)
        model = Model(x, h)
        assert len(text(model).splitlines()) > depth
        return calls(lambda: text(model, flops=True))

    large = work(400)
    assert large < 1_000_000 and large < 4.4 * work(100)
