"""Tests of line charts with several lines."""

import math
import xml.etree.ElementTree as ET

import pytest

from cornu.graphics.line_chart import Panel, line_chart

SVG = "{http://www.w3.org/2000/svg}"


def panel(**kwargs):
    lines = {"data": [(8, 100.0), (64, 100.0)], "fsdp": [(8, 20.0), (64, math.nan), (512, 1.0)]}
    return Panel("memory, GB", lines, "devices", x_log=True, y_log=True, **kwargs)


def texts(image):
    return [text.text for text in ET.fromstring(str(image)).iter(f"{SVG}text")]


def test_lines_share_a_legend_and_have_labels():
    image = line_chart([panel(), panel()], "Memory <per> device")
    assert ET.fromstring(str(image)).find(f"{SVG}title").text == "Memory <per> device"
    shown = texts(image)
    assert shown.count("fsdp") == 1
    assert shown.count("memory, GB") == shown.count("devices") == 2
    assert {"8", "64", "512"} <= set(shown)


def test_values_that_are_not_finite_have_no_point():
    circles = list(ET.fromstring(str(line_chart([panel()], "m"))).iter(f"{SVG}circle"))
    assert len(circles) == 4


def test_a_limit_is_marked_within_the_panel():
    image = line_chart([panel(limit=1000.0, limit_label="memory of a chip")], "m")
    assert "memory of a chip" in texts(image)
    limit = next(
        p for p in ET.fromstring(str(image)).iter(f"{SVG}path") if "limit" in p.get("class")
    )
    assert float(limit.get("d").split()[1].partition("h")[0]) >= 0


def test_more_lines_than_colors_are_refused():
    lines = {str(i): [(1, 1.0)] for i in range(5)}
    with pytest.raises(ValueError, match="at most 4 kinds of lines, not 5"):
        line_chart([Panel("a", lines, "b")], "c")
