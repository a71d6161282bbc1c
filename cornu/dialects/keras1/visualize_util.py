"""`keras.utils.visualize_util`: diagrams of models."""

from __future__ import annotations

from typing import Any

from cornu import utils

__all__ = ["model_to_dot", "plot"]


def plot(
    model: Any,
    to_file: str = "model.png",
    show_shapes: bool = False,
    show_layer_names: bool = True,
) -> None:
    """Writes a diagram of a model; see `cornu.utils.plot_model`.

    Differences: needs no graphviz, and writes `.svg` and `.html` as well.
    """
    utils.plot_model(model, to_file, show_shapes=show_shapes, show_layer_names=show_layer_names)


def model_to_dot(model: Any, show_shapes: bool = False, show_layer_names: bool = True) -> Any:
    """Returns a model as dot text; see `cornu.utils.model_to_dot`."""
    return utils.model_to_dot(model, show_shapes=show_shapes, show_layer_names=show_layer_names)
