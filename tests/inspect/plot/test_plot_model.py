"""plot_model and model_to_dot: what is drawn of each kind of model, and which files are written."""

import inspect
import re
import struct
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import cornu
from cornu import Input, Model, Sequential, layers
from cornu.inspect.plot.box_content import PlotOptions
from cornu.inspect.plot.diagram import build_diagram
from cornu.layers import Dense
from cornu.utils import model_to_dot, plot_model


def unit(x, units=4):
    return layers.ReLU()(Dense(units)(x))


def stack():
    return Sequential([Input((4,), name="x"), Dense(3, "relu"), Dense(2, "softmax")], name="stack")


def net():
    x = Input((4,), name="x")
    return Model(x, Dense(1, name="out")(unit(unit(unit(x)), 2)), name="net")


def tree(model, **kwargs):
    """The boxes as nested lists of titles."""

    def titles(box):
        return [box.data.title, *map(titles, box.parts)] if box.parts else box.data.title

    return [titles(box) for box in build_diagram(model, PlotOptions(**kwargs)).root.parts]


def edges(model, **kwargs):
    found = build_diagram(model, PlotOptions(**kwargs)).edges
    return {(e.source.data.items[0].name, e.target.data.items[0].name) for e in found}


def texts(plot):
    return [e.text for e in ET.fromstring(plot.svg).iter() if e.tag.endswith("}text")]


def test_the_signatures_are_those_of_keras():
    given = {k: p.default for k, p in inspect.signature(plot_model).parameters.items()}
    assert given["to_file"] == "model.png" and given["show_layer_names"] is False
    assert list(given) == [
        *["model", "to_file", "show_shapes", "show_dtype", "show_layer_names", "rankdir"],
        *["expand_nested", "dpi", "show_layer_activations", "show_trainable", "splines"],
        *["fold", "depth"],
    ]
    defaults = {k: p.default for k, p in inspect.signature(model_to_dot).parameters.items()}
    del defaults["model"]
    assert defaults == {
        **{"show_shapes": False, "show_dtype": False, "show_layer_names": True, "rankdir": "TB"},
        **{"expand_nested": False, "dpi": 200, "subgraph": False, "splines": "ortho"},
        **{"show_layer_activations": False, "show_trainable": False, "fold": True, "depth": None},
    }


# ------------------------------------------------------------------------------- what is drawn


def test_a_stack_of_layers():
    assert tree(stack()) == ["InputLayer", "Dense", "Dense"]
    assert edges(stack()) == {("x", "dense_2"), ("dense_2", "dense_3")}


def test_blocks_are_frames_and_equal_neighbors_are_one():
    folded = ["InputLayer", ["unit x2", "Dense", "ReLU"], ["unit_2", "Dense", "ReLU"], "Dense"]
    assert tree(net()) == folded
    assert len(tree(net(), fold=False)) == 5
    assert tree(net(), depth=0) == ["InputLayer", "unit x2", "unit_2", "Dense"]
    # The edge from the first of the folded blocks to the second is not drawn, that to the next is.
    assert edges(net(), depth=0) == {("x", "unit"), ("unit", "unit_2"), ("unit_2", "out")}


def test_blocks_beside_each_other_are_one_only_with_the_same_input():
    def two(same):
        x, y = Input((4,), name="x"), Input((4,), name="y")
        out = layers.Add()([unit(x), unit(x if same else y), Dense(4)(y)])
        return Model([x, y], out)

    assert ["unit x2", "Dense", "ReLU"] in tree(two(True))
    assert ["unit_1", "Dense", "ReLU"] in tree(two(False))


def test_a_picture_in_groups_keeps_every_block():
    model = net()
    grouped = tree(model, grouped=True)
    assert grouped[1][0] == "unit x2" and [part[0] for part in grouped[1][1:]] == ["unit", "unit_1"]
    assert ("re_lu", "dense_1") in edges(model, grouped=True)


def test_nested_models_open():
    inner = Sequential([Input((4,), name="i"), Dense(4, name="d")], name="inner")
    x = Input((4,), name="x")
    model = Model(x, Dense(1, name="out")(inner(x)))
    assert tree(model) == ["InputLayer", "Sequential", "Dense"]
    assert tree(model, expand_nested=True) == [
        "InputLayer", ["inner", "InputLayer", "Dense"], "Dense",
    ]  # fmt: skip
    assert edges(model, expand_nested=True) == {("x", "i"), ("i", "d"), ("d", "out")}


def test_inputs_and_outputs_of_nested_models_meet_by_name_and_position():
    a, b = Input((2,), name="a"), Input((3,), name="b")
    inner = Model({"a": a, "b": b}, [Dense(2, name="da")(a), Dense(2, name="db")(b)], name="inner")
    x, y = Input((2,), name="x"), Input((3,), name="y")
    one, two = inner({"b": y, "a": x})
    model = Model([x, y], [layers.ReLU(name="r1")(one), layers.ReLU(name="r2")(two)])
    assert edges(model, expand_nested=True) == {
        *[("x", "a"), ("y", "b"), ("a", "da"), ("b", "db"), ("da", "r1"), ("db", "r2")]
    }


