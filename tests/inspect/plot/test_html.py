"""The HTML page: layout equal to Python's, expanding, searching, and no execution of user data."""

import json
import re

import pytest

import cornu
from cornu import Input, Model, layers
from cornu.inspect.plot.box_content import PlotOptions
from cornu.inspect.plot.diagram import build_diagram
from cornu.inspect.plot.html import to_html
from cornu.inspect.plot.layout import compute_layout
from cornu.utils import plot_model
from tests.inspect.plot.browser import ask

EVIL = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked=2'>"


def unit(x, units=4):
    return layers.ReLU()(layers.Dense(units)(x))


def net(name="net"):
    x = Input((4,), name="x")
    inner = cornu.Sequential([Input((4,)), layers.Dense(4, name="inside")], name="inner")
    h = unit(inner(unit(unit(unit(x)))), 4)
    h = layers.Add()([h, x])
    return Model(x, layers.Dense(1, name=name + "_out")(h), name=name)


def data(page):
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])


def test_a_page_is_self_contained():
    page = to_html(net(), PlotOptions())
    assert not re.search(r"(src|href)\s*=|url\(|@import|https?://(?!www\.w3\.org/2000/svg)", page)
    assert "default-src 'none'" in page
    titles = [box["title"] for box in data(page)["boxes"]]
    assert titles.count("unit x3") == 1 and titles.count("Dense") == 6


def unsafe_net():
    @cornu.block(EVIL + " @DATA@ @STYLES@")
    def around(x):
        layer = layers.Dense(4)
        layer.name = EVIL  # what the constructor refuses, because of the '/'
        return layer(x)

    x = Input((4,), name="x")
    inner = cornu.Sequential([Input((4,)), layers.Dense(4, name="needle")], name="inner")
    model = Model(x, around(unit(inner(x))), name="model")
    model.name = "</title>" + EVIL
    return model


def test_names_stay_names():
    page = to_html(unsafe_net(), PlotOptions(show_layer_names=True))
    assert page.count("<script") == 2 and page.count("</script>") == 2
    assert "<img" not in page and page.count("</title>") == 1
    found = data(page)
    assert found["name"] == "</title>" + EVIL
    assert EVIL in [box["name"] for box in found["boxes"]]
    assert EVIL + " @DATA@ @STYLES@" in [box["title"] for box in found["boxes"]]


def test_boxes_contain_facts():
    boxes = data(to_html(net(), PlotOptions()))["boxes"]
    out = next(box for box in boxes if box["about"]["title"] == "net_out")
    facts = dict(out["about"]["facts"])
    assert facts["parameters"] == "5" and facts["returns"] == "(None, 1) float32"
    assert "test_html.py:" in facts["called"]
    assert dict(out["about"]["config"])["units"] == "1"
    block = next(box for box in boxes if box["title"] == "unit x3")
    assert dict(block["about"]["facts"])["path"] == "unit, unit_1, unit_2"


def test_a_notebook_shows_the_page(tmp_path):
    plot = plot_model(net(), tmp_path / "net.html")
    assert plot._repr_svg_() is None and plot._repr_html_().startswith("<iframe srcdoc=")
    assert (tmp_path / "net.html").read_text() == plot.html


LOOK = """
const places = () => Object.fromEntries(
  B.filter(b => b.id && shown(b)).map(b => [b.id, [b.x, b.y, b.width, b.height]]));
const texts = () => [...document.querySelectorAll("#view text")].map(t => t.textContent);
"""


