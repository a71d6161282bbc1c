"""Curves of training: SVG without matplotlib, figures with it."""

from __future__ import annotations

import math
import re
import sys
import xml.etree.ElementTree as ET
from types import ModuleType

import pytest

from cornu.callbacks import History
from cornu.graphics.curves import plot_curves
from tests.callbacks import fake

LOGS = [
    {"loss": 2.0, "accuracy": 0.5, "val_loss": 2.5, "val_accuracy": 0.4},
    {"loss": 1.0, "accuracy": 0.75, "val_loss": 1.5, "val_accuracy": 0.7},
    {"loss": 0.5, "accuracy": 1.0, "val_loss": 1.75, "val_accuracy": 0.65},
]


@pytest.fixture
def history(monkeypatch):
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    history = History()
    fake.drive(history, LOGS)
    return history


def texts(picture):
    return [e.text for e in ET.fromstring(str(picture)).iter() if e.tag.endswith("}text")]


def ways(picture, kind):
    """The points of the curves of a kind, panel by panel."""
    found = re.findall(rf'<path d="(M[^"h]*)" class="ch-line ch-{kind}"/>', str(picture))
    return [
        [tuple(map(float, point.split())) for point in re.findall(r"[ML]([\d.]+ [\d.]+)", way)]
        for way in found
    ]


def test_training_and_validation_meet_in_a_panel(history):
    picture = history.plot()
    assert texts(picture).count("loss") == 1 and texts(picture).count("accuracy") == 1
    assert {"training", "validation", "1", "2", "3", "0.5", "1.75"} <= set(texts(picture))
    (loss, accuracy), (val_loss, _) = ways(picture, "training"), ways(picture, "validation")
    assert [x for x, _ in loss] == [0, 160, 320] == [x for x, _ in val_loss]
    # Larger values are higher, that is, at a smaller y; and both lines have one scale.
    assert loss[0][1] < loss[1][1] < loss[2][1] and accuracy[0][1] > accuracy[2][1]
    assert val_loss[0][1] < loss[0][1] < val_loss[2][1] < val_loss[1][1] < loss[1][1]


def test_metrics_are_chosen(history):
    assert "accuracy" not in texts(history.plot("loss"))
    assert "loss" not in texts(history.plot(["val_accuracy", "accuracy"]))
    with pytest.raises(ValueError, match="unknown metric 'acuracy'. Did you mean 'accuracy'"):
        history.plot("acuracy")
    with pytest.raises(ValueError, match="unknown backend 'pdf'"):
        history.plot(backend="pdf")
    with pytest.raises(ValueError, match="no epoch has ended"):
        History().plot()


def test_a_logarithmic_scale_has_equal_steps_for_equal_factors(history):
    ((a, b, c),) = ways(history.plot("loss", log=True), "training")
    assert b[1] - a[1] == pytest.approx(c[1] - b[1], abs=0.2)
    with_zero = plot_curves({"loss": [1.0, 0.0, 0.1]}, [0, 1, 2], log=True, backend="svg")
    assert len(ways(with_zero, "training")[0]) == 2
    nothing = plot_curves({"loss": [0.0, -1.0]}, [0, 1], log=True, backend="svg")
    assert "no finite value above 0" in texts(nothing)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_non_finite_values_are_gaps(bad):
    picture = plot_curves({"loss": [1.0, 2.0, bad, 3.0]}, range(4), backend="svg")
    assert str(picture).count("M0 ") and len(ways(picture, "training")[0]) == 3
    assert re.search(r'd="M[^"]*L[^"]*M[^"]*" class="ch-line ch-training"', str(picture))


def test_one_epoch_equal_values_and_lists_are_no_trouble():
    assert "1" in texts(plot_curves({"loss": [3.0]}, [0], backend="svg"))
    assert len(ways(plot_curves({"loss": [0.0] * 3}, range(3), backend="svg"), "training")[0]) == 3
    assert "per_class" not in texts(
        plot_curves({"loss": [1.0], "per_class": [[1.0, 2.0]]}, [0], backend="svg")
    )


