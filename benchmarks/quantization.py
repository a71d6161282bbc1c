"""Bytes of quantized weights, and memory of training steps with adapters of LoRA.

`python -m benchmarks.quantization` measures both and writes quantization.md.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import cornu
from benchmarks import report
from cornu import layers

__all__ = ["MODES", "Stored", "Trained", "measure_steps", "measure_weights", "page"]

_PAGE = Path(__file__).with_name("quantization.md")
_TOKENS, _LENGTH, _HEADS = 1000, 64, 4

# Name of a row -> the arguments of `quantize`, given the structure of the model.
MODES = {
    "float32": None,
    "int8": lambda _: {"mode": "int8"},
    "int4, groups of 128": lambda _: {"mode": "int4"},
    "int4, per output": lambda _: {
        "config": cornu.quantizers.Int4QuantizationConfig(block_size=None)
    },
    "float8": lambda _: {"mode": "float8"},
    "gptq, 4 bits": lambda s: {"config": cornu.quantizers.GPTQConfig(**_data(s))},
    "gptq, 8 bits": lambda s: {"config": cornu.quantizers.GPTQConfig(weight_bits=8, **_data(s))},
    "awq, 4 bits": lambda s: {"config": cornu.quantizers.AWQConfig(num_grid_points=5, **_data(s))},
}


def _tokens(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, _TOKENS, shape)


def _data(structure: dict[str, Any]) -> dict[str, Any]:
    return {
        "dataset": [_tokens(4096)],
        "tokenizer": None,
        "num_samples": 8,
        "sequence_length": _LENGTH,
        "quantization_layer_structure": structure,
    }


def build(width: int, depth: int = 2) -> tuple[cornu.Model, dict[str, Any]]:
    """Returns a Transformer, and its structure for calibration."""

    def block() -> cornu.Model:
        x = cornu.Input((_LENGTH, width))
        h = layers.LayerNormalization()(x)
        y = x + layers.MultiHeadAttention(_HEADS, width // _HEADS)(h, h)
        h = layers.Dense(4 * width, activation="gelu")(layers.LayerNormalization()(y))
        return cornu.Model(x, y + layers.Dense(width)(h))

    tokens = cornu.Input((_LENGTH,), dtype="int32")
    table = layers.Embedding(_TOKENS, width)
    x = table(tokens)
    blocks = [block() for _ in range(depth)]
    for one in blocks:
        x = one(x)
    model = cornu.Model(tokens, layers.Dense(_TOKENS)(x))
    return model, {"pre_block_layers": [table], "sequential_blocks": blocks}


class Stored(NamedTuple):
    """The weights of a model in one mode.

    Attributes:
        mode: the name of the row.
        weights: the bytes of all weights on the device.
        kernels: those of the layers that the mode quantizes.
        before: those of these layers in float32.
        file: the bytes of a file of weights.
        error: the greatest difference of outputs, relative to the greatest output.
    """

    mode: str
    weights: int
    kernels: int
    before: int
    file: int
    error: float


def _bytes(variables: Iterable[Any]) -> int:
    return sum(v.value.nbytes for v in variables)


def measure_weights(folder: Path, width: int = 256) -> Iterator[Stored]:
    """Yields the weights in each mode."""
    expected: Any = None
    x = _tokens(2, _LENGTH)
    for name, make in MODES.items():
        cornu.utils.set_random_seed(0)
        model, structure = build(width)
        before = {layer.name: _bytes(layer.weights) for layer in model.flatten().layers}
        if make is None:
            expected = np.asarray(model(x))
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # layers that the mode does not have
                model.quantize(**make(structure))
        path = folder / "model.weights.h5"
        model.save_weights(path)
        quantized = [layer for layer in model.flatten().layers if layer.quantization_mode]
        error = np.abs(np.asarray(model(x)) - expected).max() / np.abs(expected).max()
        yield Stored(
            name,
            _bytes(model.weights),
            _bytes(v for layer in quantized for v in layer.weights),
            sum(before[layer.name] for layer in quantized),
            path.stat().st_size,
            float(error),
        )


class Trained(NamedTuple):
    """A training step with or without adapters.

    Attributes:
        name: the name of the row.
        trained: the number of trained elements.
        weights: the bytes of all weights.
        gradients: the bytes of the gradients of a step.
        slots: the bytes of the states of the optimizer.
        temporary: the bytes that the compiled gradients need besides arguments and results.
    """

    name: str
    trained: int
    weights: int
    gradients: int
    slots: int
    temporary: int


def measure_steps(width: int = 256, rank: int = 4) -> Iterator[Trained]:
    """Yields steps that train all weights, and adapters of floats and of integers of 8 bits."""
    for name in ("all weights", f"LoRA, rank {rank}", f"LoRA, rank {rank}, on int8"):
        model, _ = build(width)
        if name != "all weights":
            if "int8" in name:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    model.quantize("int8")
            for layer in model.flatten().layers:
                if isinstance(layer, (layers.Dense, layers.EinsumDense, layers.Embedding)):
                    layer.enable_lora(rank)
            for variable in model.trainable_variables:
                variable.trainable = variable.name.startswith("lora_")
        loss = cornu.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss)
        model.fit(_tokens(2, _LENGTH), _tokens(2, _LENGTH), batch_size=2, verbose=0)
        yield _describe_step(name, model)


def _describe_step(name: str, model: cornu.Model) -> Trained:
    trained, rest = model.trainable_variables, model.non_trainable_variables
    x = _tokens(2, _LENGTH)

    def loss(values: Any, others: Any) -> Any:
        outputs, _ = model.stateless_call(values, others, x, training=True)
        return jnp.square(outputs).mean()

    values = [v.value for v in trained], [v.value for v in rest]
    compiled = jax.jit(jax.grad(loss)).lower(*values).compile()
    memory = compiled.memory_analysis()
    return Trained(
        name,
        sum(v.size for v in trained),
        _bytes(model.weights),
        memory.output_size_in_bytes,
        _bytes(v for v in model.optimizer.variables if v.shape),
        memory.temp_size_in_bytes,
    )


def page(setting: report.Setting, stored: Iterable[Stored], trained: Iterable[Trained]) -> str:
    """Returns the page with the tables."""
    rows = [
        [r.mode, f"{r.weights:,}", *(_ratio(r)), f"{r.file:,}", f"{r.error:.1e}"] for r in stored
    ]
    head = "mode, weights (bytes), quantized layers (bytes), of their float32, file (bytes), error"
    steps = [[r.name, *(f"{n:,}" for n in (*r[1:], sum(r[2:])))] for r in trained]
    step_head = "trained, elements, weights (bytes), gradients (bytes), optimizer (bytes), "
    step_head += "temporary (bytes), together (bytes)"
    return f"""# Quantization and LoRA

