"""plot_model: plots a model as an SVG, PNG, HTML or dot file, without graphviz."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from cornu.core.layer.layer import Layer
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.errors import quantity, suggest
from cornu.inspect.plot.box_content import PlotOptions
from cornu.inspect.plot.diagram import build_diagram
from cornu.inspect.plot.dot import DotSource, to_dot
from cornu.inspect.plot.html import embed_page, to_html
from cornu.inspect.plot.layout import RankDirection, compute_layout
from cornu.inspect.plot.png import to_png
from cornu.inspect.plot.svg import to_svg
from cornu.terminal.console import print_once

__all__ = ["Plot", "model_to_dot", "plot_model"]

_SUFFIXES = (".svg", ".png", ".html", ".htm", ".dot", ".gv")
_DIRECTIONS = ("TB", "BT", "LR", "RL")
_STRAIGHT = ("line", "polyline", "false", False)


class Plot:
    """The plot of a model: a notebook shows it, `save` writes it to files.

    Args:
        model, options, dpi, splines: the arguments of `plot_model`.
        page: whether a notebook shows the HTML page with zoom and search.

    Example:

    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2, name="head")])
    >>> picture = cornu.inspect.plot_model(model, None)
    >>> isinstance(picture, cornu.inspect.Plot)
    True
    """

    def __init__(
        self, model: Layer, options: PlotOptions, dpi: float | None, splines: str | bool, page: bool
    ) -> None:
        self._diagram = build_diagram(model, options)
        self._layout = compute_layout(self._diagram.root, self._diagram.edges, options.rankdir)
        self._page = to_html(model, options) if page else None
        self._model = model
        self._dpi = dpi
        self._splines = splines
        self._smooth = (splines.lower() if isinstance(splines, str) else splines) not in _STRAIGHT

    @property
    def svg(self) -> str:
        """The plot as SVG text."""
        return to_svg(self._diagram, self._layout, self._smooth)

    @property
    def png(self) -> bytes:
        """The plot as the bytes of a PNG file; requires Pillow."""
        return to_png(self._diagram, self._layout, self._dpi, self._smooth)

    @property
    def html(self) -> str:
        """The plot as an HTML page on which blocks open and close, with search."""
        return self._page or to_html(self._model, self._diagram.options)

    @property
    def dot(self) -> DotSource:
        """The plot in the dot language."""
        return to_dot(self._diagram, self._dpi, self._splines)

    def save(self, path: str | PathLike[str]) -> None:
        """Writes a file in the format of its suffix.

        Without Pillow, an SVG file is written in place of a PNG file, which is said once.

        Args:
            path: the path of the file, which ends in `.svg`, `.png`, `.html`, `.htm` or `.dot`.

        Raises:
            ValueError: the suffix is unknown.
        """
        path = Path(path)
        _check_suffix(path)
        if path.suffix.lower() == ".png":
            try:
                path.write_bytes(self.png)
                return
            except ImportError:
                path = path.with_suffix(".svg")
                print_once(
                    "pillow",
                    f"Pillow is not installed: the plot was written to {str(path)!r}. For .png "
                    "files: pip install 'cornu[plot]'",
                )
        texts = {".svg": "svg", ".html": "html", ".htm": "html"}
        kind = texts.get(path.suffix.lower(), "dot")
        text = self.svg if kind == "svg" else self.html if kind == "html" else self.dot
        path.write_text(text, encoding="utf-8")

    def _repr_svg_(self) -> str | None:
        return None if self._page else self.svg

    def _repr_html_(self) -> str | None:
        return embed_page(self._page) if self._page else None

    def __repr__(self) -> str:
        boxes = sum(not box.parts for box in self._diagram.root.walk())
        edges = len(self._diagram.edges)
        name = self._diagram.name
        return f"<Plot of {name!r}: {quantity(boxes, 'box')}, {quantity(edges, 'edge')}>"


@api_boundary
def plot_model(
    model: Layer,
    to_file: str | PathLike[str] | None = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: RankDirection = "TB",
    expand_nested: bool = False,
    dpi: float | None = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str | bool = "ortho",
    *,
    fold: bool = True,
    depth: int | None = None,
) -> Plot:
    """Plots a model and writes the plot to a file.

    Layers created in a function of the user are in a frame with its name. Consecutive equal blocks
    are shown once, with their number.

    Args:
        model: a built model. The graph of a subclassed model is found by calling it on symbolic
            Tensors; if that fails, the layers that it owns are listed.
        to_file: the file: `.svg`, `.png`, `.html` (one self-contained page on which blocks open
            and close, with search and zoom) or `.dot`. None writes no file. Without Pillow, an SVG
            file is written in place of a PNG file, which is said once.
        show_shapes: whether the output shapes of each layer are shown.
        show_dtype: whether the output dtypes are shown.
        show_layer_names: whether layer names are shown below their classes.
        rankdir: the direction of edges: "TB" (down), "BT" (up), "LR" (right) or "RL" (left).
        expand_nested: whether the contents of nested models are shown.
        dpi: the resolution of a PNG file.
        show_layer_activations: whether activations are shown.
        show_trainable: whether layers are marked as trainable or frozen.
        splines: "line", "polyline" or False for straight edges; other values for curves.
        fold: whether consecutive equal blocks are shown once.
        depth: the number of levels of blocks whose contents are shown; None for all.

    Returns:
        The plot. A notebook shows it; `save(path)` writes it to another file; `svg`, `png`,
        `html` and `dot` are its contents.

    Raises:
        ValueError: `model` is not a built model, or an argument is invalid.

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

    Differences: `splines="ortho"` gives curves, except in the dot text.

    Extensions: neither graphviz nor pydot is required. A plot is also returned outside of
    notebooks. Blocks and subclassed models are shown. `fold` and `depth` are additional arguments.
    """
    options = PlotOptions(
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
        _check_suffix(Path(to_file))
        ending = Path(to_file).suffix.lower()
    plot = Plot(model, options, dpi, splines, page=ending in (".html", ".htm"))
    if to_file is not None:
        plot.save(to_file)
    return plot


@api_boundary
def model_to_dot(
    model: Layer,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: RankDirection = "TB",
    expand_nested: bool = False,
    dpi: float | None = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str | bool = "ortho",
    *,
    fold: bool = True,
    depth: int | None = None,
) -> DotSource:
    """Returns a model's graph as text in the dot language.

    Args:
        model, show_shapes, show_dtype, show_layer_names, rankdir, expand_nested, dpi,
            show_layer_activations, show_trainable, splines, fold, depth: as for `plot_model`.
        subgraph: whether the text is a cluster for use in a larger graph.

    Example:

    >>> import cornu
    >>> from cornu import layers
    >>> model = cornu.Sequential([cornu.Input((4,)), layers.Dense(2, name="d")])
    >>> print(model_to_dot(model).splitlines()[0])
    digraph G {

    Differences: the result is a string with `to_string()` and `write(path)`, not a `pydot.Dot`;
        `pydot.graph_from_dot_data(text)` converts it.
    """
    options = PlotOptions(
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
    return to_dot(build_diagram(model, options), dpi, splines, subgraph)


def _check(model: Layer, options: PlotOptions, name: str) -> None:
    if not isinstance(model, Layer) or not model._is_model_:
        raise ValueError(
            f"{name} expects a model. Received: {model!r} (of type {type(model).__name__})"
        )
    if options.rankdir not in _DIRECTIONS:
        raise ValueError(
            f"{name}: `rankdir` must be one of {', '.join(_DIRECTIONS)}. "
            f"Received: {options.rankdir!r}"
        )
    if options.depth is not None and (not isinstance(options.depth, int) or options.depth < 0):
        raise ValueError(f"{name}: `depth` must be None or at least 0. Received: {options.depth!r}")


def _check_suffix(path: Path) -> None:
    if path.suffix.lower() not in _SUFFIXES:
        raise ValueError(
            f"plot_model: the suffix of the file name decides the format. Received: "
            f"{str(path)!r}. {suggest(path.suffix, _SUFFIXES)}"
        )
