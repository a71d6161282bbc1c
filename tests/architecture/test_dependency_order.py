"""The imports of the library follow the dependency order, and the checker finds each violation."""

from pathlib import Path

import pytest

from tests.architecture.dependency_order import check

ROOT = Path(__file__).parents[2] / "cornu"


def test_cornu_follows_the_dependency_order():
    offences = check(ROOT)
    assert not offences, "\n\n" + "\n\n".join(offences)


@pytest.fixture
def tree(tmp_path):
    """Checks a small tree that is given as {path below cornu/: source}."""

    def build(files: dict[str, str]) -> list[str]:
        for name, source in {"__init__.py": "", **files}.items():
            path = tmp_path / "cornu" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source)
        return check(tmp_path / "cornu")

    return build


def only(offences: list[str]) -> str:
    assert len(offences) == 1, offences
    return offences[0]


CLEAN = {
    "__init__.py": """\
        from cornu.core.variable import Variable
        def __getattr__(name):
            import importlib
            return importlib.import_module("cornu." + name)
        """,
    "__main__.py": "from cornu.cli import main\n",
    "errors.py": "import json\n",
    "core/__init__.py": "from cornu.core.variable import Variable\n__all__ = ['Variable']\n",
    "core/variable.py": "from .. import errors\nfrom . import scope\nclass Variable: ...\n",
    "core/scope.py": """\
        from typing import TYPE_CHECKING
        from cornu.errors import CornuError
        if TYPE_CHECKING:
            from cornu.core.variable import Variable
        """,
    "ops/__init__.py": "from cornu.core import Variable\n",
    "parts/activations.py": "from cornu import ops\n",
    "activations.py": """\
        from cornu.errors import suggest_names
        from cornu.parts.activations import relu
        __all__ = ['relu']
        suggest_names(__name__, __all__)
        """,
    "layers/merge.py": "from ..parts import activations\nfrom cornu.layers import core\n",
    "layers/core.py": "from cornu.core.variable import Variable\n",
    "saving/weights.py": "def read(path):\n    import h5py\n    from safetensors import numpy\n",
    "applications/resnet.py": "def export(model):\n    from jax import export\n",
    "models/model.py": "import cornu.layers.merge\n",
    "cli.py": "import importlib\nimportlib.import_module('cornu.dialects.keras1')\n",
}


def test_a_valid_tree_has_no_violations(tree):
    assert tree({name: _dedent(source) for name, source in CLEAN.items()}) == []


@pytest.mark.parametrize(
    "statement",
    [
        "from cornu.models import Model",
        "from cornu.models.model import Model",
        "from cornu import models",
        "import cornu.models.model as model",
        "from ..models import model",
        "from .. import models",
        "if True:\n    from cornu import models",
        "class A:\n    from cornu import models",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from cornu import models",
    ],
)
def test_an_upward_import_is_found(tree, statement):
    files = {"models/__init__.py": "", "models/model.py": "", "layers/conv.py": f"\n{statement}\n"}
    offence = only(tree(files))
    line = 2 + statement.count("\n")
    assert offence.startswith(f"cornu/layers/conv.py:{line}: cornu.layers.conv (level 4) imports ")
    assert "(level 8), which is upward. Move what both need" in offence


def test_the_root_is_above_everything(tree):
    offence = only(tree({"layers/core.py": "from cornu import Variable\n"}))
    assert "imports cornu (level 11), which is upward" in offence


def test_an_upward_import_in_an_init_is_found(tree):
    offence = only(tree({"ops/__init__.py": "from ..layers import conv\n", "layers/conv.py": ""}))
    assert offence.startswith("cornu/ops/__init__.py:1: cornu.ops (level 2) imports ")


def test_nothing_imports_a_facade(tree):
    files = {
        "parts/activations.py": "def relu(x): ...\n",
        "activations.py": "from cornu.parts.activations import relu\n",
        "layers/core.py": "from cornu.activations import relu\n",
    }
    assert "imports cornu.activations (level 9), which is upward" in only(tree(files))


