"""Inspection of models: their parts, their costs, and the values inside."""

from cornu.errors import suggest_names as _suggest_names
from cornu.inspect.find import find, find_one
from cornu.inspect.folding import fold
from cornu.inspect.learning_rates import layer_decay, variables_of
from cornu.inspect.outline import Item, outline
from cornu.inspect.plot.plot_model import Plot, model_to_dot, plot_model
from cornu.inspect.profile.cost import Cost, Costs, cost, flops
from cornu.inspect.profile.measure import Measure
from cornu.inspect.profile.profile import Profile, profile
from cornu.inspect.statistics import Statistics, statistics
from cornu.inspect.summary import summary, summary_html

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
