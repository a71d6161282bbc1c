"""Lambdas in configs: they are code, so the program passes functions in their place."""

from __future__ import annotations

from typing import Any

from cornu.registry.archive import LAMBDA, current_archive
from cornu.registry.custom_objects import find_in_scopes

__all__ = ["replace_lambdas"]


def replace_lambdas(config: Any, class_name: str) -> Any:
    """Puts functions of `custom_objects` into a config in place of lambdas, by layer name."""
    if not isinstance(config, dict):
        return config
    lambdas = [argument for argument, value in config.items() if _is_lambda(value)]
    owner, found = str(config.get("name")), {}
    for argument in lambdas:
        keys = [f"{owner}/{argument}"]
        if len(lambdas) == 1 or argument == "function":
            keys.append(owner)
        functions = [f for f in map(find_in_scopes, keys) if f is not None]
        archive = current_archive()
        found[argument] = (
            functions[0] if functions else {"class_name": "function", "config": LAMBDA}
        )
        if not functions and archive is not None:
            archive.check_lambda(f"{class_name} {owner!r}")
    return {**config, **found}


def _is_lambda(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    if set(value) == {"value"}:  # the bytecode of an activation in a file of Keras
        return isinstance(value["value"], (list, tuple)) and len(value["value"]) == 3
    return value.get("class_name") == "__lambda__" or (
        value.get("class_name") == "function" and value.get("config") == LAMBDA
    )