@pytest.mark.parametrize("rankdir", ["TB", "RL"])
def test_the_page_lays_out_as_python_does(rankdir, tmp_path):
    options = PlotOptions(rankdir=rankdir, show_shapes=True, expand_nested=True)
    page = to_html(net(), options)
    script = "B.forEach(b => { b.open = !!b.parts; }); draw(); tell(places());"
    answer = ask(page, LOOK + script, tmp_path)
    shown = build_diagram(net(), PlotOptions(**{**vars(options), "grouped": True}))
    for box in shown.root.walk():  # an open frame on the page has a sign in its heading
        if box.parts:
            box.width = data(page)["boxes"][list(shown.root.walk()).index(box)]["head"]
    compute_layout(shown.root, shown.edges, rankdir)
    for i, box in enumerate(shown.root.walk()):
        if i:
            expected = [box.x, box.y, box.width, box.height]
            assert answer[str(i)] == pytest.approx(expected, abs=0.5), box.data.title


def test_blocks_open_and_close(tmp_path):
    script = """
    const first = places(), group = B.find(b => b.title === "unit x3"), closed = B[0].height;
    click(group); const opened = B[0].height, more = Object.keys(places()).length;
    const facts = document.getElementById("side").textContent;
    click(group); const again = places();
    setAll(false); const few = Object.keys(places()).length;
    tell({closed, opened, more, few, facts, same: JSON.stringify(first) === JSON.stringify(again),
          least: Object.keys(first).length});
    """
    answer = ask(to_html(net(), PlotOptions()), LOOK + script, tmp_path)
    assert answer["opened"] > answer["closed"] and answer["same"]
    assert answer["few"] < answer["least"] < answer["more"]
    assert "3 equal blocks" in answer["facts"] and "unit, unit_1, unit_2" in answer["facts"]


def test_user_data_is_not_executed_and_search_finds_it(tmp_path):
    script = """
    search("needle"); const hit = hits.length, hidden = !shown(hits[0]); go();
    const found = chosen.about.title, visible = shown(chosen);
    search("window.hacked"); on = 1; go();
    const side = document.getElementById("side").querySelector("h2").textContent;
    setTimeout(() => tell({hit, hidden, found, visible, side, hacked: window.hacked || 0,
      scripts: document.scripts.length, images: document.images.length}), 100);
    """
    page = to_html(unsafe_net(), PlotOptions(show_layer_names=True))
    answer = ask(page, LOOK + script, tmp_path, "--virtual-time-budget=1000")
    assert answer == {
        **{"hit": 1, "hidden": True, "found": "needle", "visible": True},
        **{"side": EVIL, "hacked": 0, "scripts": 3, "images": 0},
    }


def test_pointer_wheel_and_keys_work(tmp_path):
    script = """
    const press = (target, x, y, dx) => {
      const event = (kind, on, at) => on.dispatchEvent(new PointerEvent(kind,
        {bubbles: true, pointerId: 1, clientX: at, clientY: y}));
      event("pointerdown", target, x); event("pointermove", target, x + dx);
      event("pointerup", target, x + dx);
    };
    const key = (name, on) => (on || document.body).dispatchEvent(
      new KeyboardEvent("keydown", {key: name, bubbles: true}));
    const group = B.find(b => b.title === "unit x3"), told = {};
    press(group.g.querySelector("rect"), 300, 300, 0); told.opened = group.open;
    const before = px; press(stage, 300, 300, 40); told.moved = px - before;
    told.dragKeeps = group.open;
    const z = zoom; stage.dispatchEvent(new WheelEvent("wheel",
      {deltaY: -200, clientX: 10, clientY: 10, cancelable: true}));
    told.larger = zoom > z;
    key("/"); told.focus = document.activeElement.id;
    words.value = "net_out"; words.dispatchEvent(new Event("input"));
    told.listed = document.querySelectorAll("#hits li").length;
    key("Enter", words); told.chosen = chosen.about.title;
    key("Escape", words); key("Escape"); told.left = chosen;
    group.g.focus(); key("Enter", group.g); told.closed = group.open;
    tell(told);
    """
    assert ask(to_html(net(), PlotOptions()), script, tmp_path) == {
        **{"opened": True, "moved": 40, "dragKeeps": True, "larger": True, "focus": "words"},
        **{"listed": 1, "chosen": "net_out", "left": None, "closed": False},
    }