Generated by `python -m benchmarks.quantization`; do not edit.

- {setting.date}; jax {setting.versions["jax"]}
- {setting.machine}, {setting.cores} cores

## Bytes of weights

A Transformer of width 256 with two blocks, an embedding of 1000 tokens and an output for each.
"error" is the greatest difference of the outputs from those of float32, relative to the greatest
output, with random weights. GPTQ and AWQ quantize the layers of the blocks; float8 keeps the
weights, and rounds the factors of products.

{_table(head, rows)}

## Training steps

The same model, two sequences of 64 tokens, Adam; with LoRA, only the adapters are trained.
"temporary" is what XLA allocates for the compiled gradients besides arguments and results
(`compiled.memory_analysis()`), activations included; it may reuse the memory of the gradients.
Without large gradients there is no such memory, and every kernel with its low-rank term is kept for
the backward pass; temporary bytes and gradients together are therefore what to compare.

{_table(step_head, steps)}
"""


def _ratio(row: Stored) -> list[str]:
    if not row.before:
        return ["-", "-"]
    return [f"{row.kernels:,}", f"{row.kernels / row.before:.3f}"]


def _table(head: str, rows: Iterable[list[str]]) -> str:
    columns = head.split(", ")
    cells = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def main() -> None:
    """Measures and writes the page."""
    setting = report.setting()
    with tempfile.TemporaryDirectory() as folder:
        stored = list(measure_weights(Path(folder)))
    trained = list(measure_steps())
    _PAGE.write_text(page(setting, stored, trained), encoding="utf-8")


if __name__ == "__main__":
    main()