def test_validation_is_plotted_at_its_epochs(history):
    history = History()
    fake.drive(history, [{"loss": 1.0}, {"loss": 1.0, "val_loss": 2.0}, {"loss": 1.0}])
    fake.drive(history, [{"loss": 1.0, "val_loss": 1.0}, {"loss": 1.0}], start=3)
    other = History()
    other.set_state(history.get_state())
    for each in (history, other):
        (validation,) = ways(each.plot(), "validation")
        assert [x for x, _ in validation] == [80, 240]


def test_many_epochs_stay_a_small_file():
    values = [math.sin(i / 50) + 5 * (i == 7777) for i in range(20000)]
    picture = plot_curves({"loss": values}, range(20000), backend="svg")
    (line,) = ways(picture, "training")
    assert len(line) < 1500 and len(str(picture)) < 40_000
    assert line[-1][0] == 320
    top = min(line, key=lambda point: point[1])
    assert top[0] == pytest.approx(320 * 7777 / 20000, abs=1)  # the one peak is still there


def test_names_are_escaped_and_files_written(history, tmp_path):
    picture = plot_curves({"<b>&": [1.0]}, [0], backend="svg")
    assert "<b>" not in str(picture) and "<b>&" in texts(picture)
    history.plot().save(tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_text() == history.plot()._repr_svg_()
    with pytest.raises(ValueError, match="ends? in '.svg'"):
        history.plot().save(tmp_path / "a.pdf")


def test_a_file_name_is_written_in_its_format(history, tmp_path, monkeypatch, capsys):
    written = history.plot(tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_text() == str(written) == str(history.plot())
    history.plot("loss", to_file=str(tmp_path / "b.svg"))
    assert "accuracy" not in (tmp_path / "b.svg").read_text()
    monkeypatch.setattr("cornu.terminal.console._printed", set())
    monkeypatch.setattr("cornu.graphics.figure.find_spec", lambda name: None)
    for name in ("c.png", "d.png"):
        history.plot(str(tmp_path / name))
        assert (tmp_path / name).with_suffix(".svg").exists()
    out = capsys.readouterr().out
    assert out.count("matplotlib is not installed") == 1 and "cornu[matplotlib]" in out
    with pytest.raises(ValueError, match="suffix of the file name"):
        history.plot(to_file="a.bmp")


def test_missing_matplotlib_is_reported(history, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"needs the package 'matplotlib'.*cornu\[matplotlib\]"):
        history.plot(backend="matplotlib")


class Figure:
    """Records calls, as axes and figure in one."""

    def __init__(self, **kwargs):
        self.calls = []

    def add_subplot(self, *place):
        return self

    @property
    def xaxis(self):
        return self

    def get_major_locator(self):
        return self

    def __getattr__(self, name):
        return lambda *args, **kwargs: self.calls.append((name, args, kwargs))


def test_a_figure_is_made_if_matplotlib_is_in_use(history, monkeypatch):
    module = ModuleType("matplotlib.figure")
    module.Figure = Figure
    pyplot = ModuleType("matplotlib.pyplot")
    closed = []
    pyplot.figure, pyplot.close = Figure, closed.append
    pyplot.get_backend = lambda: "module://matplotlib_inline.backend_inline"
    monkeypatch.setitem(sys.modules, "matplotlib", ModuleType("matplotlib"))
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", pyplot)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", module)
    figure = history.plot("loss", log=True)
    assert isinstance(figure, Figure) and closed == [figure]
    plotted = [call for call in figure.calls if call[0] == "plot"]
    assert [(args, kwargs["label"]) for _, args, kwargs in plotted] == [
        (([1, 2, 3], [2.0, 1.0, 0.5]), "training"),
        (([1, 2, 3], [2.5, 1.5, 1.75]), "validation"),
    ]
    assert ("set_yscale", ("log",), {}) in figure.calls
    assert history.plot(backend="svg").what == "Curves of loss, accuracy"
