"""Inspection of models: their parts, their costs, and the values inside."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

# Imported now: later, Python would set it as the attribute that is the function of this name.
import cornu.inspect.profile  # noqa: F401
from cornu.errors import suggest_names as _suggest_names
from cornu.inspect.find import find, find_one
from cornu.inspect.folding import fold
from cornu.inspect.learning_rates import layer_decay, variables_of
from cornu.inspect.outline import Item, outline
from cornu.late_names import import_late as _import_late

if _TYPE_CHECKING:
    from cornu.inspect.array_statistics import Statistics, statistics
    from cornu.inspect.plot.plot_model import Plot, model_to_dot, plot_model
    from cornu.inspect.profile.cost import Cost, Costs, cost, flops
    from cornu.inspect.profile.measure import Measure
    from cornu.inspect.profile.profile import Profile, profile
    from cornu.inspect.summary_table import summary, summary_html

__all__ = [
    "Cost",
    "Costs",
    "Item",
    "Measure",
    "Plot",
    "Profile",
    "Statistics",
    "cost",
    "find",
    "find_one",
    "flops",
    "fold",
    "layer_decay",
    "model_to_dot",
    "outline",
    "plot_model",
    "profile",
    "statistics",
    "summary",
    "summary_html",
    "variables_of",
]

_suggest_names(__name__, __all__)
_import_late(
    __name__,
    {
        "cornu.inspect.plot.plot_model": ("Plot", "model_to_dot", "plot_model"),
        "cornu.inspect.profile.cost": ("Cost", "Costs", "cost", "flops"),
        "cornu.inspect.profile.measure": ("Measure",),
        "cornu.inspect.profile.profile": ("Profile", "profile"),
        "cornu.inspect.array_statistics": ("Statistics", "statistics"),
        "cornu.inspect.summary_table": ("summary", "summary_html"),
    },
)