def test_nothing_imports_a_dialect(tree):
    files = {"dialects/keras1/__init__.py": "", "utils/graph.py": "import cornu.dialects.keras1\n"}
    assert "imports cornu.dialects.keras1 (level 10), which is upward" in only(tree(files))


@pytest.mark.parametrize("sibling", ["losses", "optimizers", "data", "layers"])
def test_a_sideways_import_between_siblings_is_found(tree, sibling):
    files = {f"{sibling}/core.py": "", "metrics/mean.py": f"from cornu.{sibling} import core\n"}
    offence = only(tree(files))
    assert offence.startswith("cornu/metrics/mean.py:1: ")
    assert "a sibling. The packages on level 4 do not import each other" in offence


def test_packages_of_one_level_may_import_each_other_elsewhere(tree):
    assert (
        tree({"inspect/loop.py": "from cornu.callbacks import config\n", "callbacks/config.py": ""})
        == []
    )


def test_a_cycle_is_found_once_with_its_lines(tree):
    files = {
        "core/a.py": "\nfrom cornu.core import b\n",
        "core/b.py": "from .c import name\n",
        "core/c.py": "import cornu.core.a\n",
    }
    offence = only(tree(files))
    assert "modules import each other in a cycle" in offence
    for step in (
        "cornu.core.a imports cornu.core.b (cornu/core/a.py:2)",
        "cornu.core.b imports cornu.core.c (cornu/core/b.py:1)",
        "cornu.core.c imports cornu.core.a (cornu/core/c.py:1)",
    ):
        assert step in offence


def test_a_cycle_through_the_own_package_is_found(tree):
    files = {"core/__init__.py": "from .a import A\n", "core/a.py": "from cornu.core import B\n"}
    assert "from the module that defines it rather than from its package" in only(tree(files))


def test_a_cycle_between_packages_is_found(tree):
    # callbacks.config imports nothing, but to import it runs callbacks/__init__.py first.
    files = {
        "inspect/__init__.py": "from cornu.inspect.loop import fit\n",
        "inspect/loop.py": "from cornu.callbacks import config\n",
        "inspect/state.py": "",
        "callbacks/__init__.py": "from cornu.callbacks.archive import save\n",
        "callbacks/archive.py": "from cornu.inspect import state\n",
        "callbacks/config.py": "",
    }
    assert "in a cycle" in only(tree(files))


def test_two_cycles_are_two_violations(tree):
    files = {
        "core/a.py": "from . import b\n",
        "core/b.py": "from . import a\n",
        "ops/a.py": "from . import b\n",
        "ops/b.py": "from . import a\n",
    }
    assert len(tree(files)) == 2


@pytest.mark.parametrize(
    "body", ["import json", "from cornu.core import b", "if 1:\n        import re"]
)
def test_a_hidden_import_is_found(tree, body):
    for head in ("def f():", "async def f():"):
        offence = only(tree({"core/a.py": f"{head}\n    {body}\n", "core/b.py": ""}))
        assert offence.startswith(f"cornu/core/a.py:{2 + body.count(chr(10))}: the import of ")
        assert "is hidden in a function. Move it to the top of the file" in offence


def test_a_hidden_import_in_a_method_is_found(tree):
    files = {"core/a.py": "class A:\n    def f(self):\n        import json\n"}
    assert only(tree(files)).startswith("cornu/core/a.py:3: the import of json is hidden")


def test_an_optional_package_is_recognized_by_whole_words(tree):
    assert "richer is hidden" in only(tree({"core/a.py": "def f():\n    import richer\n"}))


@pytest.mark.parametrize(
    "call", ["importlib.import_module(name)", "import_module(name)", "__import__(name)"]
)
def test_an_import_by_computed_name_is_found(tree, call):
    offence = only(tree({"saving/config.py": f"module = {call}\n"}))
    assert offence.startswith("cornu/saving/config.py:1: a module is imported by a computed name")


def test_a_package_that_is_not_in_the_order_is_found(tree):
    offence = only(tree({"helpers.py": "def help(): ...\n"}))
    assert offence.startswith("cornu/helpers.py:1: helpers is not in the dependency order")


def _dedent(source: str) -> str:
    return "\n".join(line.removeprefix(" " * 8) for line in source.split("\n"))
