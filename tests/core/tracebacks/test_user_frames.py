"""Finding the user's frame, and its name."""

import sys
import types

from cornu.core.tracebacks import user_frames


def test_cells_of_notebooks_have_their_names(monkeypatch):
    compiler = types.SimpleNamespace(
        format_code_name=lambda name: ("Cell", "In[3]") if "ipykernel" in name else None
    )
    shell = types.SimpleNamespace(compile=compiler)
    fake = types.ModuleType("IPython")
    fake.get_ipython = lambda: shell
    fake.__file__ = "/packages/IPython/__init__.py"
    monkeypatch.setitem(sys.modules, "IPython", fake)
    code = compile("x = 1", "/tmp/ipykernel_1/99.py", "exec")
    assert user_frames.format_location(code, 7) == "Cell In[3]:7"
    assert user_frames.is_user_code(code) and user_frames.display_name(code) == ""
    inner = compile("def run_code(): pass", "/packages/IPython/core.py", "exec").co_consts[0]
    assert not user_frames.is_user_code(inner)


def test_module_frames_are_not_named():
    names = {}
    program = "def f():\n    return user_location()\n"
    exec(compile(program, "<cell>", "exec"), {**vars(user_frames)}, names)
    assert "f (at <cell>:2)" in names["f"]()
    space = {"inside": user_frames.user_location}
    exec(compile("said = inside()", "<cell>", "exec"), space)
    assert space["said"] == "(at <cell>:1)"


def test_levels_of_warnings():
    assert user_frames.user_stacklevel() == 1
