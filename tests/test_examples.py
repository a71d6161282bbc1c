"""The examples in docstrings run, and give what they show."""

import builtins
import doctest
import importlib
import pkgutil

import pytest

import cornu
from scripts.site import reference

# Running a dialect or the command line is not looking at its examples.
LEFT_OUT = ("cornu.__main__",)

MODULES = [
    module.name
    for module in pkgutil.walk_packages(cornu.__path__, "cornu.")
    if module.name not in LEFT_OUT
]
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS

# Public names whose docstrings have no example: a name, or a module and all of its names.
WITHOUT_EXAMPLE = {
    "cornu.applications": "each name is a large network, and the arguments are those of the others",
    "cornu.applications.resnet.define_resnet": "returns one of these networks",
    "cornu.applications.resnet.resnet": "returns one of these networks",
    "cornu.distribution.LayoutPlan": "`plan` creates it, and has the example",
    "cornu.distribution.Plan": "`plan` creates it, and has the example",
    "cornu.distribution.initialize": "connects processes; docs/distribution.md has a program",
    "cornu.errors.suggest_names": "changes a module",
    "cornu.export.ExportArchive": "needs TensorFlow; docs/export.md describes it",
    "cornu.export.read_orbax": "needs a checkpoint of another program; docs/weights.md has one",
    "cornu.serving.serve": "answers requests until a signal; docs/serving.md has a program",
    "cornu.inspect.Measure": "`profile` creates it, and has the example",
    "cornu.inspect.Profile": "`profile` creates it, and has the example",
}


def test_each_public_name_has_an_example():
    found = {
        entry.path for entry in reference.entries() if ">>>" not in reference.docstring(entry.value)
    }
    reasons = {path: path if path in WITHOUT_EXAMPLE else path.rpartition(".")[0] for path in found}
    assert not {path for path, reason in reasons.items() if reason not in WITHOUT_EXAMPLE}
    assert set(reasons.values()) == set(WITHOUT_EXAMPLE)  # no reason is left over


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = importlib.import_module(name)
    # The ops `round`, `sum` and others must not stand in for Python's own.
    names = {k: v for k, v in vars(module).items() if not hasattr(builtins, k)}
    for test in doctest.DocTestFinder().find(module, name, globs=names):
        runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
        shown: list[str] = []
        runner.run(test, out=shown.append)
        assert not runner.failures, "".join(shown)
