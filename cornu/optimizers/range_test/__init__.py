"""Learning rate range test: the rates, the result and its plot."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from cornu.errors import suggest_names as _suggest_names
from cornu.late_names import import_late as _import_late

if _TYPE_CHECKING:
    from cornu.optimizers.range_test.result import RangeTest
    from cornu.optimizers.range_test.sweep import Sweep

__all__ = ["RangeTest", "Sweep"]

_suggest_names(__name__, __all__)
_import_late(
    __name__,
    {
        "cornu.optimizers.range_test.result": ("RangeTest",),
        "cornu.optimizers.range_test.sweep": ("Sweep",),
    },
)