def test_shared_layers_are_marked():
    x, y = Input((4,), name="x"), Input((4,), name="y")
    shared = Dense(2, name="twin")
    shown = build_diagram(Model([x, y], layers.Add()([shared(x), shared(y)])), PlotOptions())
    chips = [(box.data.name, box.data.chips) for box in shown.root.parts]
    assert chips.count(("twin", ["shared"])) == 2


def test_a_shared_model_opens_once():
    encoder = Sequential([Input((4,)), Dense(2)], name="encoder")
    x, y = Input((4,), name="x"), Input((4,), name="y")
    model = Model([x, y], layers.Subtract()([encoder(x), encoder(y)]))
    assert edges(model) == {("x", "encoder"), ("y", "encoder"), ("encoder", "subtract")}
    opened = tree(model, expand_nested=True)
    assert ["encoder", "InputLayer", "Dense"] in opened and "Sequential" in opened


def test_ops_wrappers_and_masks():
    x = Input((None,), dtype="int32", name="x")
    h = layers.Embedding(10, 4, mask_zero=True)(x)
    h = layers.Bidirectional(layers.LSTM(3))(h)
    model = Model(x, cornu.ops.exp(h) + 1.0)
    assert tree(model) == ["InputLayer", "Embedding", "Bidirectional(LSTM)", "exp", "add"]
    assert "compute_mask" not in str(edges(model))
    assert tree(Sequential([Input((2, 3)), layers.TimeDistributed(Dense(1))]))[1] == (
        "TimeDistributed(Dense)"
    )


