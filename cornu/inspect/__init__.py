"""Looking at models: what they are made of, what they cost, how long they take."""

from cornu.inspect.cost import Cost, Costs, cost, flops
from cornu.inspect.outline import Item, fold, outline
from cornu.inspect.plot import Plot, model_to_dot, plot_model
from cornu.inspect.profile import Measure, Profile, profile
from cornu.inspect.summary import summary, summary_html

__all__ = [
    "Cost",
    "Costs",
    "Item",
    "Measure",
    "Plot",
    "Profile",
    "cost",
    "flops",
    "fold",
    "model_to_dot",
    "outline",
    "plot_model",
    "profile",
    "summary",
    "summary_html",
]
