"""LayerRow: how the config of a layer of an old version becomes one of today."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from cornu.legacy.source import Source
from cornu.types import Config

__all__ = ["TARGET_CLASS", "Context", "Conversion", "LayerRow", "convert_arguments"]

# The key under which a conversion stores the name of a class other than the target of the row. No
# argument has such a name.
TARGET_CLASS = "<class>"


@dataclass(frozen=True)
class Context:
    """What the conversion of a layer depends on beside its config.

    Attributes:
        source: what wrote the model.
        convert: converts the entry of a layer that the layer wraps.
    """

    source: Source
    convert: Callable[[Config], Config]


# Changes the arguments of a layer in place, while they have their old names.
Conversion: TypeAlias = Callable[[Config, Context], None]


@dataclass(frozen=True)
class LayerRow:
    """One class of an old version.

    Attributes:
        target: the name of the class of today, as in configs; '' if it is the same.
        renames: old names of arguments to present ones.
        dropped: arguments without effect today.
        refused: arguments that have no equal today, with the values that change nothing.
        defaults: the values of arguments that configs may lack, under their present names.
        conversions: what renaming does not suffice for.
        fixed: arguments that the class did not have, with the values that it used.
    """

    target: str = ""
    renames: Mapping[str, str] = field(default_factory=dict)
    dropped: Collection[str] = ()
    refused: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    conversions: tuple[Conversion, ...] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict)


def convert_arguments(name: str, row: LayerRow, config: Config, context: Context) -> Config:
    """Returns the arguments of today for the config of a layer.

    Args:
        name: the name of the old class.
        row: its row.
        config: its config, which is not changed.
        context: what the conversion depends on.

    Raises:
        ValueError: an argument has no equal today.
    """
    arguments = dict(config)
    for convert in row.conversions:
        convert(arguments, context)
    for argument, neutral in row.refused.items():
        value = arguments.pop(argument, None)
        if value is not None and value not in neutral:
            raise ValueError(
                f"{name} {str(config.get('name'))!r} of {context.source} has {argument}={value!r}, "
                "which no layer of today supports.\n"
                f"Pass a class of your own, as custom_objects={{{name!r}: ...}}."
            )
    kept = {
        row.renames.get(argument, argument): value
        for argument, value in arguments.items()
        if argument not in row.dropped
    }
    return {**row.defaults, **kept, **row.fixed}
