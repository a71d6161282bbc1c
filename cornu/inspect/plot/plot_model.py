"""plot_model: a picture of a model as SVG, PNG, HTML or dot file, without graphviz."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cornu.core.layer.layer import Layer
from cornu.errors import suggest
from cornu.inspect.plot.diagram import Options, picture
from cornu.inspect.plot.dot import Dot, to_dot
from cornu.inspect.plot.html import frame, to_html
from cornu.inspect.plot.layout import layout
from cornu.inspect.plot.png import to_png
from cornu.inspect.plot.svg import to_svg

__all__ = ["Plot", "model_to_dot", "plot_model"]

_ENDINGS = (".svg", ".png", ".html", ".htm", ".dot", ".gv")
_DIRECTIONS = ("TB", "BT", "LR", "RL")
_STRAIGHT = ("line", "polyline", "false", False)


class Plot:
    """A picture of a model: a notebook shows it, `save` writes it to more files.

    Args:
        model, options, dpi, splines: as `plot_model` was given them.
        page: whether a notebook shows the page that can be zoomed and searched.
    """

    def __init__(
        self, model: Any, options: Options, dpi: float | None, splines: Any, page: bool
    ) -> None:
        self._picture = picture(model, options)
        self._layout = layout(self._picture.root, self._picture.edges, options.rankdir)
        self._page = to_html(model, options) if page else None
        self._model = model
        self._dpi = dpi
        self._splines = splines
        self._smooth = (splines.lower() if isinstance(splines, str) else splines) not in _STRAIGHT

    @property
    def svg(self) -> str:
        """The picture as SVG text."""
        return to_svg(self._picture, self._layout, self._smooth)

    @property
    def png(self) -> bytes:
        """The picture as a PNG file; needs Pillow."""
        return to_png(self._picture, self._layout, self._dpi, self._smooth)

    @property
    def html(self) -> str:
        """The page on which blocks can be opened, closed and searched."""
        return self._page or to_html(self._model, self._picture.options)

    @property
    def dot(self) -> Dot:
        """The picture as dot text."""
        return to_dot(self._picture, self._dpi, self._splines)

    def save(self, path: Any) -> None:
        """Writes a file, of the kind that its name's ending says.

        Raises:
            ValueError: an ending that is not known.
            ImportError: a PNG file without Pillow.
        """
        path = Path(path)
        _check_ending(path)
        if path.suffix.lower() == ".png":
            path.write_bytes(self.png)
            return
        texts = {".svg": "svg", ".html": "html", ".htm": "html"}
        kind = texts.get(path.suffix.lower(), "dot")
        text = self.svg if kind == "svg" else self.html if kind == "html" else self.dot
        path.write_text(text, encoding="utf-8")

    def _repr_svg_(self) -> str | None:
        return None if self._page else self.svg

    def _repr_html_(self) -> str | None:
        return frame(self._page) if self._page else None

    def __repr__(self) -> str:
        boxes = sum(not box.parts for box in self._picture.root.walk())
        return f"<Plot of {self._picture.name!r}: {boxes} boxes, {len(self._picture.edges)} edges>"


def plot_model(
    model: Any,
    to_file: Any = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: float | None = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: Any = "ortho",
    *,
    fold: bool = True,
    depth: int | None = None,
) -> Plot:
    """Draws a model and writes the picture to a file.

    Layers that a function of the user made stand in a frame with its name; equal blocks that
    follow each other are drawn once, with their number.

    Args:
        model: a model that is built. A subclassed one is drawn by running its `call` on symbolic
            Tensors; where that fails, the layers that it owns are listed.
        to_file: the file: `.svg`, `.png` (needs Pillow), `.html` (one page without network, on
            which blocks open and close, with search and zoom) or `.dot`. None writes no file.
        show_shapes: whether the shape of what it returns is written below each layer.
        show_dtype: whether its dtype is, too.
        show_layer_names: whether layers' names stand below their classes.
        rankdir: where edges point: "TB" (down), "BT" (up), "LR" (right) or "RL" (left).
        expand_nested: whether nested models are drawn with what is inside.
        dpi: resolution of a PNG file.
        show_layer_activations: whether activations are shown.
        show_trainable: whether it is shown which layers training changes.
        splines: "line", "polyline" or False draw edges straight; all else draws curves.
        fold: whether equal neighbouring blocks are drawn once.
        depth: how many levels of blocks are drawn with what is inside; None for all.

    Returns:
        The picture. A notebook shows it; `save(path)` writes it to another file; `svg`, `png`,
        `html` and `dot` are its contents.

    Raises:
        ValueError: the model is none or is not built, or an argument is not one of the above.
        ImportError: a PNG file without Pillow.

    Example:

    >>> import cornu
    >>> from cornu import layers
    >>> def unit(x):
    ...     return layers.ReLU()(layers.Dense(8)(x))
    >>> x = cornu.Input((8,), name="x")
    >>> model = cornu.Model(x, unit(unit(x)), name="net")
    >>> plot_model(model, None)
    <Plot of 'net': 3 boxes, 2 edges>
    >>> plot_model(model, None, fold=False)
    <Plot of 'net': 5 boxes, 4 edges>

    Differences: neither graphviz nor pydot is needed; a picture is returned also outside of
        notebooks; blocks are drawn, and subclassed models; right-angled edges (`splines="ortho"`)
        are drawn as curves, and only graphviz, given the dot text, draws them so; `fold` and
        `depth` are cornu's.
    """
    options = Options(
        show_shapes,
        show_dtype,
        show_layer_names,
        rankdir,
        expand_nested,
        show_layer_activations,
        show_trainable,
        fold,
        depth,
    )
    _check(model, options, "plot_model")
    ending = ""
    if to_file is not None:
        _check_ending(Path(to_file))
        ending = Path(to_file).suffix.lower()
    plot = Plot(model, options, dpi, splines, page=ending in (".html", ".htm"))
    if to_file is not None:
        plot.save(to_file)
    return plot


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: float | None = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: Any = "ortho",
    *,
    fold: bool = True,
    depth: int | None = None,
) -> Dot:
    """Returns a model's graph as text in the dot language.

    Args:
        model, show_shapes, show_dtype, show_layer_names, rankdir, expand_nested, dpi,
            show_layer_activations, show_trainable, splines, fold, depth: as for `plot_model`.
        subgraph: whether the text is a cluster, to stand in a larger graph.

    Example:

    >>> import cornu
    >>> from cornu import layers
    >>> model = cornu.Sequential([cornu.Input((4,)), layers.Dense(2, name="d")])
    >>> print(model_to_dot(model).splitlines()[0])
    digraph G {

    Differences: the result is a string with `to_string()` and `write(path)`, not a `pydot.Dot`;
        `pydot.graph_from_dot_data(text)` makes one of it.
    """
    options = Options(
        show_shapes,
        show_dtype,
        show_layer_names,
        rankdir,
        expand_nested,
        show_layer_activations,
        show_trainable,
        fold,
        depth,
    )
    _check(model, options, "model_to_dot")
    return to_dot(picture(model, options), dpi, splines, subgraph)


def _check(model: Any, options: Options, who: str) -> None:
    if not isinstance(model, Layer) or not model.is_model:
        raise ValueError(
            f"{who} draws models. Received: {model!r} (of type {type(model).__name__})"
        )
    if options.rankdir not in _DIRECTIONS:
        raise ValueError(
            f"{who}: rankdir is one of {', '.join(_DIRECTIONS)}. Received: {options.rankdir!r}"
        )
    if options.depth is not None and (not isinstance(options.depth, int) or options.depth < 0):
        raise ValueError(f"{who}: depth is None or 0 and more. Received: {options.depth!r}")


def _check_ending(path: Path) -> None:
    if path.suffix.lower() not in _ENDINGS:
        raise ValueError(
            f"plot_model: the ending of a file's name says what is written. Received: "
            f"{str(path)!r}. {suggest(path.suffix, _ENDINGS)}"
        )
