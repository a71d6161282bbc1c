"""Copies of objects: `pickle`, `copy`, and what is based on them, such as `cloudpickle`.

A copy is described as in a file: by the config of the object, and by the values of its Variables by
storage key. Unlike the data of a file, the description contains the functions and classes of the
program themselves, which the pickler stores by the names of their modules, and everything that
decides how training continues. Objects are never copied attribute by attribute: compiled functions,
graphs and the references between them are created again.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from cornu import registry, seeds
from cornu.core.layer.layer import Layer
from cornu.core.state.tracking import VariableOwner
from cornu.core.state.variable import Variable
from cornu.names import is_library_class, make_unique
from cornu.ops.random.generator import iterate_sources
from cornu.registry.arguments import ArgumentCapture
from cornu.saving.picklable import iterate_code, to_picklable
from cornu.saving.storage_keys import iterate_owners
from cornu.saving.stored_state import AssetOwner, to_arrays
from cornu.types import Config

__all__ = ["copy_object", "describe_object", "reduce_object", "restore_object"]

# The description of an object: its config, and the states of its parts by their prefixes.
Description: TypeAlias = dict[str, Any]


def reduce_object(obj: ArgumentCapture) -> tuple[Any, ...]:
    """Returns what a pickler stores of an object; see `object.__reduce__`.

    Raises:
        pickle.PicklingError: it refers to functions or classes of the program that the pickler
            cannot store.
    """
    description = describe_object(obj)
    config = to_picklable(description["config"], type(obj).__name__)
    return restore_object, ({**description, "config": config},)


def copy_object(obj: ArgumentCapture, memo: dict[int, Any]) -> Any:
    """Returns a copy of an object with Variables of its own; see `copy.deepcopy`."""
    description = describe_object(obj)
    for value, _ in iterate_code(description["config"], ""):
        memo[id(value)] = value  # `copy` would copy compiled functions of JAX
    copied = restore_object(copy.deepcopy(description, memo))
    # Whatever else refers to a part of the object refers to that of the copy.
    new = dict(_iterate_parts(copied))
    for prefix, part in _iterate_parts(obj):
        if prefix in new:
            memo[id(part)] = new[prefix]
            for old, variable in zip(_variables_of(part), _variables_of(new[prefix]), strict=False):
                memo[id(old)] = variable
    return copied


# ------------------------------------------------------------------------------------- describing


def describe_object(obj: ArgumentCapture) -> Description:
    """Returns the config of an object, and the states of the objects with Variables in it."""
    with registry.archive_scope(), registry.copy_scope():
        config = registry.serialize(obj)
    parts = dict(_iterate_parts(obj))
    values: dict[str, Any] = {
        f"{prefix}{i}": variable
        for prefix, part in parts.items()
        for i, variable in enumerate(_variables_of(part))
    }
    _check_complete(obj, parts)
    # All of the same training step.
    arrays = to_arrays(values)
    names = {id(variable): name for name, variable in values.items()}
    states = {prefix: _describe_part(part, prefix, arrays, names) for prefix, part in parts.items()}
    return {"config": config, "parts": states}


def _iterate_parts(obj: Any) -> Iterator[tuple[str, Any]]:
    """Yields an object, and the layers, optimizers and metrics in it, with unique prefixes."""
    if not isinstance(obj, VariableOwner):
        yield "", obj
        return
    yield from iterate_owners(obj)
    if isinstance(obj, Layer):
        taken: dict[str, int] = {}
        for metric in obj.metrics:
            # Not by their names, which may be generated again with other numbers.
            yield f"metrics/{make_unique(type(metric).__name__, taken)}/", metric


def _variables_of(part: Any) -> list[Variable]:
    if not isinstance(part, VariableOwner):
        return []
    return [inner for variable in part._own_variables_() for inner in variable._parts_]


def _describe_part(
    part: Any, prefix: str, arrays: Mapping[str, np.ndarray], names: Mapping[int, str]
) -> Config:
    state: Config = {"live": _replace_variables(part._live_state_(), names)}
    variables = _variables_of(part)
    if variables:
        state["variables"] = [
            (variable.name, variable.trainable, arrays[f"{prefix}{i}"])
            for i, variable in enumerate(variables)
        ]
    if isinstance(part, Layer):
        with registry.copy_scope():
            state["build_config"] = registry.serialize(part.get_build_config())
        state["built"], state["trainable"] = part.built, part.trainable
        state["sources"] = [source._live_state_() for source in _sources_of(part)]
    if isinstance(part, VariableOwner) and _is_of_program(part, "save_own_variables"):
        state["store"] = {}
        part.save_own_variables(state["store"])
    if isinstance(part, AssetOwner) and _is_of_program(part, "save_assets"):
        with tempfile.TemporaryDirectory() as folder:
            part.save_assets(folder)
            files = [path for path in Path(folder).rglob("*") if path.is_file()]
            state["assets"] = {str(p.relative_to(folder)): p.read_bytes() for p in files}
    return state


def _sources_of(layer: Layer) -> list[Any]:
    return [source for value in vars(layer).copy().values() for source in iterate_sources(value)]


def _is_of_program(part: Any, method: str) -> bool:
    """Whether a class of the program defines a method of the library."""
    definer = next(cls for cls in type(part).__mro__ if method in vars(cls))
    return not is_library_class(definer)


class _Reference(str):
    """The name of a Variable of the object, where its description would contain the Variable."""


def _replace_variables(value: Any, names: Mapping[int, str]) -> Any:
    def refer(variable: Any) -> Any:
        name = names.get(id(variable))
        return variable if name is None else _Reference(name)

    return _map_leaves(value, Variable, refer)


def _map_leaves(value: Any, kind: type, function: Callable[[Any], Any]) -> Any:
    if isinstance(value, kind):
        return function(value)
    if isinstance(value, dict):
        return {key: _map_leaves(item, kind, function) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_map_leaves(item, kind, function) for item in value)
    return value


def _check_complete(obj: Any, parts: Mapping[str, Any]) -> None:
    known = {id(variable) for part in parts.values() for variable in _variables_of(part)}
    weights = obj.weights if isinstance(obj, Layer) else []
    lost = [variable.path for variable in weights if id(variable) not in known]
    if lost:
        raise ValueError(
            f"{type(obj).__name__} {obj.name!r} cannot be copied: what owns the weights "
            f"{', '.join(lost[:8])}{', ...' if len(lost) > 8 else ''} is neither an attribute nor "
            "in a list, tuple or dict.\nHold layers in a list, a tuple or a dict, not in a set."
        )


# -------------------------------------------------------------------------------------- restoring


def restore_object(description: Description) -> Any:
    """Returns a new object like the one that was described. Pickles refer to this function."""
    states: dict[str, Config] = description["parts"]
    with seeds.separate_seeds():
        with registry.archive_scope() as archive, registry.copy_scope():
            obj = registry.deserialize(description["config"])
            # The whole before its parts, because a call of the whole builds the parts.
            for made, state in reversed(archive.states):
                made._restore_state_(state)
        _build_parts(obj, states)
        parts = {p: part for p, part in _iterate_parts(obj) if p in states}
        variables: dict[str, Variable] = {}
        for prefix, part in parts.items():
            found = _order_variables(part, states[prefix])
            variables |= {f"{prefix}{i}": variable for i, variable in enumerate(found)}
        for prefix, part in parts.items():
            live = states[prefix]["live"]
            part._set_live_state_(_map_leaves(live, _Reference, lambda name: variables[name]))
        # Metrics and the Variables of optimizers exist only now.
        parts = {p: part for p, part in _iterate_parts(obj) if p in states}
        _check_found(obj, parts, states)
        for prefix, part in parts.items():
            _restore_part(part, states[prefix])
    return obj


def _build_parts(obj: Any, states: Mapping[str, Config]) -> None:
    """Builds the layers that are built in the original and not by a call of the whole."""
    # A layer is built before the walk visits the layers that it creates in `build`.
    for prefix, part in _iterate_parts(obj):
        state = states.get(prefix, {})
        if not isinstance(part, Layer) or not state:
            continue
        if part.trainable != state["trainable"]:
            part.trainable = state["trainable"]
        if state["build_config"] is not None and not part.built:
            part.build_from_config(registry.deserialize(state["build_config"]))
        if state["built"] and not part.built:
            part.built = True  # it has nothing to build, or its parts are built one by one


def _match_variables(part: Any, state: Config) -> list[Variable]:
    """Returns the Variables of a part in the order in which they were described."""
    variables = _variables_of(part)
    names = [name for name, _, _ in state.get("variables", ())]
    by_name = {variable.name: variable for variable in variables}
    # The order depends on when a layer was quantized or adapted; generated names are not the same.
    if by_name.keys() == set(names) and len(by_name) == len(names) == len(variables):
        return [by_name[name] for name in names]
    return variables


def _order_variables(part: Any, state: Config) -> list[Variable]:
    """Restores the order of Variables, and whether they are trained; returns them."""
    found = _match_variables(part, state)
    if isinstance(part, Layer):
        positions = {id(variable): i for i, variable in enumerate(found)}
        part._weights_.sort(key=lambda variable: positions.get(id(variable), len(positions)))
    for variable, (_, trainable, _) in zip(found, state.get("variables", ()), strict=False):
        if variable.trainable != trainable:
            variable.trainable = trainable
    return found


def _check_found(obj: Any, parts: Mapping[str, Any], states: Mapping[str, Config]) -> None:
    lines = [
        f"{prefix or type(obj).__name__}: it is not created again"
        for prefix, state in states.items()
        if prefix not in parts and state.get("variables") and not prefix.startswith("metrics/")
    ]
    for prefix, part in parts.items():
        stored = [array.shape for _, _, array in states[prefix].get("variables", ())]
        found = [variable.shape for variable in _match_variables(part, states[prefix])]
        # Metrics of a model may create Variables in their first update, which resets them anyway.
        is_checked = "store" not in states[prefix] and not prefix.startswith("metrics/")
        if stored != found and is_checked:
            lines.append(
                f"{prefix or type(obj).__name__}: Variables of shapes {stored} were copied, the "
                f"new object has {found}"
            )
    if lines:
        listed = "".join(f"\n  {line}" for line in lines[:20])
        raise ValueError(
            f"{type(obj).__name__} cannot be restored from its config:{listed}\n"
            "A class must create its layers and Variables in its constructor or in `build`, and "
            "its get_config() must return all that they depend on. What is created in `call` is "
            "created again in a model, whose inputs are known."
        )


def _restore_part(part: Any, state: Config) -> None:
    if "assets" in state:
        with tempfile.TemporaryDirectory() as folder:
            for name, content in state["assets"].items():
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            part.load_assets(folder)
    if "store" in state:
        part.load_own_variables(state["store"])
    else:
        variables = _match_variables(part, state)
        stored = state.get("variables", ())
        if len(variables) == len(stored):
            for variable, (_, _, array) in zip(variables, stored, strict=True):
                variable.assign(array)
    if isinstance(part, Layer):
        for source, live in zip(_sources_of(part), state["sources"], strict=False):
            source._set_live_state_(live)
