"""Rows of layers that make one array of several."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.conformance.table import LayerRow


def _normal(*shapes: tuple[int, ...]) -> Any:
    return lambda rng: [rng.normal(size=shape).astype("float32") for shape in shapes]


def _masks(rng: np.random.Generator) -> list[Any]:
    return [
        np.array([[True, True, False], [True, False, False]]),
        np.array([[True, False, False], [True, False, True]]),
    ]


def _one_mask(rng: np.random.Generator) -> list[Any]:
    return [None, _masks(rng)[0]]


SEQUENCES = _normal((2, 3, 4), (2, 3, 4))

ROWS = [
    LayerRow("add", lambda k: k.layers.Add(), _normal((2, 3), (2, 3), (2, 3))),
    LayerRow("add_broadcast", lambda k: k.layers.Add(), _normal((2, 1, 4), (2, 3, 1))),
    LayerRow("add_ranks", lambda k: k.layers.Add(), _normal((2, 4), (2, 3, 3, 4), (2, 1, 4))),
    LayerRow("add_masks", lambda k: k.layers.Add(), SEQUENCES, mask=_masks),
    LayerRow("add_one_mask", lambda k: k.layers.Add(), SEQUENCES, mask=_one_mask),
    LayerRow("add_one_input", lambda k: k.layers.Add(), _normal((2, 3))),
    LayerRow("subtract", lambda k: k.layers.Subtract(), SEQUENCES, mask=_masks),
    LayerRow("multiply", lambda k: k.layers.Multiply(), _normal((2, 3), (2, 3), (2, 1))),
    LayerRow("multiply_masks", lambda k: k.layers.Multiply(), SEQUENCES, mask=_masks),
    LayerRow("multiply_one_mask", lambda k: k.layers.Multiply(), SEQUENCES, mask=_one_mask),
    LayerRow("average", lambda k: k.layers.Average(), _normal((2, 3), (2, 3), (2, 3))),
    LayerRow("average_masks", lambda k: k.layers.Average(), SEQUENCES, mask=_masks),
    LayerRow("maximum", lambda k: k.layers.Maximum(), _normal((2, 3), (2, 3), (2, 3))),
    LayerRow("maximum_masks", lambda k: k.layers.Maximum(), SEQUENCES, mask=_masks),
    LayerRow("maximum_one_mask", lambda k: k.layers.Maximum(), SEQUENCES, mask=_one_mask),
    LayerRow("minimum", lambda k: k.layers.Minimum(), _normal((2, 4), (2, 3, 4))),
    LayerRow("minimum_masks", lambda k: k.layers.Minimum(), SEQUENCES, mask=_masks),
    LayerRow("concatenate", lambda k: k.layers.Concatenate(), _normal((2, 3, 4), (2, 3, 1))),
    LayerRow("concatenate_axis", lambda k: k.layers.Concatenate(1), _normal((2, 3, 4), (2, 1, 4))),
    LayerRow(
        "concatenate_batch",
        lambda k: k.layers.Concatenate(axis=0),
        _normal((2, 3), (2, 3)),
    ),
    LayerRow("concatenate_masks", lambda k: k.layers.Concatenate(), SEQUENCES, mask=_masks),
    LayerRow("concatenate_masks_axis", lambda k: k.layers.Concatenate(1), SEQUENCES, mask=_masks),
    LayerRow("concatenate_one_mask", lambda k: k.layers.Concatenate(1), SEQUENCES, mask=_one_mask),
    LayerRow("dot", lambda k: k.layers.Dot(axes=1), _normal((2, 3), (2, 3))),
    LayerRow("dot_pair", lambda k: k.layers.Dot(axes=(1, 2)), _normal((2, 3, 5), (2, 4, 3))),
    LayerRow(
        "dot_cosine", lambda k: k.layers.Dot(-1, normalize=True), _normal((2, 5, 3), (2, 4, 3))
    ),
    LayerRow("dot_ranks", lambda k: k.layers.Dot(axes=[1, 2]), _normal((2, 3), (2, 4, 3, 2))),
    LayerRow("dot_more_axes", lambda k: k.layers.Dot((2, 1)), _normal((2, 3, 4, 5), (2, 4, 2, 3))),
    LayerRow("dot_drops_masks", lambda k: k.layers.Dot(2), SEQUENCES, mask=_masks),
]
