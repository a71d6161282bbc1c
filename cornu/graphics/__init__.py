"""SVG documents and charts."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from cornu.errors import suggest_names as _suggest_names
from cornu.late_names import import_late as _import_late

if _TYPE_CHECKING:
    from cornu.graphics.curves import plot_curves
    from cornu.graphics.figure import FILE_SUFFIXES, PlotBackend
    from cornu.graphics.svg import SVGImage

__all__ = ["FILE_SUFFIXES", "PlotBackend", "SVGImage", "plot_curves"]

_suggest_names(__name__, __all__)
_import_late(
    __name__,
    {
        "cornu.graphics.curves": ("plot_curves",),
        "cornu.graphics.figure": (
            "FILE_SUFFIXES",
            "PlotBackend",
        ),
        "cornu.graphics.svg": ("SVGImage",),
    },
)
