"""The examples in docstrings run, and give what they show."""

import builtins
import doctest
import importlib
import pkgutil

import pytest

import cornu

# Running a dialect or the command line is not looking at its examples.
LEFT_OUT = ("cornu.__main__",)

MODULES = [
    module.name
    for module in pkgutil.walk_packages(cornu.__path__, "cornu.")
    if module.name not in LEFT_OUT
]
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


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
