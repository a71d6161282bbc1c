"""Functions in place of those of a config, by the names of layers.

Lambdas are code, so a program that loads them passes functions. Other functions of a program have
names, and are found by the names of their layers if the program does not have them.
"""

from __future__ import annotations

import inspect
from typing import Any

from cornu.registry.archive import LAMBDA, current_archive
from cornu.registry.custom_objects import find_in_scopes, get_registered_object

__all__ = ["COMPILE", "find_replacement", "is_lambda", "is_unknown_function", "replace_lambdas"]

COMPILE = "compile"  # what has the lambdas that were passed to `compile`


def replace_lambdas(config: Any, class_name: str) -> Any:
    """Puts functions of `custom_objects` into a config in place of lambdas, by layer name.

    Functions that the program does not have are replaced as well.
    """
    if not isinstance(config, dict):
        return config
    found: dict[str, Any] = {}
    for argument, value in config.items():
        if not is_lambda(value):
            if is_unknown_function(value):
                function = find_replacement(config, argument)
                found |= {} if function is None else {argument: function}
            continue
        function = find_replacement(config, argument)
        archive = current_archive()
        found[argument] = (
            {"class_name": "function", "config": LAMBDA} if function is None else function
        )
        if function is None and archive is not None:
            archive.check_lambda(f"{class_name} {str(config.get('name'))!r}")
    return {**config, **found}


def find_replacement(config: dict[str, Any], argument: str) -> Any:
    """Returns the function that `custom_objects` has for a lambda of a layer, or None.

    Args:
        config: the config of the layer.
        argument: the name of the argument that is a lambda, or an unknown function.
    """
    owner = str(config.get("name"))
    keys = [f"{owner}/{argument}"]
    replaced = [v for v in config.values() if is_lambda(v) or is_unknown_function(v)]
    if argument == "function" or len(replaced) == 1:
        keys.append(owner)
    # A class with the name of a layer is meant for others.
    found = [f for f in map(find_in_scopes, keys) if f is not None and not inspect.isclass(f)]
    return found[0] if found else None


def is_unknown_function(value: Any) -> bool:
    """Returns whether an argument in a config is a function that the program does not have."""
    if not isinstance(value, dict) or value.get("class_name") != "function":
        return False
    name = value.get("config")
    is_own = value.get("module") in (None, "builtins") and isinstance(name, str)
    known = get_registered_object(str(name)) or get_registered_object(f"Custom>{name}")
    return is_own and not known


def is_lambda(value: Any) -> bool:
    """Returns whether an argument in a config stands for a function without a name."""
    if not isinstance(value, dict):
        return False
    if set(value) == {"value"}:  # the bytecode of an activation in a file of Keras
        return isinstance(value["value"], (list, tuple)) and len(value["value"]) == 3
    return value.get("class_name") == "__lambda__" or (
        value.get("class_name") == "function" and value.get("config") == LAMBDA
    )
