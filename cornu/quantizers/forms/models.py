"""Quantization of all layers of a model."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from cornu.core.layer.walk import nested_layers
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.quantizers.config import QuantizationConfig

__all__ = ["Filters", "convert_layers", "quantize_layers", "select_layers", "warn_of_others"]

Filters = str | Sequence[str] | Callable[[Any], bool] | None


def quantize_layers(
    model: Any, config: QuantizationConfig, filters: Filters, type_check: bool
) -> None:
    """Quantizes the layers of a model that have weights of their own.

    Args:
        model: a built model.
        config: a config of `cornu.quantizers`.
        filters: which layers; see `select_layers`.
        type_check: whether layers of classes of the program are left out.

    Raises:
        ValueError: the model is not built, or a layer is quantized already.

    Warns:
        UserWarning: a layer has weights and cannot be quantized.
    """
    if not model.built:
        raise ValueError(
            f"{type(model).__name__} {model.name!r} is not built, so that it has no weights to "
            "quantize. Call it on data first."
        )
    _, reasons = convert_layers(select_layers([model], filters), config, type_check)
    warn_of_others(reasons)


def select_layers(roots: Sequence[Any], filters: Filters) -> list[Any]:
    """Returns the layers that have weights and no sublayers.

    Args:
        roots: layers or models, which are searched.
        filters: which layers: a regular expression, or several, that the name contains; or a
            function of the layer. All by default.

    Raises:
        ValueError: a layer is quantized already; `filters` is of another type.
    """
    if not (filters is None or isinstance(filters, (str, list, tuple)) or callable(filters)):
        raise ValueError(
            "filters must be a regular expression, a list of them, or a function of a layer. "
            f"Received: {filters!r}"
        )
    layers = {id(layer): layer for root in roots for layer in [root, *nested_layers(root)]}
    selected = [
        layer
        for layer in layers.values()
        if layer.weights and not layer._sublayers_() and _matches(layer, filters)
    ]
    for layer in selected:  # before any of them is changed
        if layer.quantization_mode is not None:
            raise ValueError(
                f"{layer._label_()} is quantized already, with the mode "
                f"{layer.quantization_mode!r}. Select other layers with `filters`, as in "
                "`filters=lambda layer: layer.quantization_mode is None`."
            )
    return selected


def _matches(layer: Any, filters: Filters) -> bool:
    if filters is None:
        return True
    if callable(filters):
        return bool(filters(layer))
    patterns = [filters] if isinstance(filters, str) else filters
    return any(re.search(pattern, layer.name) for pattern in patterns)


def convert_layers(
    layers: Sequence[Any], config: QuantizationConfig, type_check: bool
) -> tuple[list[Any], list[str]]:
    """Quantizes layers. Returns those whose weights can be quantized, and the reasons of others."""
    done, reasons = [], []
    for layer in layers:
        try:
            layer.quantize(config.mode, type_check=type_check, config=config)
            done.append(layer)
        except NotImplementedError as error:
            reasons.append(str(error))
    return done, reasons


def warn_of_others(reasons: Sequence[str]) -> None:
    """Warns that layers stay as they are: one warning for all, with a line for each."""
    if reasons:
        head = "A layer stays" if len(reasons) == 1 else f"{len(reasons)} layers stay"
        lines = [f"{head} as before, without quantization:", *reasons]
        warnings.warn("\n".join(lines), stacklevel=user_stacklevel())
