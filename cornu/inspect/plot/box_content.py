"""The content of a box in a plot: its texts, and the size that they need."""

from __future__ import annotations

from dataclasses import dataclass, field

from cornu.core.layer.layer import Layer
from cornu.graphics.svg import text_width
from cornu.inspect.folding import format_repeats
from cornu.inspect.outline import Item
from cornu.inspect.plot.layer_families import Family
from cornu.inspect.plot.layout import PADDING, Box, RankDirection
from cornu.layers.activations import Activation
from cornu.layers.input import InputLayer
from cornu.layers.rnn.bidirectional import Bidirectional
from cornu.layers.wrapper import Wrapper
from cornu.names import printable

__all__ = [
    "BoxContent",
    "PlotOptions",
    "describe_block",
    "format_activation",
    "format_title",
    "set_box_size",
]

# Sizes in pixels of SVG.
TITLE, SMALL = 13.0, 11.0  # font sizes
TITLE_LINE, SMALL_LINE, CHIP_LINE = 18.0, 15.0, 18.0
EDGE, STRIPE = 11.0, 6.0  # space beside the text, and width of the colored stripe
HEADING = 22.0


@dataclass(frozen=True)
class PlotOptions:
    """The options of `plot_model`.

    `grouped` puts folded blocks into a frame of their own instead of showing only the first.
    """

    show_shapes: bool = False
    show_dtype: bool = False
    show_layer_names: bool = False
    rankdir: RankDirection = "TB"
    expand_nested: bool = False
    show_layer_activations: bool = False
    show_trainable: bool = False
    fold: bool = True
    depth: int | None = None
    grouped: bool = False


@dataclass(eq=False)
class BoxContent:
    """The texts of a box, and the parts of the model that it shows.

    Attributes:
        family: decides the color.
        title: the first line, or the heading of a frame.
        name: the second line, '' for none.
        chips: short labels below the name.
        tag: the label at the start of its edges.
        count: how many equal blocks it shows.
        ends: whether it computes an output of the model that nothing else uses.
        opened: whether a frame is initially open on an HTML page.
        items: the parts of the model that it shows.
    """

    family: Family
    title: str
    name: str = ""
    chips: list[str] = field(default_factory=list)
    tag: str = ""
    count: int = 1
    ends: bool = False
    opened: bool = True
    items: list[Item] = field(default_factory=list)

    def make_printable(self) -> None:
        """Makes the texts printable, before their widths are computed."""
        self.title, self.name, self.tag = map(printable, (self.title, self.name, self.tag))
        self.chips = list(map(printable, self.chips))


def describe_block(members: list[Item], opened: bool) -> BoxContent:
    """Returns the content of a frame around one or several equal blocks."""
    item, count = members[0], len(members)
    title = format_repeats(members) if count > 1 else item.name
    return BoxContent("block", title, count=count, opened=opened, items=members)


def format_title(item: Item) -> str:
    """Returns the first line of a box: the class of a layer, the name of an op."""
    op = item.op
    if item.kind == "input" and not isinstance(op, InputLayer):
        return "Input"
    if isinstance(op, Bidirectional):
        return f"Bidirectional({type(op.forward_layer).__name__})"
    if isinstance(op, Wrapper):
        return f"{type(op).__name__}({type(op.layer).__name__})"
    return type(op).__name__ if isinstance(op, Layer) else op.name


def format_activation(layer: Layer, options: PlotOptions) -> str:
    """Returns the name of a layer's activation, '' if it has none or it is not shown."""
    if not options.show_layer_activations and not isinstance(layer, Activation):
        return ""
    given = layer.get_config().get("activation") if not layer._is_model_ else None
    if isinstance(given, dict):
        inner = given.get("config")
        given = given.get("class_name") if isinstance(inner, dict) else inner
    return str(given) if given else ""


def set_box_size(box: Box, rankdir: str) -> None:
    """Sets the size that a box needs for its texts."""
    part = box.data
    if box.parts and part.items[0].kind != "block":
        part.title, part.name = part.items[0].name, ""
    part.make_printable()
    chips = sum(text_width(chip, SMALL) + 16 for chip in part.chips)
    if box.parts:
        box.heading = HEADING
        wide = text_width(part.title, TITLE, True) + (
            text_width(part.name, SMALL) + 8 if part.name else 0
        )
        wide += chips + 2 * PADDING
        # Edges enter at the middle of the heading: its text takes one half only.
        box.width = 2 * wide if rankdir in ("TB", "BT") else wide
        return
    lines = [
        text_width(part.title, TITLE, True),
        text_width(part.name, SMALL),
        chips - 6 if chips else 0,
    ]
    box.width = max(64.0, max(lines) + 2 * EDGE + STRIPE)
    box.height = TITLE_LINE + 14 + (SMALL_LINE if part.name else 0) + (CHIP_LINE if chips else 0)
    if part.count > 1:
        box.tail = 6.0  # space for the outlines behind a box of several blocks
    if part.tag:
        wide = text_width(part.tag, SMALL)
        upright = rankdir in ("TB", "BT")
        box.tail += 20.0 if upright else wide + 14
        box.tail_width = 2 * (wide + 12) if upright else 40.0
