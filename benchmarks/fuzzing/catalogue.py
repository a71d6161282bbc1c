"""The numbers in the configs of all layers and ops, replaced one by one and all at once.

The models are those of the table of conformance and of the cases of ops. A number of a config may
be replaced by any number, so each of them is replaced by numbers of all sizes and kinds.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
import json
import math
import operator
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzzing.target import Case, Target

__all__ = ["TARGETS", "changes_of", "models_of_layers", "models_of_ops"]

_PAIR = {"class_name": "__tuple__", "items": [10**5, 10**5]}
_VALUES = (
    *(0, -1, 3000, 10**5, 10**7, 10**9, 10**30, -(10**9)),
    *(2.5, math.nan, 1e308, None, True, "x", [10**9], _PAIR),
)
_EVERYWHERE = (0, 100, 3000, 10**5, 10**9)
_SIZES = (3000, 10**5, 10**7, 10**9, None, -1, 2.5)

Keys = tuple[str | int, ...]


def models_of_layers() -> Iterator[tuple[str, str]]:
    """Yields names and JSON configs of models with one layer each."""
    import cornu
    from tests.conformance.table import all_rows

    def symbolic(array: Any) -> Any:
        if not isinstance(array, np.ndarray) or not array.ndim:
            return array
        return cornu.Input(array.shape[1:], dtype=array.dtype.name)

    for row in all_rows():
        with contextlib.suppress(Exception), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call = row.call()
            args, kwargs = cornu.tree.map(symbolic, (call.args, call.kwargs))
            inputs = [x for x in cornu.tree.leaves((args, kwargs)) if not isinstance(x, np.ndarray)]
            inputs = [x for x in inputs if hasattr(x, "mask")]
            yield row.name, cornu.Model(inputs, row.make(cornu)(*args, **kwargs)).to_json()


def models_of_ops() -> Iterator[tuple[str, str]]:
    """Yields names and JSON configs of models with one op each."""
    import cornu
    from tests.ops.cases import CASES

    def symbolic(array: Any) -> Any:
        if not isinstance(array, np.ndarray) or not array.ndim:
            return array
        dtype = {"int64": "int32", "float64": "float32"}.get(array.dtype.name, array.dtype.name)
        return cornu.Input(batch_shape=array.shape, dtype=dtype)

    for case in CASES:
        with contextlib.suppress(Exception), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            args, kwargs = cornu.tree.map(symbolic, (case.args, case.kwargs))
            inputs = [x for x in cornu.tree.leaves((args, kwargs)) if hasattr(x, "mask")]
            made = operator.attrgetter(case.name)(cornu.ops)(*args, **kwargs)
            yield case.title, cornu.Model(inputs, made).to_json()


def changes_of(text: str, seen: set[tuple[Any, ...]]) -> Iterator[tuple[Keys, Any]]:
    """Yields the places in the config of a model, with the values that replace what is there.

    Args:
        text: the JSON config.
        seen: arguments of classes that were yielded before, which are left out and added.
    """
    config = json.loads(text)
    for i, entry in enumerate(config["config"]["layers"]):
        at: Keys = ("config", "layers", i)
        if entry["class_name"] == "InputLayer":
            shape = entry["config"]["batch_shape"]
            for j in range(len(shape)):
                yield from (((*at, "config", "batch_shape", j), size) for size in _SIZES)
            yield from (((*at, "config", "batch_shape"), [size] * len(shape)) for size in _SIZES)
            continue
        for place in _numeric_places(entry):
            kind = (entry["class_name"], tuple("#" if isinstance(k, int) else k for k in place))
            if kind not in seen:
                seen.add(kind)
                yield from (((*at, *place), value) for value in _VALUES)
        if (kind := (entry["class_name"], len(entry.get("inbound_nodes") or ()))) not in seen:
            seen.add(kind)
            yield from ((at, _with_every_number(entry, value)) for value in _EVERYWHERE)


def _numeric_places(entry: dict[str, Any]) -> Iterator[Keys]:
    """Yields the places of arguments that are numbers, or may be."""
    yield from (("config", *place) for place in _inside(entry.get("config") or {}))
    for i, node in enumerate(entry.get("inbound_nodes") or ()):
        for group in ("args", "kwargs"):
            yield from (("inbound_nodes", i, group, *place) for place in _inside(node[group]))
        for name in _arguments_not_given(entry, node):
            yield "inbound_nodes", i, "kwargs", name


def _inside(value: Any) -> Iterator[Keys]:
    items: Any = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        if key in ("name", "class_name", "module", "registered_name", "dtype"):
            continue
        if isinstance(item, dict) and item.get("class_name") == "__keras_tensor__":
            continue
        if item is None or isinstance(item, (bool, int, float)):
            yield (key,)
        elif isinstance(item, (list, dict)):
            if isinstance(item, list):
                yield (key,)
            yield from ((key, *inner) for inner in _inside(item))


def _arguments_not_given(entry: dict[str, Any], node: dict[str, Any]) -> Iterator[str]:
    import cornu

    if not str(entry.get("module", "")).startswith("keras.ops"):
        return
    try:
        parameters = inspect.signature(getattr(cornu.ops, entry["class_name"])).parameters
    except (AttributeError, ValueError):
        return
    yield from (n for n in list(parameters)[len(node["args"]) :] if n not in node["kwargs"])


def _with_every_number(entry: dict[str, Any], value: int) -> dict[str, Any]:
    changed = copy.deepcopy(entry)
    for place in _numeric_places(entry):
        *parents, key = place
        with contextlib.suppress(KeyError, IndexError, TypeError):
            container = _lookup(changed, parents)
            if isinstance(container[key], (int, float)) and not isinstance(container[key], bool):
                container[key] = value
    return changed


def _lookup(value: Any, keys: Any) -> Any:
    for key in keys:
        value = value[key]
    return value


def _changed(text: str, keys: Keys, value: Any) -> str:
    config = json.loads(text)
    _lookup(config, keys[:-1])[keys[-1]] = value
    return json.dumps(config)


def _open(
    models: Callable[[], Iterator[tuple[str, str]]],
) -> Callable[[Path], Callable[[int], Case]]:
    def prepare(folder: Path) -> Callable[[int], Case]:
        import cornu

        table = _table(models, folder)
        cornu.models.model_from_json(table[0][1])  # imports what the first call imports

        def make(number: int) -> Case:
            name, text, keys, value = table[number]
            changed = _changed(text, keys, value)
            shown = "every number" if isinstance(value, dict) and "config" in value else value
            description = f"{name}: {'.'.join(map(str, keys[3:]))} = {shown}"
            return Case(description, lambda: cornu.models.model_from_json(changed))

        return make

    return prepare


def _table(models: Any, folder: Path) -> list[tuple[str, str, Keys, Any]]:
    # Creating the models takes longer than reading a hundred of them.
    stored = folder / "catalogue.json"
    if stored.exists():
        found = json.loads(stored.read_text(encoding="utf-8"))
    else:
        found = list(models())
        stored.write_text(json.dumps(found), encoding="utf-8")
    return list(_changes(found))


def _changes(models: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str, Keys, Any]]:
    seen: set[tuple[Any, ...]] = set()
    for name, text in models:
        yield from ((name, text, keys, value) for keys, value in changes_of(text, seen))


def _count(models: Any) -> Callable[[], int]:
    return lambda: sum(1 for _ in _changes(models()))


TARGETS = [
    Target("numbers of layers", _open(models_of_layers), count=_count(models_of_layers)),
    Target("numbers of ops", _open(models_of_ops), count=_count(models_of_ops)),
]
