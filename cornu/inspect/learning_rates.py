"""Learning rates by path: what a table of them means in a model, and a table made by depth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cornu.core.layer.layer import Layer
from cornu.core.state.variable import Variable
from cornu.inspect.find import find
from cornu.inspect.outline import Item, outline
from cornu.names import glob, is_glob
from cornu.optimizers import MultiOptimizer, Optimizer

__all__ = ["layer_decay", "apply_rates_by_path", "variables_of"]


def variables_of(model: Any, what: Any) -> list[Variable]:
    """Returns the Variables that a name, path or pattern means.

    Args:
        model: any model that is built.
        what: what `find` takes, for all Variables of parts of the model; or, for single ones, the
            path of a Variable or a pattern of such paths, `"**/bias"`.

    Raises:
        ValueError: nothing is meant, or a name that is no pattern means several things.

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
    if is_glob(what):
        matches = glob(what).fullmatch
        found = [v for item in items[1:] if matches(item.path) for v in item.weights]
        found += [variable for path, variable in paths if matches(path)]
    else:
        found = [variable for path, variable in paths if path == what]
    if not found:
        found = [variable for item in find(model, what) for variable in item.weights]
    meant = {id(variable) for variable in found}
    return [v for v in {id(v): v for _, v in paths}.values() if id(v) in meant]


def _own(item: Item) -> Iterator[tuple[str, Variable]]:
    """Yields the weights that a layer has itself, with their paths in the model."""
    if isinstance(item.op, Layer):
        inner = {id(v) for layer in item.op.sublayers() for v in layer.weights}
        for variable in item.op.weights:
            if id(variable) not in inner:
                yield f"{item.path}/{variable.name}".removeprefix("/"), variable


def apply_rates_by_path(model: Any) -> None:
    """Tells a model's optimizer which Variables its rates by path are for."""
    for optimizer in _with_rates(model.optimizer):
        if optimizer.rate_factors is None:
            factors: dict[Variable, float] = {}
            for what, factor in optimizer.rates_by_path.items():
                factors.update(dict.fromkeys(variables_of(model, what), factor))
            optimizer.set_rate_factors(factors)


def _with_rates(optimizer: Optimizer) -> list[Optimizer]:
    # What is said for the whole comes last, so that it counts.
    inner = list(optimizer.optimizers) if isinstance(optimizer, MultiOptimizer) else []
    return [one for one in (*inner, optimizer) if one.rates_by_path]


def layer_decay(model: Any, decay: float, parts: Any = None) -> dict[str, float]:
    """Returns rates by path that fall from the last part of a model to the first.

    The last part has the multiplier 1, the one before `decay`, then `decay**2` and so on.

    Args:
        model: a model that is built.
        decay: the multiplier from a part to the one before, above 0 and at most 1.
        parts: what to count as parts, as in `find`, such as `"block_*"`: what stands before the
            first of them is one step further down, what stands after the last one step further
            up, and what stands between two goes with the one before. By default each of the
            outermost blocks, models and layers that has weights is a part.

    Returns:
        A dict for `optimizer.set_rates`.

    Raises:
        ValueError: `decay` is out of range, the model has no weights, or `parts` means nothing.

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
        raise ValueError(f"layer_decay: decay must be above 0 and at most 1. Received: {decay!r}")
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
    top = max(levels)
    return {f"/{i.path}": decay ** (top - level) for i, level in zip(found, levels, strict=True)}


def _parts(item: Item, wanted: set[str] | None) -> Iterator[Item]:
    """Yields the outermost items, in order, and what is inside of those that hold wanted ones."""
    for child in item.children:
        inner = [part.path for part in child.walk()][1:]
        if wanted and child.path not in wanted and not wanted.isdisjoint(inner):
            yield from _parts(child, wanted)
        else:
            yield child
