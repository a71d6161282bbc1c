"""The search for the origin of NaN: layer by layer, forward and backward."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from cornu.errors import suggest_names as _suggest_names
from cornu.late_names import import_late as _import_late

if _TYPE_CHECKING:
    from cornu.inspect.nan.batch_files import save_batch
    from cornu.inspect.nan.find_nan import find_in_prepared
    from cornu.inspect.nan.report import NanReport

__all__ = ["NanReport", "find_in_prepared", "save_batch"]

_suggest_names(__name__, __all__)
_import_late(
    __name__,
    {
        "cornu.inspect.nan.batch_files": ("save_batch",),
        "cornu.inspect.nan.find_nan": ("find_in_prepared",),
        "cornu.inspect.nan.report": ("NanReport",),
    },
)
