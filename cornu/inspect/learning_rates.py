"""Learning rate multipliers by path: resolved to Variables, or made by depth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cornu.core.layer.layer import Layer
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.inspect.find import PartsLike, find
from cornu.inspect.outline import Item, outline
from cornu.names import glob, is_glob
from cornu.optimizers import MultiOptimizer, Optimizer

__all__ = ["apply_rates_by_path", "layer_decay", "variables_of"]


@api_boundary
def variables_of(model: Layer, what: PartsLike) -> list[Variable]:
    """Returns the Variables that a name, path or pattern matches.

    Args:
        model: a built model.
        what: an argument of `find`, for all Variables of the parts it matches; or the path of a
            Variable, or a pattern of such paths, `"**/bias"`.

    Raises:
        ValueError: nothing matches, or a name that is not a pattern is ambiguous.

    Example:

    >>> import cornu
    >>> x = cornu.Input((3,))
    >>> model = cornu.Model(
    ...     x, cornu.layers.Dense(1, name="out")(cornu.layers.Dense(2, name="in")(x))
    ... )
    >>> [v.path for v in variables_of(model, "**/bias")]
    ['in/bias', 'out/bias']
    >>> [v.path for v in variables_of(model, "out")]
    ['out/kernel', 'out/bias']
    """
    items = [item for item in outline(model).walk()]
    paths = [pair for item in items for pair in _own(item)]
    if isinstance(what, str) and is_glob(what):
        matches = glob(what).fullmatch
        found = [v for item in items[1:] if matches(item.path) for v in item.weights]
        found += [variable for path, variable in paths if matches(path)]
    else:
        found = [variable for path, variable in paths if path == what]
    if not found:
        found = [variable for item in find(model, what) for variable in item.weights]
    matched = {id(variable) for variable in found}
    return [v for v in {id(v): v for _, v in paths}.values() if id(v) in matched]


def _own(item: Item) -> Iterator[tuple[str, Variable]]:
    """Yields the weights of a layer itself, not of its inner layers, with their paths."""
    if isinstance(item.op, Layer):
        inner = {id(v) for layer in item.op._sublayers_() for v in layer.weights}
        for variable in item.op.weights:
            if id(variable) not in inner:
                yield f"{item.path}/{variable.name}".removeprefix("/"), variable


def apply_rates_by_path(model: Any) -> None:
    """Resolves the rates by path of a model's optimizer to Variables."""
    for optimizer in _with_rates(model._trainer_.optimizer):
        if optimizer._resolved_rates_ is None:
            factors: dict[Variable, float] = {}
            for what, factor in optimizer._rates_by_path_.items():
                factors.update(dict.fromkeys(variables_of(model, what), factor))
            optimizer._set_rate_factors_(factors)


def _with_rates(optimizer: Optimizer) -> list[Optimizer]:
    # The rates of the whole optimizer come last, so they override those of the inner ones.
    inner = list(optimizer.optimizers) if isinstance(optimizer, MultiOptimizer) else []
    return [one for one in (*inner, optimizer) if one._rates_by_path_]


@api_boundary
def layer_decay(model: Layer, decay: float, parts: PartsLike | None = None) -> dict[str, float]:
    """Returns learning rate multipliers by path that decay from the last part to the first.

    The last part has the multiplier 1, the part before it `decay`, then `decay**2` and so on.

    Args:
        model: a built model.
        decay: the multiplier from a part to the one before it, above 0 and at most 1.
        parts: the parts, as in `find`, such as `"block_*"`. Layers before the first part are one
            step lower, layers after the last part one step higher, and layers between two parts
            belong to the part before. By default, each outermost block, model or layer with
            weights is a part.

    Returns:
        A dict for `optimizer.set_rates`.

    Raises:
        ValueError: `decay` is out of range, the model has no weights, or `parts` matches nothing.

    References: Jeremy Howard, Sebastian Ruder (2018), "Universal language model fine-tuning for
        text classification" (with 1 / 2.6). Hangbo Bao, Li Dong, Songhao Piao, Furu Wei (2022),
        "BEiT: BERT pre-training of image transformers" (by blocks).

    Example:

    >>> import cornu
    >>> from cornu import layers
    >>> def block(x):
    ...     return layers.ReLU()(layers.Dense(4)(x))
    >>> x = cornu.Input((4,))
    >>> model = cornu.Model(x, layers.Dense(1, name="head")(block(block(x))))
    >>> rates = layer_decay(model, 0.5)
    >>> rates
    {'/block': 0.25, '/block_1': 0.5, '/head': 1.0}
    >>> model.compile(cornu.optimizers.Adam(1e-3).set_rates(rates), "mse")
    """
    if not 0 < decay <= 1:
        raise ValueError(f"layer_decay: `decay` must be above 0 and at most 1. Received: {decay!r}")
    root = outline(model)
    wanted: set[str] | None = None
    if parts is not None:
        wanted = {item.path for item in find(model, parts) if item.weights}
    found = [item for item in _parts(root, wanted) if item.weights and not item.again]
    if not found:
        raise ValueError(
            f"Model {model.name!r} has no weights to give rates to. If it is not built yet, call "
            "it on some data first."
        )
    counts = [wanted is None or item.path in wanted for item in found]
    total, seen, levels = sum(counts), 0, []
    for counted in counts:
        seen += counted
        after = not counted and seen == total
        levels.append(seen + after)
    # Levels count upward; the last part has the multiplier 1.
    top = max(levels)
    return {f"/{i.path}": decay ** (top - level) for i, level in zip(found, levels, strict=True)}


def _parts(item: Item, wanted: set[str] | None) -> Iterator[Item]:
    """Yields the outermost items in order, replacing those that contain wanted parts."""
    for child in item.children:
        inner = [part.path for part in child.walk()][1:]
        if wanted and child.path not in wanted and not wanted.isdisjoint(inner):
            yield from _parts(child, wanted)
        else:
            yield child
