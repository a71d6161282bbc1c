"""Searches for hyperparameters of training: learning rate and batch size."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from cornu.errors import suggest_names as _suggest_names
from cornu.late_names import import_late as _import_late

if _TYPE_CHECKING:
    from cornu.training.search.batch_size import find_batch_size
    from cornu.training.search.batch_size_report import BatchSizes
    from cornu.training.search.learning_rate import find_lr

__all__ = ["BatchSizes", "find_batch_size", "find_lr"]

_suggest_names(__name__, __all__)
_import_late(
    __name__,
    {
        "cornu.training.search.batch_size": ("find_batch_size",),
        "cornu.training.search.batch_size_report": ("BatchSizes",),
        "cornu.training.search.learning_rate": ("find_lr",),
    },
)
