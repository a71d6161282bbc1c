"""The models, their sizes, their data and the weights they start from: the same for every peer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["CASES", "Case", "Lstm", "Mlp", "Resnet", "Transformer", "bottlenecks"]

Array = np.ndarray
Weights = dict[str, list[Array]]
Shapes = Mapping[str, tuple[tuple[int, ...], ...]]


@dataclass(frozen=True)
class Resnet:
    """A ResNet of bottlenecks, with the strides in their middle convolutions."""

    pixels: int = 224
    widths: tuple[int, ...] = (64, 128, 256, 512)
    counts: tuple[int, ...] = (3, 4, 6, 3)
    classes: int = 1000
    epsilon: float = 1e-5
    momentum: float = 0.9


@dataclass(frozen=True)
class Transformer:
    """A decoder, with the normalization before attention and feed-forward layers."""

    vocabulary: int = 50304
    steps: int = 1024
    width: int = 768
    heads: int = 12
    blocks: int = 12
    epsilon: float = 1e-5


@dataclass(frozen=True)
class Lstm:
    """An LSTM that classifies sequences."""

    steps: int = 100
    features: int = 64
    units: int = 512
    classes: int = 10


@dataclass(frozen=True)
class Mlp:
    """A small classifier, whose steps take less time than their dispatch."""

    features: int = 784
    units: tuple[int, ...] = (64, 64)
    classes: int = 10


Sizes = Resnet | Transformer | Lstm | Mlp


@dataclass(frozen=True)
class Case:
    """A model with the data it is trained on.

    Attributes:
        title: what is measured; unit: of the throughput; per_row: how many of it a row has.
        sizes, tiny: the sizes of the model, on a GPU and in a tiny run.
        batch: rows of a batch; batches: of an epoch; rounds: epochs that are measured.
        adam: the learning rate of Adam; sgd: that of SGD with momentum 0.9, if there is no Adam.
        bfloat16: whether the layers compute in bfloat16, with weights in float32.
        folded: whether all steps of an epoch are one dispatch.
        close: how far losses may be apart, relative to them.
        predicts: whether the prediction of one sample is measured as well.
    """

    title: str
    unit: str
    sizes: Sizes
    tiny: Sizes
    batch: int
    batches: int
    rounds: int
    adam: float = 0.0
    sgd: float = 0.0
    bfloat16: bool = True
    folded: bool = False
    close: float = 0.02
    predicts: bool = False

    def at(self, tiny: bool) -> tuple[Any, int, int]:
        """Returns the sizes, the rows of a batch, and the batches of an epoch."""
        return (self.tiny, 4, 2) if tiny else (self.sizes, self.batch, self.batches)

    def data(self, tiny: bool) -> tuple[Array, Array]:
        """Returns the inputs and labels of an epoch."""
        sizes, batch, batches = self.at(tiny)
        rng = np.random.default_rng(0)
        rows = batch * batches
        if isinstance(sizes, Transformer):
            # Tokens that repeat with a period can be predicted, so the loss falls.
            text = rng.integers(0, sizes.vocabulary, (rows, 64))
            text = np.tile(text, (1, sizes.steps // 64 + 2))[:, : sizes.steps + 1]
            return text[:, :-1].astype("int32"), text[:, 1:].astype("int32")
        shape: tuple[int, ...]
        if isinstance(sizes, Resnet):
            shape = (sizes.pixels, sizes.pixels, 3)
        elif isinstance(sizes, Lstm):
            shape = (sizes.steps, sizes.features)
        else:
            shape = (sizes.features,)
        x = rng.standard_normal((rows, *shape), dtype="float32")
        return x, rng.integers(0, sizes.classes, rows).astype("int32")

    def start(self, tiny: bool) -> Weights:
        """Returns the weights before training, by layer, in Keras's order."""
        rng = np.random.default_rng(1)
        shapes = _SHAPES[type(self.sizes)](self.at(tiny)[0])
        return {name: _initial(rng, name, all_shapes) for name, all_shapes in shapes.items()}

    def flops(self, tiny: bool) -> float:
        """Returns the operations of a training step: products only, three times those forward."""
        sizes, batch, _ = self.at(tiny)
        return 3 * batch * _FLOPS[type(sizes)](sizes)

    def units(self, tiny: bool) -> int:
        """Returns how many units of the throughput a batch has."""
        sizes, batch, _ = self.at(tiny)
        return batch * (sizes.steps if isinstance(sizes, Transformer) else 1)


def _initial(
    rng: np.random.Generator, name: str, shapes: tuple[tuple[int, ...], ...]
) -> list[Array]:
    if "norm" in name:  # scale, shift, and for batches mean and variance
        return [np.full(s, one, "float32") for s, one in zip(shapes, (1, 0, 0, 1), strict=False)]
    fixed = 0.02 if name.startswith(("embed", "attend")) else 0.0
    return [
        np.zeros(s, "float32")
        if len(s) == 1 or (name.startswith("attend") and s == shapes[1])
        else rng.standard_normal(s, dtype="float32") * (fixed or math.prod(s[:-1]) ** -0.5)
        for s in shapes
    ]


def bottlenecks(sizes: Resnet) -> Iterator[tuple[str, int, int, bool]]:
    """Yields name, width, stride and whether the input is projected, for each block."""
    for stage, (width, count) in enumerate(zip(sizes.widths, sizes.counts, strict=True)):
        for i in range(count):
            yield f"{stage}_{i}", width, 2 if stage and not i else 1, not i


