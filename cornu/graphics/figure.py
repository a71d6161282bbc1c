"""Matplotlib figures, for plots that can also be SVG."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal, TypeAlias

from cornu.errors import missing_package, suggest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["PlotBackend", "make_figure", "use_matplotlib"]

PlotBackend: TypeAlias = Literal["auto", "svg", "matplotlib"]

_BACKENDS = ("auto", "svg", "matplotlib")


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
        raise missing_package("matplotlib", "matplotlib", "plot(backend='matplotlib')") from error
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return Figure(figsize=size, layout="constrained")
    # `pyplot.show()` displays only figures that pyplot created.
    figure = pyplot.figure(figsize=size, layout="constrained")
    if "inline" in pyplot.get_backend():
        # A notebook displays the figure that the cell returns; an open figure appears twice.
        pyplot.close(figure)
    return figure
