"""Classes by name, and the hints of the messages about unknown names."""

from __future__ import annotations

from typing import Any

from cornu.errors import did_you_mean
from cornu.registry.archive import current_archive
from cornu.registry.custom_objects import get_registered_object
from cornu.registry.names import classes, functions, search

__all__ = ["describe_registration", "find", "find_other_category", "note_unknown", "singular"]


def find(category: str | None, name: str, module: str = "") -> Any:
    """Returns the class with a name: one that the program registered, or one of the library.

    Args:
        category: the category to search in; None for all.
        name: the class name, or the registered name with its package, as in `shop>Scale`.
        module: the module of the program that defined the class, for the error message.

    Raises:
        ValueError: there is no such class.
    """
    found = get_registered_object(name)
    if found is None:
        # `custom_objects` has class names as keys; a registered name has the prefix of its package.
        found = get_registered_object(name.rpartition(">")[2])
    if found is not None:
        return found
    found, tables = search(name, category, classes)
    if found is not None:
        return found
    known = sorted({key for table in tables for key in table if key[0].isupper()})
    kind = "class" if category in (None, "layers") else singular(category)
    short = name.rpartition(">")[2]
    hint = find_other_category(category, name) or did_you_mean(short, known)
    if not hint or module:
        hint = f"{hint} {describe_registration(short, module)}".strip()
    note_unknown()
    raise ValueError(f"Unknown {kind} {name!r}. {hint}")


def note_unknown() -> None:
    """Notes that the archive that is being read refers to what the program does not have."""
    archive = current_archive()
    if archive is not None:
        archive.has_unknown = True


def singular(category: str | None) -> str:
    """Returns the word for one object of a category, for messages."""
    if category is None:
        return "function"
    return {"losses": "loss", "dtype_policies": "dtype policy"}.get(category, category[:-1])


def describe_registration(name: str, module: str = "") -> str:
    """Returns the hint how to register a class or function of the program."""
    # Names come from a file: only identifiers are shown as code to copy.
    argument = f"custom_objects={{{name!r}: {name}}}" if name.isidentifier() else "custom_objects"
    origin = "If it is your own,"
    if module == "__main__":
        origin = "The program that saved it defines the class: copy the class, and"
    elif module and all(part.isidentifier() for part in module.split(".")):
        origin = f"It was saved from the module {module!r}:\n    from {module} import {name}\nand"
    return (
        f"{origin} pass {argument}, or decorate it with "
        "@cornu.saving.register_keras_serializable()."
    )


def find_other_category(category: str | None, name: str) -> str:
    """Returns the hint that a name exists in another category, or ''."""
    for other in ("optimizers", "losses", "metrics", "activations", "initializers", "layers"):
        tables = (classes.get(other, {}), functions.get(other, {}))
        if other != category and any(name in table for table in tables):
            word = "layer" if other == "layers" else singular(other)
            return f"There is {'an' if word[0] in 'aeio' else 'a'} {word} with this name."
    return ""
