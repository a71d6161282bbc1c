"""Looking at models: what they are made of, what they cost, how long they take."""

from cornu.inspect.cost import Cost, Costs, cost, flops
from cornu.inspect.outline import Item, fold, outline
from cornu.inspect.summary import summary, summary_html

__all__ = ["Cost", "Costs", "Item", "cost", "flops", "fold", "outline", "summary", "summary_html"]
