"""The library keeps to its house plan, and the checker that says so sees each offence."""

from pathlib import Path

import pytest

from tests.architecture.floors import check

ROOT = Path(__file__).parents[2] / "cornu"


def test_cornu_keeps_to_the_house_plan():
    offences = check(ROOT)
    assert not offences, "\n\n" + "\n\n".join(offences)


@pytest.fixture
def house(tmp_path):
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
    "activations.py": "from cornu.parts.activations import relu\n__all__ = ['relu']\n",
    "layers/merge.py": "from ..parts import activations\nfrom cornu.layers import core\n",
    "layers/core.py": "from cornu.core.variable import Variable\n",
    "saving/weights.py": "def read(path):\n    import h5py\n    from safetensors import numpy\n",
    "export/stablehlo.py": "def export(model):\n    from jax import export\n",
    "models/model.py": "import cornu.layers.merge\n",
    "cli.py": "import importlib\nimportlib.import_module('cornu.dialects.keras1')\n",
}


def test_a_clean_house_has_no_offence(house):
    assert house({name: _dedent(source) for name, source in CLEAN.items()}) == []


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
def test_an_upward_import_is_found(house, statement):
    files = {"models/__init__.py": "", "models/model.py": "", "layers/conv.py": f"\n{statement}\n"}
    offence = only(house(files))
    line = 2 + statement.count("\n")
    assert offence.startswith(f"cornu/layers/conv.py:{line}: cornu.layers.conv (floor 4) imports ")
    assert "(floor 7), which is upward. Move what both need" in offence


def test_the_root_is_above_everything(house):
    offence = only(house({"layers/core.py": "from cornu import Variable\n"}))
    assert "imports cornu (floor 10), which is upward" in offence


def test_an_upward_import_in_an_init_is_found(house):
    offence = only(house({"ops/__init__.py": "from ..layers import conv\n", "layers/conv.py": ""}))
    assert offence.startswith("cornu/ops/__init__.py:1: cornu.ops (floor 2) imports ")


def test_nothing_leans_on_a_facade(house):
    files = {
        "parts/activations.py": "def relu(x): ...\n",
        "activations.py": "from cornu.parts.activations import relu\n",
        "layers/core.py": "from cornu.activations import relu\n",
    }
    assert "imports cornu.activations (floor 8), which is upward" in only(house(files))


def test_nothing_imports_a_dialect(house):
    files = {"dialects/keras1/__init__.py": "", "export/onnx.py": "import cornu.dialects.keras1\n"}
    assert "imports cornu.dialects.keras1 (floor 9), which is upward" in only(house(files))


@pytest.mark.parametrize("sibling", ["losses", "optimizers", "data", "layers"])
def test_a_sideways_import_between_siblings_is_found(house, sibling):
    files = {f"{sibling}/core.py": "", "metrics/mean.py": f"from cornu.{sibling} import core\n"}
    offence = only(house(files))
    assert offence.startswith("cornu/metrics/mean.py:1: ")
    assert "a sibling. The rooms on floor 4 do not know each other" in offence


def test_rooms_on_other_floors_may_be_neighbours(house):
    assert (
        house({"training/loop.py": "from cornu.saving import config\n", "saving/config.py": ""})
        == []
    )


def test_a_circle_is_found_once_with_its_lines(house):
    files = {
        "core/a.py": "\nfrom cornu.core import b\n",
        "core/b.py": "from .c import name\n",
        "core/c.py": "import cornu.core.a\n",
    }
    offence = only(house(files))
    assert "modules import each other in a circle" in offence
    for step in (
        "cornu.core.a imports cornu.core.b (cornu/core/a.py:2)",
        "cornu.core.b imports cornu.core.c (cornu/core/b.py:1)",
        "cornu.core.c imports cornu.core.a (cornu/core/c.py:1)",
    ):
        assert step in offence


def test_a_circle_through_the_own_package_is_found(house):
    files = {"core/__init__.py": "from .a import A\n", "core/a.py": "from cornu.core import B\n"}
    assert "from the module that defines it rather than from its package" in only(house(files))


def test_a_circle_between_packages_is_found(house):
    # saving.config imports nothing, but to import it runs saving/__init__.py first.
    files = {
        "training/__init__.py": "from cornu.training.loop import fit\n",
        "training/loop.py": "from cornu.saving import config\n",
        "training/state.py": "",
        "saving/__init__.py": "from cornu.saving.archive import save\n",
        "saving/archive.py": "from cornu.training import state\n",
        "saving/config.py": "",
    }
    assert "in a circle" in only(house(files))


def test_two_circles_are_two_offences(house):
    files = {
        "core/a.py": "from . import b\n",
        "core/b.py": "from . import a\n",
        "ops/a.py": "from . import b\n",
        "ops/b.py": "from . import a\n",
    }
    assert len(house(files)) == 2


@pytest.mark.parametrize(
    "body", ["import json", "from cornu.core import b", "if 1:\n        import re"]
)
def test_a_hidden_import_is_found(house, body):
    for head in ("def f():", "async def f():"):
        offence = only(house({"core/a.py": f"{head}\n    {body}\n", "core/b.py": ""}))
        assert offence.startswith(f"cornu/core/a.py:{2 + body.count(chr(10))}: the import of ")
        assert "is hidden in a function. Move it to the top of the file" in offence


def test_a_hidden_import_in_a_method_is_found(house):
    files = {"core/a.py": "class A:\n    def f(self):\n        import json\n"}
    assert only(house(files)).startswith("cornu/core/a.py:3: the import of json is hidden")


def test_an_optional_package_is_told_by_whole_words(house):
    assert "richer is hidden" in only(house({"core/a.py": "def f():\n    import richer\n"}))


@pytest.mark.parametrize(
    "call", ["importlib.import_module(name)", "import_module(name)", "__import__(name)"]
)
def test_an_import_by_computed_name_is_found(house, call):
    offence = only(house({"saving/config.py": f"module = {call}\n"}))
    assert offence.startswith("cornu/saving/config.py:1: a module is imported by a computed name")


def test_a_room_that_is_not_on_the_plan_is_found(house):
    offence = only(house({"helpers.py": "def help(): ...\n"}))
    assert offence.startswith("cornu/helpers.py:1: the room helpers is not on the house plan")


def _dedent(source: str) -> str:
    return "\n".join(line.removeprefix(" " * 8) for line in source.split("\n"))
