"""Classes of old versions are found by their registered names, and imported only then."""

import importlib
import pkgutil

import cornu.legacy
from cornu.registry.custom_objects import registered_names
from cornu.registry.names import import_old_classes
from tests.processes import run_program

FIND_ONE = """
import sys
import cornu
cornu.Model, cornu.saving
assert not any(name.startswith("cornu.legacy") for name in sys.modules)
assert cornu.saving.get_registered_object({name!r}) is not None
missing = [name for name in {names!r} if cornu.saving.get_registered_object(name) is None]
assert not missing, missing
"""


def old_names():
    for module in pkgutil.walk_packages(cornu.legacy.__path__, "cornu.legacy."):
        importlib.import_module(module.name)
    return sorted(
        name for obj, name in registered_names.items() if obj.__module__.startswith("cornu.legacy.")
    )


def test_a_name_of_an_old_version_imports_the_classes_of_all():
    names = old_names()
    run_program(FIND_ONE.format(name=names[0], names=names))


def test_the_prefix_of_every_name_leads_to_the_import():
    missing = [name for name in old_names() if not import_old_classes(name)]
    assert not missing
    assert not import_old_classes("Custom>Dense") and not import_old_classes("Dense")