class Residual(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner, self.norm = Dense(4), layers.LayerNormalization()

    def call(self, x):
        return self.norm(x + self.inner(x))


class Two(Model):
    def __init__(self):
        super().__init__(name="two")
        self.a, self.b, self.c = Dense(4, name="a"), Residual(name="b"), Dense(2, name="c")

    def head(self, x):
        return self.c(x)

    def call(self, x):
        return self.head(self.b(self.a(x)))


def test_a_subclassed_model_is_plotted_from_its_call():
    model = Two()
    with pytest.raises(ValueError, match="Two 'two' is not built.*\n.*call `build"):
        plot_model(model, None)
    model.build((None, 3))
    assert tree(model) == ["InputLayer", "Dense", "Residual", ["head", "Dense"]]
    assert tree(model, expand_nested=True)[2] == ["b", "Dense", "add", "LayerNormalization"]
    opened = edges(model, expand_nested=True)
    assert {("a", "add"), ("a", "dense"), ("layer_normalization", "c")} < opened
    assert ("inputs", "a") in opened and len(opened) == 6
    x = Input((3,), name="x")
    assert edges(Model(x, Dense(1, name="d")(model(x))), expand_nested=True) >= {
        *[("x", "a"), ("c", "d")]
    }
    with pytest.raises(ValueError, match="Sequential .* is not built"):
        plot_model(Sequential([Dense(2)]), None)


def test_a_program_that_needs_numbers_lists_its_layers():
    class Choosy(Two):
        def call(self, x):
            return self.head(self.a(x)) if type(x).__name__ == "Tensor" and float(x) else x

    model = Choosy()
    model.build((None, 3))
    assert tree(model) == ["Dense", "Residual", "Dense"]
    assert [edge.visible for edge in build_diagram(model, PlotOptions()).edges] == [False, False]


def test_labels_of_boxes():
    model = stack()
    model.layers[0].trainable = False
    plain = texts(plot_model(model, None))
    assert plain == ["InputLayer", "Dense", "Dense"]
    shown = texts(
        plot_model(model, None, True, True, True, show_layer_activations=True, show_trainable=True)
    )
    for word in ("(None, 3) float32", "dense", "relu", "frozen", "trainable", "softmax"):
        assert word in shown
    assert "relu" in texts(plot_model(Sequential([Input((2,)), layers.Activation("relu")]), None))
    # The last layer's shape labels an edge that leaves the model.
    plot = plot_model(model, None, show_shapes=True)
    assert "(None, 2)" in texts(plot) and plot.svg.count('class="cn-arrow"') == 3


def test_boxes_are_as_wide_as_their_text():
    name = "a_rather_long_name_of_a_layer_that_does_not_fit_into_a_small_box"
    plot = plot_model(Sequential([Input((2,)), Dense(1, name=name)]), None, show_layer_names=True)
    widths = [float(w) for w in re.findall(r'<rect x="[^"]*" y="[^"]*" width="([\d.]+)"', plot.svg)]
    assert max(widths) > 5.2 * len(name)


# ----------------------------------------------------------------------------------------- files


def test_files_are_written_by_their_endings(tmp_path):
    model = net()
    plot = plot_model(model, tmp_path / "a.svg")
    assert ET.parse(tmp_path / "a.svg").getroot().tag == "{http://www.w3.org/2000/svg}svg"
    assert plot._repr_svg_() == (tmp_path / "a.svg").read_text() and plot._repr_html_() is None
    plot.save(str(tmp_path / "a.dot"))
    assert (tmp_path / "a.dot").read_text() == plot.dot
    plot.save(tmp_path / "a.html")
    assert (tmp_path / "a.html").read_text().startswith("<!DOCTYPE html>")
    with pytest.raises(ValueError, match="Known: .svg, .png, .html|Did you mean"):
        plot_model(model, tmp_path / "a.jpeg")
    with pytest.raises(ValueError, match="`rankdir` must be one of TB, BT, LR, RL. Received: 'up'"):
        plot_model(model, None, rankdir="up")
    with pytest.raises(ValueError, match="plot_model expects a model. Received: <Dense"):
        plot_model(Dense(1), None)
    with pytest.raises(ValueError, match="`depth` must be None or at least 0"):
        plot_model(model, None, depth=-1)


def test_png(tmp_path):
    pytest.importorskip("PIL")
    sizes = []
    for dpi in (48, 96):
        plot_model(net(), tmp_path / "a.png", show_shapes=True, dpi=dpi)
        data = (tmp_path / "a.png").read_bytes()
        assert data.startswith(b"\x89PNG")
        sizes.append(struct.unpack(">II", data[16:24]))
    assert sizes[1][0] == pytest.approx(2 * sizes[0][0], abs=2)
    from PIL import Image

    image = Image.open(tmp_path / "a.png").convert("RGB")
    colours = {colour for _, colour in image.getcolors(1 << 20)}
    assert (255, 255, 255) in colours and (0xF3, 0xF6, 0xFB) in colours  # paper and frame


def test_without_pillow_an_svg_file_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setattr("cornu.terminal.console._printed", set())
    for name in ("model.png", "again.png"):
        plot_model(net(), tmp_path / name)
        assert (tmp_path / name).with_suffix(".svg").read_text().startswith("<svg")
    out = capsys.readouterr().out
    assert out.count("Pillow is not installed") == 1 and "pip install 'cornu[plot]'" in out
    with pytest.raises(ImportError, match=r"'pillow'.*pip install 'cornu\[plot\]'"):
        plot_model(net(), None).png  # noqa: B018


@pytest.mark.parametrize("rankdir", ["TB", "BT", "LR", "RL"])
def test_edges_point_where_they_should(rankdir):
    plot = plot_model(stack(), None, rankdir=rankdir)
    first, last = (
        tuple(map(float, re.findall(rf'<rect x="([\d.]+)" y="([\d.]+)"[^>]*{kind}"', plot.svg)[i]))
        for kind, i in (("cn-input", 0), ("cn-dense", -1))
    )
    dx, dy = last[0] - first[0], last[1] - first[1]
    along = {"TB": dy, "BT": -dy, "LR": dx, "RL": -dx}[rankdir]
    assert along > 90


def test_edges_may_be_straight():
    x = Input((2,), name="x")
    model = Model(x, layers.Add()([Dense(2)(x), Dense(2)(x)]))
    assert re.search(r'd="M[^"]*C', plot_model(model, None).svg)
    for splines in ("polyline", False):
        assert not re.search(r'd="M[^"]*C', plot_model(model, None, splines=splines).svg)


def test_svg_is_escaped():
    @cornu.block("a < b & 'c'</svg>")
    def odd(x):
        return Dense(2, name='<script>"&')(x)

    x = Input((2,))
    found = texts(plot_model(Model(x, odd(x)), None, show_layer_names=True))
    assert "a < b & 'c'</svg>" in found and '<script>"&' in found


# ------------------------------------------------------------------------------------------- dot


def test_dot():
    text = model_to_dot(net(), show_shapes=True, rankdir="LR")
    assert text.to_string() == text and text.startswith("digraph G {")
    assert "rankdir=LR;" in text and "dpi=200" in text and 'splines="ortho"' in text
    assert text.count(" -> ") == 5 and text.count("subgraph cluster_") == 2
    assert '[label="Dense\\nout\\n(None, 1)"' in text and 'label="unit x2"' in text
    assert text.count("{") == text.count("}")
    assert model_to_dot(net(), subgraph=True).startswith('subgraph "cluster_net" {')


def test_dot_is_quoted(tmp_path):
    text = model_to_dot(Sequential([Input((2,)), Dense(1, name='a"b\\c\nd')]))
    assert 'Dense\\na\\"b\\\\c\\\\nd' in text  # a line end in a name is shown as \\n
    text.write(tmp_path / "a.dot")
    assert (tmp_path / "a.dot").read_text() == text


# ------------------------------------------------------------------------------------------ docs


def test_each_picture_is_shown_on_one_page():
    docs = Path(__file__).parents[3] / "docs"
    named = [
        name
        for page in docs.glob("*.md")
        if page.name != "index.md"  # the first page shows one of them again
        for name in re.findall(r"\]\((pictures/[^)]*)\)", page.read_text())
    ]
    assert sorted(named) == sorted(f"pictures/{path.name}" for path in docs.glob("pictures/*"))
    for name in named:
        assert (docs / name).stat().st_size < 50_000
        ET.parse(docs / name)
