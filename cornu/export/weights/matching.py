"""Which module of another library is which layer of a model.

All sources of weights have the same rules; what differs between them is a `Source`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

import jax.numpy as jnp
import numpy as np

from cornu.core.layer.layer import Layer
from cornu.errors import did_you_mean
from cornu.export.weights.layout import Layout, Layouts
from cornu.export.weights.modules import Modules, join
from cornu.export.weights.report import Match, WeightReport
from cornu.saving.weight_paths import iterate_layers_by_path

__all__ = [
    "Assignment",
    "Names",
    "Source",
    "Unit",
    "choose_name",
    "find_units",
    "find_unknown_names",
    "match_modules",
]

Names: TypeAlias = Mapping[str, str | None] | Callable[[str], str | None]


class Source(NamedTuple):
    """A library that weights come from.

    Attributes:
        name: the library, as messages show it.
        noun: what contains its weights, as messages show it.
        separator: what is between the parts of a key.
        find_layouts: returns how a layer corresponds to modules.
        ignored: last parts of keys that no layer has.
        signatures: names of parameters of modules whose inner modules are not layers.
    """

    name: str
    noun: str
    separator: str
    find_layouts: Layouts
    ignored: tuple[str, ...] = ()
    signatures: tuple[str, ...] = ()


class Unit(NamedTuple):
    """A layer that is one module in the other library.

    Attributes:
        path: the path of the layer.
        layer: the layer.
        layouts: how it may correspond to a module; none if no module does.
    """

    path: str
    layer: Layer
    layouts: tuple[Layout, ...]


class Assignment(NamedTuple):
    """A layer, and the parameters of its module.

    Attributes:
        layer: the layer.
        prefix: the module.
        layout: how they correspond.
        given: the parameters that the layout expects.
    """

    layer: Layer
    prefix: str
    layout: Layout
    given: dict[str, np.ndarray]

    def read(self) -> list[np.ndarray]:
        """Returns the weights in the order of `layer.weights`."""
        return self.layout.read(self.layer, self.given)


class _Fit(NamedTuple):
    """How the parameters of a module fit to a layer.

    Attributes:
        problems: why they do not.
        given: the parameters that the layout expects.
        note: what else was done.
    """

    problems: list[str]
    given: dict[str, np.ndarray]
    note: str = ""


def find_units(
    model: Any, source: Source, modules: Modules | None = None, names: Names | None = None
) -> list[Unit]:
    """Returns the layers with weights, in the order of the model.

    Args:
        model: the model.
        source: the library.
        modules: if a layer has inner layers, such as attention, and none of these modules is like
            it, then its inner layers are returned.
        names: the modules that the user chose: if they name inner layers, these are returned.
    """
    found: list[Unit] = []
    inside: list[str] = []
    by_path = list(iterate_layers_by_path(model))

    def is_whole(layout: Layout, prefix: str) -> bool:
        if modules is None or not layout.signature:
            return True
        if names is not None and choose_name(names, prefix.rstrip("/")) is None:
            inner = (p for p, _ in by_path if p.startswith(prefix) and p != prefix)
            if any(choose_name(names, p.rstrip("/")) is not None for p in inner):
                return False
        return any(True for _ in modules.with_parameter(layout.signature))

    for prefix, layer in by_path:
        if any(prefix.startswith(outer) for outer in inside):
            continue
        layouts = tuple(lay for lay in source.find_layouts(layer) if is_whole(lay, prefix))
        if layouts:
            inside.append(prefix)
            if layer.weights:
                found.append(Unit(prefix.rstrip("/"), layer, layouts))
        elif layer._own_variables_():
            found.append(Unit(prefix.rstrip("/"), layer, ()))
    return found


def _check_names(names: Any) -> None:
    is_table = isinstance(names, Mapping) and all(
        isinstance(path, str) and (name is None or isinstance(name, str))
        for path, name in names.items()
    )
    if names is not None and not is_table and not callable(names):
        raise TypeError(
            "names must be a dict from layers to modules, both strings, or a function of the path "
            f"of a layer. Received: {names!r}"
        )


def find_unknown_names(model: Any, names: Names | None) -> Iterator[str]:
    """Yields the keys of `names` that are neither the path nor the name of a layer."""
    if isinstance(names, Mapping):
        paths = [prefix.rstrip("/") for prefix, _ in iterate_layers_by_path(model)]
        known = {*paths, *(path.rpartition("/")[2] for path in paths)}
        yield from (key for key in names if key not in known)


def choose_name(names: Names, path: str) -> str | None:
    """Returns the module that the user chose for a layer."""
    if callable(names):
        return names(path)
    # The path, or the name of the layer at its end.
    return names.get(path, names.get(path.rpartition("/")[2]))


def match_modules(
    model: Any,
    state: Mapping[str, np.ndarray],
    names: Names | None,
    source: Source,
    *,
    is_ordered: bool = True,
    has_statistics: bool = True,
) -> tuple[list[Assignment], WeightReport]:
    """Returns the parameters of each layer, and a report.

    A module is found by `names`, by an equal name, or else by order: the next module that has
    parameters of the same names and shapes.

    Args:
        model: the model.
        state: the arrays by key.
        names: the modules that the user chose.
        source: the library.
        is_ordered: whether the arrays have the order of the modules. If not, modules are found by
            order only if they differ in their numbers, such as `Dense_0` and `Dense_1`.
        has_statistics: whether the arrays contain those that no optimizer updates.
    """
    report = WeightReport()
    _check_names(names)
    modules = Modules(state, source.separator, source.ignored, source.signatures)
    units = find_units(model, source, modules, names)
    found: list[Assignment] = []

    def take(unit: Unit, prefix: str, how: str) -> bool:
        layout, fit = _best_fit(unit, prefix, modules, source, has_statistics)
        if fit.problems:
            report.missing[unit.path] = (
                f"module {prefix!r}: {'; '.join(filter(None, fit.problems))}"
            )
            return False
        report.missing.pop(unit.path, None)
        found.append(Assignment(unit.layer, prefix, layout, fit.given))
        report.matches.append(Match(unit.path, prefix, layout.module, how, fit.note))
        modules.take(prefix, fit.given)
        return True

    for key in find_unknown_names(model, names):
        report.missing[key] = "no layer has this path or name"
    by_order = []
    for unit in units:
        chosen = None if names is None else choose_name(names, unit.path)
        name = unit.path.replace("/", source.separator)
        if not unit.layouts:
            kind = type(unit.layer).__name__
            report.missing[unit.path] = f"{source.name} has no module like {kind}"
        elif names is not None and chosen is None:
            report.missing[unit.path] = "it has no name in `names`"
        elif chosen is not None:
            take(unit, chosen, "mapping")
        elif not (_exists(unit, name, modules) and take(unit, name, "name")):
            by_order.append(unit)
    for unit in by_order:
        fitting: Collection[str] = list(_fitting(unit, modules, source, has_statistics))
        if not fitting:
            shapes = {k: v.shape for k, v in unit.layouts[0].write(unit.layer).items()}
            report.missing.setdefault(unit.path, f"no module has the parameters {shapes}")
            continue
        if is_ordered:
            take(unit, next(iter(fitting)), "order")
            continue
        classes = {layout.module for layout in unit.layouts}
        fitting = modules.with_class(fitting, classes)
        if modules.are_numbered(fitting):
            take(unit, modules.by_number(fitting)[0], "order")
        else:
            report.missing[unit.path] = (
                "several modules fit, and their order is unknown: "
                f"{', '.join(map(repr, fitting))}; `names` chooses one"
            )
    for key, array in modules.left().items():
        report.unused[key] = f"no layer took it; shape {array.shape}"
    positions = {unit.path: i for i, unit in enumerate(units)}
    report.matches.sort(key=lambda match: positions[match.layer])
    return found, report


def _exists(unit: Unit, prefix: str, modules: Modules) -> bool:
    return any(modules.parameters(prefix, lay.write(unit.layer)) for lay in unit.layouts)


def _fitting(unit: Unit, modules: Modules, source: Source, has_statistics: bool) -> Iterator[str]:
    """Yields the modules that no layer has and that fit to a layer."""
    seen = set()
    for layout in unit.layouts:
        expected = layout.write(unit.layer)
        required = next(name for name in expected if name not in layout.optional)
        for prefix in modules.with_parameter(required):
            # An RNN module and its cell have the same parameters.
            key = join(prefix, required, source.separator)
            if key in seen or not modules.is_free(prefix, expected):
                continue
            if not _best_fit(unit, prefix, modules, source, has_statistics)[1].problems:
                seen.add(key)
                yield prefix


def _best_fit(
    unit: Unit, prefix: str, modules: Modules, source: Source, has_statistics: bool
) -> tuple[Layout, _Fit]:
    """Returns the layout with the fewest problems."""
    fits = [(lay, _fit(unit, lay, prefix, modules, source, has_statistics)) for lay in unit.layouts]
    return min(fits, key=lambda pair: len(pair[1].problems))


def _fit(
    unit: Unit,
    layout: Layout,
    prefix: str,
    modules: Modules,
    source: Source,
    has_statistics: bool,
) -> _Fit:
    expected = layout.write(unit.layer)
    given = modules.parameters(prefix, expected)
    if not given:
        hint = did_you_mean(prefix, modules.prefixes)
        text = f"the {source.noun} has no such module"
        # As many problems as there are parameters: another layout may find some of them.
        return _Fit([f"{text}. {hint}" if hint else text] + [""] * (len(expected) - 1), {})
    added = [name for name in expected if name not in given and name in layout.optional]
    if not has_statistics:
        added += [n for n in layout.statistics if n in expected and n not in given]
    given.update((name, np.zeros_like(expected[name])) for name in added)
    problems = list(_differences(expected, given))
    note = ", ".join(f"{name} is 0" for name in added if name not in layout.statistics)
    return _Fit(problems, {name: given[name] for name in expected if name in given}, note)


def _differences(
    expected: Mapping[str, np.ndarray], given: Mapping[str, np.ndarray]
) -> Iterator[str]:
    for name, array in expected.items():
        if name not in given:
            yield f"it has no {name!r}"
        elif given[name].shape != array.shape:
            yield f"{name!r} has the shape {given[name].shape}; the layer needs {array.shape}"
        elif not jnp.issubdtype(given[name].dtype, jnp.floating):
            # Integers may be quantized weights, whose scales are elsewhere.
            yield f"{name!r} has the dtype {given[name].dtype}; the layer needs floats"
    for name, array in given.items():
        # A bias of 0 changes nothing.
        if name not in expected and np.any(array):
            yield f"the layer has no {name!r}"
