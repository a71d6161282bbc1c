"""The layers of Keras 1 as classes that a program calls, and as classes of their objects."""

from __future__ import annotations

from typing import Any

from cornu import layers as modern
from cornu.dialects.input_layers import make_input_layer
from cornu.dialects.keras1 import derived_recurrent, merge, recurrent
from cornu.dialects.keras1 import layers as own
from cornu.dialects.layer_methods import LayerMethods, derive_class, set_attributes
from cornu.dialects.old_configs import record_directions
from cornu.legacy.keras1.class_mapping import ClassMapping, OldClass, automatic_name
from cornu.legacy.keras1.layer_table import ALIASES, LAYERS

__all__ = ["CLASSES", "INPUT_LAYER", "KINDS", "MODULES", "find_class"]


def _derive(target: type, old_class: OldClass) -> type:
    members = {
        "_class_reference_": (find_class, old_class.mapping.old_name, target),
        "_configs_": own.CONFIGS,
        "_old_class_": old_class,
    }
    return derive_class(target, old_class.mapping.old_name, LayerMethods, members)


def find_class(name: str, target: type) -> type:
    """Returns the class of objects of an old class; pickles refer to this function.

    Args:
        name: the name of the old class.
        target: the class of today.
    """
    return CLASSES[name].class_for(target)


def find_old_class(name: str) -> OldClass:
    """Returns an old class; pickles refer to this function."""
    return CLASSES[name]


def _make_class(row: ClassMapping) -> OldClass:
    made = OldClass(row, (own.Layer,), derived_recurrent.make_subclassable(row))
    made.derive = _derive
    made.reference = (find_old_class, row.old_name)
    if row.old_name.startswith("SpatialDropout"):
        made.finish = set_attributes
    if row.old_name == "Bidirectional":
        made.finish = record_directions
    return made


def _make_modules() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for module, rows in LAYERS.items():
        names: dict[str, Any] = {row.old_name: _make_class(row) for row in rows}
        names |= {alias: names[name] for alias, name in ALIASES.get(module, {}).items()}
        found[module] = names
    found["recurrent"]["Recurrent"] = recurrent.Recurrent
    # The pooling layers can be imported from both modules in Keras 1.
    found["convolutional"] |= found["pooling"]
    return found


merge.Merge.derive = _derive
_input_layer = make_input_layer(
    "Keras 1",
    "input_shape=None, batch_input_shape=None, input_dtype=None, input_tensor=None, sparse=False, "
    "name=None",
    automatic_name,
)
_input_layer.derive = _derive
_input_layer.reference = (find_old_class, "InputLayer")
# Module below `keras.layers` -> name -> class.
MODULES = _make_modules()
# Each class by its name in configs.
CLASSES: dict[str, OldClass] = {
    name: value
    for names in ({"Merge": merge.Merge, "InputLayer": _input_layer}, *MODULES.values())
    for name, value in names.items()
    if isinstance(value, OldClass)
}
own.CONFIGS.classes.update(CLASSES)
INPUT_LAYER = _input_layer.class_for(modern.InputLayer)
# The classes for the names of today, which files have; of several for a class, the first.
KINDS: dict[str, type] = {
    value.mapping.target.__name__: value.class_for(value.mapping.target)
    for value in reversed(CLASSES.values())
    if isinstance(value.mapping.target, type)
}
