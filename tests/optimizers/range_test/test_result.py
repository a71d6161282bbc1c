"""RangeTest: suggestions and plots of a learning rate range test."""

import sys
import xml.etree.ElementTree as ET
from types import ModuleType

import numpy as np
import pytest

from cornu.optimizers.range_test.result import RangeTest


def test_suggestions():
    rates = np.logspace(-6, 1, 100)
    curve = 2.0 - 1.5 / (1 + (0.01 / rates)) + np.where(rates > 0.5, 5 * rates, 0)
    noisy = curve + 0.05 * np.random.default_rng(0).normal(size=100)
    for losses in (curve, noisy):
        found = RangeTest(rates, losses)
        assert 5e-3 < found.suggestion < 2e-2 and 2e-3 < found.suggest("valley") < 3e-2
        assert 0.01 < found.suggest("minimum") < 0.06
        assert found.valley[0] < found.suggestion < found.valley[1]
    for losses in (np.ones(100), np.random.default_rng(1).normal(size=100), np.exp(rates)):
        found = RangeTest(rates, losses)
        assert found.suggestion is None and found.valley is None
        assert "did not decrease clearly" in str(found.plot("svg")) and "no suggestion" in repr(
            found
        )
    assert RangeTest([], []).suggestion is None and "0 rates" in repr(RangeTest([], []))
    with pytest.raises(ValueError, match="unknown method 'steep'. Did you mean 'steepest'"):
        found.suggest("steep")


@pytest.mark.parametrize("noise", [0.05, 0.15, 0.3])
def test_the_default_hardly_depends_on_the_noise(noise):
    """The suggestions of twenty tests of the same curve."""
    rates = np.logspace(-7, 1, 100)
    curve = 2.3 - 2.0 / (1 + (0.01 / rates) ** 2) + np.where(rates > 0.5, 5 * rates, 0)
    shown = rates < 2
    found = []
    for seed in range(20):
        random = np.random.default_rng(seed).normal(size=100)
        found.append(RangeTest(rates[shown], (curve + noise * random)[shown]).suggestion)
    assert 0.004 < min(found) and max(found) < 0.02 and max(found) / min(found) < 2.5


def test_the_picture(monkeypatch):
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    rates = np.logspace(-7, 1, 50)
    found = RangeTest(rates, 2.0 - 1.5 / (1 + (0.01 / rates)))
    picture = found.plot()
    texts = [e.text for e in ET.fromstring(str(picture)).iter() if e.tag.endswith("}text")]
    assert {"1e-5", "1e-3", "0.1", "learning rate", "each batch", "trend"} <= set(texts)
    for method in ("valley", "steepest", "minimum"):
        assert f"{method} {found.suggest(method):.2g}" in texts
    assert found._repr_html_() == str(picture)
    assert ET.fromstring(str(found.plot(log=True))) is not None
    with pytest.raises(ValueError, match="unknown backend"):
        found.plot("gif")
    with pytest.raises(ValueError, match="nothing to plot"):
        RangeTest([1.0], [1.0]).plot()


class Figure:
    """Records calls, as axes and figure in one."""

    def __init__(self, **kwargs):
        self.calls = {}

    def add_subplot(self):
        return self

    def __getattr__(self, name):
        return lambda *args, **kwargs: self.calls.setdefault(name, []).append((args, kwargs))


def test_a_figure_of_matplotlib(monkeypatch):
    module = ModuleType("matplotlib.figure")
    module.Figure = Figure
    monkeypatch.setitem(sys.modules, "matplotlib", ModuleType("matplotlib"))
    monkeypatch.setitem(sys.modules, "matplotlib.figure", module)
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    rates = np.logspace(-7, 1, 50)
    found = RangeTest(rates, 2.0 - 1.5 / (1 + (0.01 / rates)))
    calls = found.plot("matplotlib").calls
    assert [args[1] for args, _ in calls["plot"]] == [found.losses, found.trend]
    shown = [args[0] for args, _ in calls["axvline"]]
    assert shown == [found.suggest(method) for method in ("valley", "steepest", "minimum")]
    assert calls["axvspan"][0][0] == found.valley
    assert calls["set_xscale"] == [(("log",), {})] and "set_ylim" in calls
    assert "set_yscale" in found.plot("matplotlib", log=True).calls
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match="needs the package 'matplotlib'"):
        found.plot("matplotlib")
