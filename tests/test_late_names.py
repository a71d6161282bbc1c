"""Names that packages import when they are first used."""

import importlib

from cornu.late_names import late_names
from tests.processes import run_program

PACKAGES = ("callbacks", "layers", "models", "optimizers", "saving", "utils", "inspect")

NONE_IS_LOADED = """
import sys
import cornu
model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
model.compile(cornu.optimizers.Adam(), "mse", metrics=["mae"])
model.fit([[1.0, 2.0]], [[1.0]], verbose=0)
late = [m for found in cornu.late_names.late_names.values() for m in found.values()]
early = [m for m in late if m in sys.modules]
assert len(late) > 40 and not early, early
"""

# The import of a module sets it as an attribute of its package, in place of a function so named.
NONE_IS_REPLACED = """
import importlib
import importlib.util
import sys
from cornu.late_names import late_names
for package in sys.argv[1:]:
    importlib.import_module(f"cornu.{package}")
names = [f"{package}.{name}" for package, found in late_names.items() for name in found]
wrong = [n for n in names if n not in sys.modules and importlib.util.find_spec(n)]
assert len(names) > 40 and not wrong, wrong
"""

BY_NAME = """
import cornu
assert cornu.layers.deserialize({"class_name": "RandomFlip", "config": {}}).name == "random_flip"
assert cornu.layers.deserialize({"class_name": "LSTM", "config": {"units": 2}}).name == "lstm"
assert cornu.optimizers.get("ftrl").name == "ftrl"
assert callable(cornu.inspect.profile) and cornu.inspect.Measure
assert cornu.inspect.Statistics and callable(cornu.inspect.statistics)  # not the module
"""


def test_a_program_with_dense_layers_imports_none_of_them():
    run_program(NONE_IS_LOADED)


def test_no_module_that_is_imported_later_has_their_names():
    run_program(NONE_IS_REPLACED, *PACKAGES)


def test_they_are_found_by_name():
    run_program(BY_NAME)


def test_every_late_name_is_public_and_that_of_its_module():
    for package in PACKAGES:
        public = importlib.import_module(f"cornu.{package}")
        for name, module in late_names[f"cornu.{package}"].items():
            assert name in public.__all__
            assert getattr(public, name) is getattr(importlib.import_module(module), name)
