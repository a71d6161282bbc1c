"""Plots as HTML: a self-contained page with search, zoom and details, on which blocks open.

Python computes the order of all boxes (see `layout.py`), which does not depend on which blocks are
open; the page computes coordinates again whenever a block opens or closes.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from cornu import tree
from cornu.core.layer.layer import Layer
from cornu.graphics.svg import escape, text_width
from cornu.inspect.outline import Item, list_tensors
from cornu.inspect.plot import coordinates, layout
from cornu.inspect.plot.box_content import (
    HEADING,
    SMALL,
    STRIPE,
    TITLE,
    PlotOptions,
    set_box_size,
)
from cornu.inspect.plot.diagram import Diagram, build_diagram
from cornu.inspect.plot.layout import Box, FrameRanks
from cornu.inspect.plot.svg import ARROW, css_styles
from cornu.names import printable

__all__ = ["embed_page", "to_html"]

_PAGE = Path(__file__).with_name("page.html")
_TRIANGLE = 13.0  # the width of the triangle beside the title of a block
_MAX_VALUE = 400  # characters of a config value


def to_html(model: Layer, options: PlotOptions) -> str:
    """Returns the HTML page of a model."""
    shown = build_diagram(model, dataclasses.replace(options, grouped=True))
    found = layout.compute_layout(shown.root, shown.edges, options.rankdir)
    kinds = {box.data.family for box in shown.root.walk()}
    page = _PAGE.read_text(encoding="utf-8")
    parts = {
        "@TITLE@": escape(shown.name),
        "@STYLES@": css_styles(kinds),
        "@DATA@": _script(_data(shown, found.levels)),
    }
    for mark, text in parts.items():
        before, _, after = page.partition(mark)
        page = before + text + after
    return page


def embed_page(page: str, height: int = 640) -> str:
    """Returns a page as an iframe for notebooks."""
    return (
        # In the sandbox, the script of the page has no access to the notebook.
        f'<iframe srcdoc="{escape(page)}" sandbox="allow-scripts" title="model" '
        f'style="width:100%;height:{height}px;border:1px solid #8884;border-radius:8px"></iframe>'
    )


def _script(data: Any) -> str:
    """Returns JSON that is safe inside a script element: it contains no <, > or &."""
    shown = tree.map(lambda x: printable(x) if isinstance(x, str) else x, data)
    text = json.dumps(shown, separators=(",", ":"), ensure_ascii=True)
    # Otherwise a layer named `</script>` would end the script element.
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _data(shown: Diagram, levels: dict[int, FrameRanks]) -> dict[str, Any]:
    boxes = list(shown.root.walk())
    number = {id(box): i for i, box in enumerate(boxes)}
    first = next((i for i, box in enumerate(boxes) if i and not box.parts), 0)
    return {
        "name": shown.name,
        "rankdir": shown.options.rankdir,
        "first": first,
        "boxes": [_box(box, number, levels, shown.options.rankdir) for box in boxes],
        "sizes": {
            "node_gap": coordinates.NODE_GAP,
            "line_gap": coordinates.LINE_GAP,
            "row_gap": layout.ROW_GAP,
            "port_gap": layout.PORT_GAP,
            "padding": layout.PADDING,
            "slope": layout.SLOPE,
            "most_gap": layout.MAX_GAP,
            "heading": HEADING,
            "stripe": STRIPE,
            "arrow": ARROW,
        },
    }


def _box(
    box: Box, number: dict[int, int], levels: dict[int, FrameRanks], rankdir: str
) -> dict[str, Any]:
    part = box.data
    about = _about(box)
    found = {
        "kind": part.family,
        "title": part.title,
        "title_width": round(text_width(part.title, TITLE, True), 2),
        "name": part.name,
        "tag": part.tag,
        "count": part.count,
        "ends": part.ends,
        "opened": part.opened,
        "about": about,
        "words": " ".join([about["path"], part.title, part.name, about["what"]]).lower(),
    }
    # The page needs two sizes for a frame: open, around its parts, and closed, like a leaf.
    closed = Box(data=dataclasses.replace(part, chips=list(part.chips)))
    if box.parts:
        layers = sum(not inner.parts for inner in box.walk())
        closed.data.chips.append(f"{layers} layer{'s' if layers > 1 else ''}")
        chips = sum(text_width(chip, SMALL) + 16 for chip in part.chips)
        words = found["title_width"] + _TRIANGLE + chips + 2 * layout.PADDING
        found["head"] = round(2 * words if rankdir in ("TB", "BT") else words, 2)
        found["parts"] = [number[id(inner)] for inner in box.parts]
        found["level"] = _level(levels[id(box)], number)
    set_box_size(closed, rankdir)
    found["own"] = len(part.chips)  # the others are only shown on a closed block
    found["chips"] = [[chip, round(text_width(chip, SMALL), 2)] for chip in closed.data.chips]
    found["w"] = round(closed.width + (_TRIANGLE if box.parts else 0), 2)
    found["h"] = closed.height
    found["tail"] = round(closed.tail, 2)
    found["tail_width"] = round(closed.tail_width, 2)
    return found


def _level(level: FrameRanks, number: dict[int, int]) -> dict[str, Any]:
    slots = []
    for slot in level.slots:
        if slot.box is not None:
            slots.append({"b": number[id(slot.box)]})
        elif slot.port is not None:
            slots.append({"p": number[id(slot.port)], "e": int(slot.entry)})
        else:
            slots.append({})
    return {
        "slots": slots,
        "rows": level.rows,
        "links": [[a, b, number[id(source)]] for a, b, source in level.links],
        "ways": [[route, number[id(source)]] for route, source in level.routes],
    }


# -------------------------------------------------------------------------------------- facts


def _about(box: Box) -> dict[str, Any]:
    """Returns the details of a box, shown after a click."""
    part = box.data
    item = part.items[0]
    facts = [["path", ", ".join(i.path for i in part.items) or item.name]]
    if item.place:
        facts.append(["defined" if item.kind == "block" else "called", item.place])
    if item.node is not None and item.node.inputs:
        facts.append(["receives", _specs(item.node.inputs)])
    outputs = list_tensors(part.items[-1].outputs)
    if outputs:
        facts.append(["returns", _specs(outputs)])
    variables = list({id(v): v for each in part.items for v in each.weights}.values())
    if variables:
        count = sum(v.size for v in variables)
        trained = sum(v.size for v in variables if v.trainable)
        facts.append(["parameters", f"{count:,}"])
        if trained != count:
            facts.append(["trained", f"{trained:,}"])
    return {
        "title": part.title if item.kind == "block" else item.name,
        "what": _what(item, part.count),
        "path": item.path or item.name,
        "facts": facts,
        "config": _config(item),
    }


def _what(item: Item, count: int) -> str:
    if item.kind == "block":
        return f"{count} equal blocks" if count > 1 else f"block of the function {item.label}"
    return type(item.op).__name__ if isinstance(item.op, Layer) else "op"


def _specs(given: Any) -> str:
    return ", ".join(f"{tensor.shape} {tensor.dtype}" for tensor in given)


def _config(item: Item) -> list[list[str]]:
    op = item.op
    if not isinstance(op, Layer) or op._is_model_:
        return []
    try:
        config = op.get_config()
    except (TypeError, ValueError, NotImplementedError) as error:
        return [["", f"no config: {error}"]]
    return [[str(key), _short(value)] for key, value in config.items() if value is not None]


def _short(value: Any) -> str:
    if isinstance(value, dict) and "class_name" in value:
        inner = value.get("config")
        entries = inner.items() if isinstance(inner, dict) else ()
        arguments = ", ".join(f"{k}={v!r}" for k, v in entries if v is not None)
        value = f"{value['class_name']}({arguments})" if entries else inner or value["class_name"]
    text = str(value)
    return text if len(text) <= _MAX_VALUE else text[:_MAX_VALUE] + " ..."
