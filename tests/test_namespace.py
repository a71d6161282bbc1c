"""The public names of `import cornu as keras`, as run time and type checkers see them."""

import ast
import importlib
from pathlib import Path

import cornu

ROOT = Path(cornu.__file__)


def static_names():
    """Public name -> (module, name) of what is under `if TYPE_CHECKING`."""
    tree = ast.parse(ROOT.read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    found = {}
    for node in block.body:
        if isinstance(node, ast.ImportFrom):
            found |= {alias.asname: (node.module, alias.name) for alias in node.names}
        else:
            assert isinstance(node, ast.Assign)
            found[node.targets[0].id] = found[node.value.id]
    return {name: source for name, source in found.items() if not name.startswith("_")}


def test_type_checkers_see_every_public_name():
    assert sorted({*static_names(), "__version__", "version"}) == dir(cornu)


def test_type_checkers_see_the_same_objects():
    for name, (module, attribute) in static_names().items():
        expected = getattr(importlib.import_module(module), attribute)
        assert getattr(cornu, name) is expected, name
