"""find: the parts of a model that match a name, a path or a pattern."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from cornu.core.layer.layer import Layer
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.errors import suggest
from cornu.inspect.outline import Item, outline
from cornu.names import glob, is_glob

__all__ = ["PartsLike", "find", "find_one", "is_glob", "label_calls"]

# A name, path or pattern, a layer, or a list of these.
PartsLike: TypeAlias = "str | Layer | Iterable[str | Layer]"

KINDS = ("model", "block", "input", "layer", "op")


@api_boundary
def find(model: Layer, what: PartsLike, kinds: Sequence[str] = KINDS) -> list[Item]:
    """Returns the items of the model's outline that match, in the order of the outline.

    Args:
        model: a model or layer.
        what: one of

            * a path as in the summary, `"encoder/block_1/conv"`;
            * the end of a path, such as a name, `"conv"`. Parts of the model itself take
              precedence over parts of nested models;
            * a pattern, `"block_*/conv*"`: `*` and `?` match within a name, `**` matches any
              number of names, `[ab]` one of several characters. It matches a whole path or the
              end of a path; with a leading `/`, only a whole path;
            * a layer;
            * a list of these.
        kinds: the kinds of items to search.

    Returns:
        At least one item. A layer that is called several times has several.

    Raises:
        ValueError: nothing matches, or a name that is not a pattern is ambiguous.

    Example:

    >>> import cornu
    >>> from cornu import layers
    >>> def block(x):
    ...     return layers.ReLU()(layers.Dense(2)(x))
    >>> x = cornu.Input((2,))
    >>> model = cornu.Model(x, block(block(x)))
    >>> find(model, "dense_1"), find(model, "block*/dense*"), find(model, "block")
    ([<layer block_1/dense_1>], [<layer block/dense>, <layer block_1/dense_1>], [<block block>])
    """
    items = [item for item in outline(model).walk() if item.parent is not None]
    items = [item for item in items if item.kind in kinds]
    requested = list(what) if isinstance(what, (list, tuple, set)) else [what]
    if not requested:
        raise ValueError(f"Model {model.name!r}: the list of parts to find is empty.")
    noun = "block" if kinds == ("block",) else "part" if "op" in kinds else "layer"
    matched = {id(item) for one in requested for item in _resolve(model, items, one, noun)}
    return [item for item in items if id(item) in matched]


@api_boundary
def find_one(model: Layer, what: PartsLike, kinds: Sequence[str] = KINDS) -> Item:
    """Returns the one item that matches; for a layer that is called several times, the first.

    The arguments are those of `cornu.inspect.find`.

    Raises:
        ValueError: nothing matches, or several parts do.

    Example:

    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2, name="head")])
    >>> cornu.inspect.find_one(model, "head").op is model.layers[0]
    True
    """
    found = find(model, what, kinds)
    if len({_part_id(item) for item in found}) > 1:
        raise ValueError(_ambiguous_message(model, what, found))
    return found[0]


def label_calls(items: Iterable[Item]) -> Iterator[tuple[str, Item]]:
    """Yields each item with its path; the second call of a shared layer is `path@1`.

    Example:

    >>> import cornu
    >>> x, shared = cornu.Input((2,)), cornu.layers.Dense(2, name="shared")
    >>> [label for label, _ in label_calls(find(cornu.Model(x, shared(shared(x))), "shared"))]
    ['shared', 'shared@1']
    """
    counts: dict[str, int] = {}
    for item in items:
        number = counts.get(item.path, 0)
        counts[item.path] = number + 1
        yield label_call(item.path, number), item


def label_call(path: str, number: int) -> str:
    """Returns the label of the call with a number: `path`, `path@1`, ..."""
    return f"{path}@{number}" if number else path


def _resolve(model: Layer, items: list[Item], what: object, noun: str) -> list[Item]:
    if isinstance(what, Layer):
        found = [item for item in items if item.op is what]
        if not found:
            raise ValueError(f"Model {model.name!r} does not contain {what!r}.")
        return found
    if not isinstance(what, str):
        raise TypeError(
            f"Model {model.name!r}: a part must be a name, a path, a pattern, a layer or a list "
            f"of these. Received: {what!r} (of type {type(what).__name__})"
        )
    if is_glob(what):
        matches = glob(what).fullmatch
        found = [item for item in items if matches(item.path)]
    else:
        found = _match_name(model, items, what)
    if not found:
        raise ValueError(_unknown_message(model, items, what, noun))
    return found


def _match_name(model: Layer, items: list[Item], name: str) -> list[Item]:
    found = [item for item in items if item.path == name.removeprefix("/")]
    if not found and not name.startswith("/"):
        found = [item for item in items if item.path.endswith("/" + name)]
        outermost = min((len(item.owners) for item in found), default=0)
        found = [item for item in found if len(item.owners) == outermost]
    # A layer takes precedence over a block with the same name.
    layers = [item for item in found if item.kind != "block"]
    found = layers or found
    if len({_part_id(item) for item in found}) > 1:
        raise ValueError(_ambiguous_message(model, name, found))
    shared = {id(item.op) for item in found if isinstance(item.op, Layer)}
    return found + [item for item in items if id(item.op) in shared and item not in found]


def _part_id(item: Item) -> int:
    return id(item.op) if isinstance(item.op, Layer) else id(item)


def _ambiguous_message(model: Layer, what: object, found: list[Item]) -> str:
    paths = list(dict.fromkeys(item.path for item in found))
    shown = ", ".join(repr(path) for path in paths[:8]) + (", ..." if len(paths) > 8 else "")
    return (
        f"Model {model.name!r}: {what!r} is ambiguous. It matches {shown}.\n"
        "Give a longer path, or a pattern for all of them."
    )


def _unknown_message(model: Layer, items: list[Item], what: str, noun: str) -> str:
    names = [item.path for item in items] + [item.name for item in items]
    text = f"Model {model.name!r} has no {noun} {what!r}. "
    if not names and not model.built:
        return text + "It is not built yet: call it on some data first."
    if len(set(names)) > 24 and not suggest(what, names).startswith("Did"):
        shown = [item.path for item in items if item.depth == 0][:12]
        return (
            text
            + f"Its first parts are {', '.join(shown)}, ...\n`model.summary()` shows all paths."
        )
    hint = suggest(what, dict.fromkeys(names))
    if noun == "layer":
        hint += "\nA functional model only contains layers on a path to an output."
    return text + hint
