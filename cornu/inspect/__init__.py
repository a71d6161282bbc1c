"""Looking at models."""

from cornu.inspect.plot import Plot, model_to_dot, plot_model
from cornu.inspect.summary import summary

__all__ = ["Plot", "model_to_dot", "plot_model", "summary"]
