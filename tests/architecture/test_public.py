"""`__all__` lists exactly the public names that can be imported from a package."""

import ast
import importlib
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

from tests.architecture.dependency_order import Source, read

ROOT = Path(__file__).parents[2] / "cornu"


def test_all_lists_are_true():
    complaints = []
    for name, source in read(ROOT).items():
        if _names_all(source):
            complaints += _complaints(name, source)
        elif source.is_package and source.tree.body[1:]:
            complaints.append(f"{source.shown}: has no __all__. List what users may import.")
    assert not complaints, "\n" + "\n".join(complaints)


def _complaints(name: str, source: Source) -> list[str]:
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        return [f"{source.shown}: cannot be imported. {error}"]
    return [f"{source.shown}: {text}" for text in complain(module, source)]


def complain(module: ModuleType, source: Source) -> list[str]:
    """Where the list and the module differ. A package must also list all that it gathered."""
    listed = Counter(module.__all__)
    missing = [name for name in listed if not _has(module, name)]
    twice = [name for name, count in listed.items() if count > 1]
    unlisted = [name for name in _gathered(module) if name not in listed]
    return [
        *(f"__all__ lists {name}, which it has not. Import it or strike it." for name in missing),
        *(f"__all__ lists {name} twice." for name in twice),
        *(
            f"{name} is importable, but not in __all__. List it, or give it an underscore."
            for name in (unlisted if source.is_package else [])
        ),
    ]


def _has(module: ModuleType, name: str) -> bool:
    try:
        return hasattr(module, name)
    except ImportError:  # from a module-level __getattr__ that loads late
        return False


def _gathered(module: ModuleType) -> list[str]:
    """The library's own functions and classes that a module holds under a public name."""
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and isinstance(value, type | type(complain))
        and value.__module__.partition(".")[0] == module.__name__.partition(".")[0]
    ]


def _names_all(source: Source) -> bool:
    return any(
        isinstance(node, ast.Name) and node.id == "__all__" and isinstance(node.ctx, ast.Store)
        for node in ast.walk(source.tree)
    )


def _complaints_about(tmp_path: Path, monkeypatch, text: str) -> list[str]:
    path = tmp_path / "shop" / "__init__.py"
    path.parent.mkdir()
    path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "shop", raising=False)
    return complain(importlib.import_module("shop"), Source("shop", path, path.parent))


def test_a_correct_list_has_no_errors(tmp_path, monkeypatch):
    text = "from json import dumps\n__all__ = ['f']\ndef f(): ...\ndef _g(): ...\nlimit = 3\n"
    assert _complaints_about(tmp_path, monkeypatch, text) == []


def test_each_inconsistency_is_found(tmp_path, monkeypatch):
    text = "__all__ = ['f', 'f', 'gone']\ndef f(): ...\nclass Extra: ...\n"
    assert _complaints_about(tmp_path, monkeypatch, text) == [
        "__all__ lists gone, which it has not. Import it or strike it.",
        "__all__ lists f twice.",
        "Extra is importable, but not in __all__. List it, or give it an underscore.",
    ]
