"""Which module of a state_dict is which layer of a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from cornu.export.state_dict.layouts import IGNORED, Layout, find_layout
from cornu.export.state_dict.report import Match, StateDictReport
from cornu.saving.weight_paths import iterate_layers_by_path

__all__ = ["Assignment", "Names", "Unit", "find_units", "match_modules"]

Names: TypeAlias = Mapping[str, str | None] | Callable[[str], str | None]
_PACKED = "in_proj_weight"


class Unit(NamedTuple):
    """A layer that is one module in torch.

    Attributes:
        path: the path of the layer.
        layer: the layer.
        layout: how it corresponds to a module; None if no module does.
    """

    path: str
    layer: Any
    layout: Layout | None


class Assignment(NamedTuple):
    """A unit, and the parameters of its module."""

    unit: Unit
    given: dict[str, np.ndarray]


def find_units(model: Any, packed: bool = True) -> list[Unit]:
    """Returns the layers with weights, in the order of the model.

    Args:
        model: the model.
        packed: whether attention layers are modules, as in torch, and not four linear ones.
    """
    found: list[Unit] = []
    inside: list[str] = []
    for prefix, layer in iterate_layers_by_path(model):
        if any(prefix.startswith(outer) for outer in inside):
            continue
        layout = find_layout(layer)
        if layout is not None and not (layout.module == "MultiheadAttention" and not packed):
            inside.append(prefix)
            if layer.weights:
                found.append(Unit(prefix.rstrip("/"), layer, layout))
        elif layer._own_variables_():
            found.append(Unit(prefix.rstrip("/"), layer, None))
    return found


def match_modules(
    model: Any, state: Mapping[str, np.ndarray], names: Names | None
) -> tuple[list[Assignment], StateDictReport]:
    """Returns the parameters of each layer, and a report.

    A module is found by `names`, by an equal name, or else by order: the next module that has
    parameters of the same names and shapes.
    """
    report = StateDictReport()
    modules = _group(state)
    units = find_units(model, any(_PACKED in parts for parts in modules.values()))
    found: dict[int, Assignment] = {}
    taken: set[str] = set()

    def take(unit: Unit, prefix: str, how: str) -> bool:
        problem, given, note = _fit(unit, modules.get(prefix))
        if problem:
            if how != "order":
                report.missing[unit.path] = f"module {prefix!r}: {problem}"
            return False
        assert unit.layout is not None
        report.missing.pop(unit.path, None)
        found[id(unit.layer)] = Assignment(unit, given)
        report.matches.append(Match(unit.path, prefix, unit.layout.module, how, note))
        taken.add(prefix)
        return True

    by_order = []
    for unit in units:
        if unit.layout is None:
            report.missing[unit.path] = f"torch has no module like {type(unit.layer).__name__}"
            continue
        chosen = _chosen(names, unit.path)
        if names is not None and chosen is None:
            report.missing[unit.path] = "it has no name in `names`"
        elif chosen is not None:
            take(unit, chosen, "mapping")
        elif not ((name := unit.path.replace("/", ".")) in modules and take(unit, name, "name")):
            by_order.append(unit)
    for unit in by_order:
        candidates = [p for p in modules if p not in taken]
        if not any(take(unit, prefix, "order") for prefix in candidates):
            shapes = {k: v.shape for k, v in _expected(unit).items()}
            report.missing[unit.path] = f"no module has the parameters {shapes}"
    for prefix, parts in modules.items():
        if prefix not in taken:
            keys = (".".join(part for part in (prefix, name) if part) for name in parts)
            report.unused.update(
                (key, f"no layer took it; shape {state[key].shape}")
                for key in keys
                if key.rpartition(".")[2] not in IGNORED
            )
    positions = {unit.path: i for i, unit in enumerate(units)}
    report.matches.sort(key=lambda match: positions[match.layer])
    return list(found.values()), report


def _chosen(names: Names | None, path: str) -> str | None:
    if names is None:
        return None
    if callable(names):
        return names(path)
    # The path, or the name of the layer at its end.
    return names.get(path, names.get(path.rpartition("/")[2]))


def _group(state: Mapping[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """Returns the parameters by module, in the order of the state_dict."""
    packed = {key.rpartition(".")[0] for key in state if key.rpartition(".")[2] == _PACKED}
    found: dict[str, dict[str, np.ndarray]] = {}
    for key, array in state.items():
        prefix, name = _split(key, packed)
        found.setdefault(prefix, {})[name] = array
    return found


def _split(key: str, packed: set[str]) -> tuple[str, str]:
    prefix, _, name = key.rpartition(".")
    outer, _, last = prefix.rpartition(".")
    # Attention has a module of its own for the output.
    return (outer, f"{last}.{name}") if last == "out_proj" and outer in packed else (prefix, name)


def _expected(unit: Unit) -> dict[str, np.ndarray]:
    assert unit.layout is not None
    return unit.layout.to_torch(unit.layer)


def _fit(
    unit: Unit, parts: Mapping[str, np.ndarray] | None
) -> tuple[str, dict[str, np.ndarray], str]:
    """Returns what is wrong with a module for a layer, its parameters, and a note."""
    if parts is None:
        return "the state_dict has no such module", {}, ""
    assert unit.layout is not None
    expected = _expected(unit)
    given = {name: array for name, array in parts.items() if name not in IGNORED}
    added = [n for n in expected if n not in given and n in unit.layout.optional]
    given.update((name, np.zeros_like(expected[name])) for name in added)
    problems = list(_differences(expected, given))
    note = ", ".join(f"{name} is 0" for name in added)
    return "; ".join(problems), {name: given[name] for name in expected if name in given}, note


def _differences(
    expected: Mapping[str, np.ndarray], given: Mapping[str, np.ndarray]
) -> Iterator[str]:
    for name, array in expected.items():
        if name not in given:
            yield f"it has no {name!r}"
        elif given[name].shape != array.shape:
            yield f"{name!r} has the shape {given[name].shape}; the layer needs {array.shape}"
    for name, array in given.items():
        # A bias of 0 changes nothing.
        if name not in expected and np.any(array):
            yield f"the layer has no {name!r}"
