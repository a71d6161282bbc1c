"""Calibration: data passes the blocks of a model, which are quantized one after the other."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from cornu import tree
from cornu.core.layer.walk import nested_layers
from cornu.core.state import scope
from cornu.core.state.forms_version import note_change
from cornu.quantizers.config import AWQConfig, GPTQConfig, QuantizationConfig
from cornu.quantizers.forms.form import whole_or_not_at_all
from cornu.quantizers.forms.models import Filters, convert_layers, select_layers, warn_of_others

__all__ = ["calibrate", "sample_sequences"]


def calibrate(
    model: Any, config: GPTQConfig | AWQConfig, filters: Filters, type_check: bool
) -> None:
    """Quantizes the Dense and EinsumDense layers in the blocks of a model by GPTQ or AWQ.

    The inputs of a block are the outputs of the quantized blocks before it, so that errors of the
    first blocks are taken into account by the last ones.

    Args:
        model: the model.
        config: has the data, and perhaps the structure of the model.
        filters: which layers; see `Model.quantize`.
        type_check: whether layers of classes of the program are left out.

    Raises:
        ValueError: there is no data, or the structure of the model is not known.
    """
    structure = config.quantization_layer_structure
    if structure is None:
        structure = model.get_quantization_layer_structure(config.mode)
    if not isinstance(structure, Mapping) or not structure.get("sequential_blocks"):
        raise ValueError(
            f"The mode {config.mode!r} quantizes the blocks of a model one after the other. Pass "
            "them as quantization_layer_structure={'pre_block_layers': [...], "
            f"'sequential_blocks': [...]}} of {type(config).__name__}, or define "
            "`get_quantization_layer_structure(mode)`."
        )
    if config.dataset is None:
        raise ValueError(f"{type(config).__name__} has no dataset, which calibration requires.")
    samples = sample_sequences(
        config.dataset, config.tokenizer, config.num_samples, config.sequence_length
    )
    inputs = []
    for sample in samples:
        x: Any = jnp.asarray(sample)
        for layer in structure.get("pre_block_layers") or ():
            x = layer(x)
        inputs.append(x)
    blocks = structure["sequential_blocks"]
    selected = select_layers(blocks, filters)
    reasons: list[str] = []
    for block in blocks:
        inside = {id(layer) for layer in [block, *nested_layers(block)]}
        # Blocks may share layers.
        layers = [x for x in selected if id(x) in inside and x.quantization_mode is None]
        reasons += _quantize_block(block, layers, inputs, config, type_check)
        inputs = [tree.leaves(block(x))[0] for x in inputs]
    warn_of_others(reasons)


def _quantize_block(
    block: Any,
    layers: Sequence[Any],
    inputs: Sequence[Any],
    config: QuantizationConfig,
    type_check: bool,
) -> list[str]:
    """Quantizes layers of a block, given its inputs. Returns why others stay as they are."""
    statistics: dict[int, Any] = {}

    def record(layer: Any, block: Any, call: Any, args: Any, kwargs: Any) -> Any:
        if id(layer) in statistics:
            statistics[id(layer)].add(args[0] if args else kwargs["inputs"])
        return call(*args, **kwargs)

    with whole_or_not_at_all(layers):  # the data may not fit the block
        layers, reasons = convert_layers(layers, config, type_check)
        for layer in layers:
            statistics[id(layer)] = layer._weight_form_.start_calibration(layer)
        with scope.intercept_calls(record):
            for x in inputs:
                block(x)
        for layer in layers:
            layer._weight_form_.calibrate(layer, statistics[id(layer)], config)
    note_change()
    return reasons


def sample_sequences(dataset: Iterable[Any], tokenizer: Any, count: int, length: int) -> np.ndarray:
    """Returns sequences of token indices, of shape (count, 1, length), at regular distances.

    Args:
        dataset: texts, or arrays of token indices. They are repeated if there are too few tokens.
        tokenizer: has a method `tokenize`, for texts.
        count: the number of sequences.
        length: the number of tokens of a sequence.

    Differences: the first sequence starts at the first token. In Keras, it depends on the hash of a
    string, which differs between processes.
    """
    if isinstance(dataset, (str, bytes)) or not isinstance(dataset, Iterable):
        raise TypeError(
            "dataset must be an iterable of texts or of arrays of token indices. Received: "
            f"{type(dataset).__name__}"
        )
    items = list(dataset)
    if not items:
        raise ValueError("The dataset for calibration is empty.")
    if isinstance(items[0], str):
        if tokenizer is None:
            raise ValueError("A dataset of texts requires a tokenizer.")
        items = [tokenizer.tokenize(text) for text in items]
    tokens = np.concatenate([np.asarray(item).reshape(-1) for item in items]).astype("int32")
    needed = count * length
    if tokens.size < needed:
        tokens = np.tile(tokens, math.ceil(needed / max(1, tokens.size)))
    starts = tokens.size - length + 1
    stride = max(1, starts // count)
    windows = np.lib.stride_tricks.sliding_window_view(tokens, length)
    return windows[np.arange(count) * stride % starts][:, None]
