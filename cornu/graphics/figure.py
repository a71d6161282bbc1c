"""Matplotlib figures, for plots that can also be SVG."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from cornu.errors import missing_package, suggest, visible_cause
from cornu.graphics.svg import SVGImage
from cornu.terminal.console import print_once

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FILE_SUFFIXES", "PlotBackend", "make_figure", "make_plot", "use_matplotlib"]

PlotBackend: TypeAlias = Literal["auto", "svg", "matplotlib"]

_BACKENDS = ("auto", "svg", "matplotlib")
FILE_SUFFIXES = (".svg", ".png", ".pdf")  # of the files that a plot can be written to


def make_plot(
    draw_svg: Callable[[], SVGImage],
    draw_figure: Callable[[], Figure],
    backend: PlotBackend,
    to_file: str | PathLike[str] | None,
) -> SVGImage | Figure:
    """Returns a plot, and writes it to a file in the format of the file's suffix.

    Without matplotlib, an SVG file is written in place of other formats, which is said once.

    Args:
        draw_svg, draw_figure: functions that draw the plot as SVG and as a matplotlib figure.
        backend: as for `use_matplotlib`.
        to_file: the file; None writes no file.

    Raises:
        ValueError: the backend or the suffix is unknown.
        ImportError: `backend="matplotlib"` and matplotlib is not installed.
    """
    is_figure = use_matplotlib(backend)
    if to_file is None:
        return draw_figure() if is_figure else draw_svg()
    path = Path(to_file)
    suffix = path.suffix.lower()
    if suffix not in FILE_SUFFIXES:
        raise ValueError(
            f"plot: the suffix of the file name decides the format. Received: {str(path)!r}. "
            f"{suggest(path.suffix, FILE_SUFFIXES)}"
        )
    if is_figure or (suffix != ".svg" and find_spec("matplotlib") is not None):
        figure = draw_figure()
        figure.savefig(path)
        return figure
    image = draw_svg()
    if suffix != ".svg":
        path = path.with_suffix(".svg")
        print_once(
            "matplotlib",
            f"matplotlib is not installed: the plot was written to {str(path)!r}. For {suffix} "
            "files: pip install 'cornu[matplotlib]'",
        )
    image.save(path)
    return image


def use_matplotlib(backend: PlotBackend) -> bool:
    """Returns whether a plot is a matplotlib figure: with "auto", if `pyplot` was imported.

    Raises:
        ValueError: the backend is unknown.
    """
    if backend not in _BACKENDS:
        raise ValueError(f"plot: unknown backend {backend!r}. {suggest(backend, _BACKENDS)}")
    return backend == "matplotlib" or (backend == "auto" and "matplotlib.pyplot" in sys.modules)


def make_figure(size: tuple[float, float]) -> Figure:
    """Creates an empty figure, with `pyplot` if the program has imported it.

    Args:
        size: width and height in inches.

    Raises:
        ImportError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise missing_package("matplotlib", "matplotlib", "plot(backend='matplotlib')") from (
            visible_cause(error)
        )
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return Figure(figsize=size, layout="constrained")
    # `pyplot.show()` displays only figures that pyplot created.
    figure = pyplot.figure(figsize=size, layout="constrained")
    if "inline" in pyplot.get_backend():
        # A notebook displays the figure that the cell returns; an open figure appears twice.
        pyplot.close(figure)
    return figure