def _resnet_convolutions(sizes: Resnet) -> Iterator[tuple[str, int, int, int, int]]:
    """Yields name, kernel size, channels, filters and pixels of each convolution's output."""
    side = math.ceil(sizes.pixels / 2)
    yield "stem", 7, 3, sizes.widths[0], side
    side, channels = math.ceil(side / 2), sizes.widths[0]
    for name, width, stride, projects in bottlenecks(sizes):
        after = math.ceil(side / stride)
        yield f"{name}_a", 1, channels, width, side
        yield f"{name}_b", 3, width, width, after
        yield f"{name}_c", 1, width, 4 * width, after
        if projects:
            yield f"{name}_d", 1, channels, 4 * width, after
        side, channels = after, 4 * width


def _resnet_shapes(sizes: Resnet) -> Shapes:
    found: dict[str, tuple[tuple[int, ...], ...]] = {}
    for name, size, channels, filters, _ in _resnet_convolutions(sizes):
        found[f"conv_{name}"] = ((size, size, channels, filters),)
        found[f"norm_{name}"] = ((filters,),) * 4
    return {**found, "head": ((4 * sizes.widths[-1], sizes.classes), (sizes.classes,))}


def _resnet_flops(sizes: Resnet) -> float:
    products = sum(
        size**2 * channels * filters * side**2
        for _, size, channels, filters, side in _resnet_convolutions(sizes)
    )
    return 2 * (products + 4 * sizes.widths[-1] * sizes.classes)


def _transformer_shapes(s: Transformer) -> Shapes:
    depth = s.width // s.heads
    projection = ((s.width, s.heads, depth), (s.heads, depth))
    found: dict[str, tuple[tuple[int, ...], ...]] = {
        "embed_tokens": ((s.vocabulary, s.width),),
        "embed_positions": ((s.steps, s.width),),
    }
    for i in range(s.blocks):
        found[f"norm_in_{i}"] = ((s.width,), (s.width,))
        found[f"attend_{i}"] = (*projection * 3, (s.heads, depth, s.width), (s.width,))
        found[f"norm_out_{i}"] = ((s.width,), (s.width,))
        found[f"wide_{i}"] = ((s.width, 4 * s.width), (4 * s.width,))
        found[f"narrow_{i}"] = ((4 * s.width, s.width), (s.width,))
    found["norm_last"] = ((s.width,), (s.width,))
    return {**found, "head": ((s.width, s.vocabulary), (s.vocabulary,))}


def _transformer_flops(s: Transformer) -> float:
    # Scores and averages of all pairs of steps, as is usual, although a causal kernel skips half.
    block = 12 * s.width**2 + 2 * s.steps * s.width
    return 2 * s.steps * (s.blocks * block + s.width * s.vocabulary)


def _lstm_shapes(s: Lstm) -> Shapes:
    gates = 4 * s.units
    return {
        "lstm": ((s.features, gates), (s.units, gates), (gates,)),
        "head": ((s.units, s.classes), (s.classes,)),
    }


def _lstm_flops(s: Lstm) -> float:
    return 2 * (s.steps * (s.features + s.units) * 4 * s.units + s.units * s.classes)


def _mlp_shapes(s: Mlp) -> Shapes:
    sizes = (s.features, *s.units, s.classes)
    pairs = zip(sizes[:-1], sizes[1:], strict=True)
    return {f"dense_{i}": ((a, b), (b,)) for i, (a, b) in enumerate(pairs)}


def _mlp_flops(s: Mlp) -> float:
    return 2 * sum(math.prod(shapes[0]) for shapes in _mlp_shapes(s).values())


_SHAPES: dict[type, Callable[[Any], Shapes]] = {
    Resnet: _resnet_shapes,
    Transformer: _transformer_shapes,
    Lstm: _lstm_shapes,
    Mlp: _mlp_shapes,
}
_FLOPS: dict[type, Callable[[Any], float]] = {
    Resnet: _resnet_flops,
    Transformer: _transformer_flops,
    Lstm: _lstm_flops,
    Mlp: _mlp_flops,
}

CASES = {
    "transformer": Case(
        *("Transformer like GPT-2 small, bfloat16, batch 16", "tokens"),
        *(Transformer(), Transformer(64, 64, 32, 2, 1)),
        *(16, 8, 3),
        adam=3e-4,
    ),
    "resnet50": Case(
        *("ResNet-50, bfloat16, batch 128", "images"),
        *(Resnet(), Resnet(32, (4, 8), (1, 1), 10)),
        *(128, 8, 3),
        sgd=0.02,
    ),
    "mlp": Case(
        *("MLP 784-64-64-10, batch 32, all steps of an epoch in one dispatch", "rows"),
        *(Mlp(), Mlp(16, (8,), 4)),
        *(32, 500, 5),
        adam=1e-3,
        bfloat16=False,
        folded=True,
        close=0.01,
        predicts=True,
    ),
    "lstm": Case(
        *("LSTM(512) over 100 steps, batch 128", "rows"),
        *(Lstm(), Lstm(4, 4, 8, 4)),
        *(128, 20, 3),
        adam=1e-3,
        bfloat16=False,
        close=0.01,
    ),
}
