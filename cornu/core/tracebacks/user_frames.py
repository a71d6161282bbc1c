"""The stack frames of the user's program: their source locations and display names.

A frame belongs to the user's program unless its file belongs to cornu, JAX, the standard library
or another package of `_INFRASTRUCTURE`.
"""

from __future__ import annotations

import inspect
import os
import sys
import sysconfig
from types import CodeType, FrameType

__all__ = [
    "display_name",
    "format_location",
    "is_installed_code",
    "is_top_level",
    "is_user_code",
    "rename",
    "user_location",
    "user_position",
    "user_stacklevel",
]

_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep
# Code of the package that is written like a user's program: its functions are blocks of a model.
_EXAMPLES = tuple(_PACKAGE + part for part in ("applications", "demo"))
_STDLIB = sysconfig.get_path("stdlib") + os.sep
_SITE = tuple({sysconfig.get_path(kind) + os.sep for kind in ("purelib", "platlib")})

# Installed packages whose frames appear between those of the user. All other installed packages
# count as the user's program: they may define models and layers.
_INFRASTRUCTURE = (
    "jax",
    "numpy",
    "h5py",
    "safetensors",
    "_pytest",
    "pluggy",
    "IPython",
    "ipykernel",
)

# Nested functions often have one of these names, which says nothing in a summary: the name of the
# outer function is used instead.
_GENERIC = frozenset(
    "f fn func function g inner block layer wrapper wrapped apply call build decorator "
    "_f <lambda> __call__ __init__".split()
)
_TRANSPARENT = frozenset(("<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>"))

_assigned_names: dict[CodeType, str] = {}
# The cache matters: building a graph looks up every frame of the stack once per node.
_names: dict[CodeType, str | None] = {}


def display_name(code: CodeType) -> str | None:
    """Returns the name of a function as a block; '' if it is not a block of its own.

    Returns None for code that does not belong to the user's program.
    """
    if code not in _names:
        _names[code] = _find_name(code)
    return _names[code]


def rename(code: CodeType, name: str) -> None:
    """Sets the name of a function as a block."""
    _assigned_names[code] = name
    _names.pop(code, None)


def user_location() -> str:
    """Returns the innermost functions of the user on the stack, and the current `file:line`.

    The result reads `in build > stem (at train.py:12)`, or `(at train.py:12)` at the top level.

    Example:

    >>> user_location().endswith(":1)")
    True
    """
    location = ""
    names: list[str] = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and len(names) < 3:
        code = frame.f_code
        name = display_name(code)
        if name is not None:
            location = location or format_location(code, frame.f_lineno)
            if name:
                names.append(name)
            elif is_top_level(code):
                break
        frame = frame.f_back
    functions = f"in {' > '.join(reversed(names))} " if names else ""
    return f"{functions}(at {location})"


def is_user_code(code: CodeType) -> bool:
    """Tells whether code belongs to the user's program, not to cornu, JAX or Python."""
    return display_name(code) is not None


def is_installed_code(code: CodeType) -> bool:
    """Tells whether code belongs to cornu, Python or any installed package, not to the program."""
    installed = (_PACKAGE, _STDLIB, "<frozen", *_SITE)
    return code.co_filename.startswith(installed) and not code.co_filename.startswith(_EXAMPLES)


def is_top_level(code: CodeType) -> bool:
    """Tells whether code is that of a program, module or notebook cell."""
    return code.co_name == "<module>" or code.co_name.startswith("<cell")


def user_position() -> tuple[str, int]:
    """Returns the file and the line of the user's program that is being executed.

    For warnings that come later, about an argument that stands at this line.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and not is_user_code(frame.f_code):
        frame = frame.f_back
    return ("", 0) if frame is None else (frame.f_code.co_filename, frame.f_lineno)


def user_stacklevel() -> int:
    """Returns the `stacklevel` with which a warning points at the user's line.

    Example:

    >>> user_stacklevel()
    1
    """
    level = 1
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and not is_user_code(frame.f_code):
        level += 1
        frame = frame.f_back
    return level


def format_location(code: CodeType, line: int | None = None) -> str:
    """Returns the `file:line` of a line of some code, by default of its first line."""
    return f"{_shorten(code.co_filename)}:{code.co_firstlineno if line is None else line}"


_short_paths: dict[str, str] = {}


def _shorten(file: str) -> str:
    """Returns a path relative to the working directory if below it, or the name of a cell."""
    if file not in _short_paths:
        here = os.getcwd() + os.sep
        _short_paths[file] = _cell_name(file) or file.removeprefix(here)
    return _short_paths[file]


def _cell_name(file: str) -> str:
    """Returns the name of a notebook cell, such as "Cell In[3]"; '' if the file is not a cell."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    label = None if shell is None else shell.compile.format_code_name(file)
    return " ".join(label) if label else ""


def _is_wrapper(code: CodeType) -> bool:
    """Tells whether a function is the wrapper of a decorator (`*args, **kwargs` only)."""
    variadic = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS
    return (
        "<locals>" in code.co_qualname
        and code.co_flags & variadic == variadic
        and not code.co_argcount
    )


def _find_name(code: CodeType) -> str | None:
    file = code.co_filename
    if file.startswith(_PACKAGE) and not file.startswith(_EXAMPLES):
        return None
    # Without a virtual environment, site-packages lies inside the folder of the standard library.
    if file.startswith((_STDLIB, "<frozen")) and not file.startswith(_SITE):
        return None
    if file.startswith(_folders(_INFRASTRUCTURE)):
        return None
    if code in _assigned_names:
        return _assigned_names[code]
    if code.co_name in _TRANSPARENT or is_top_level(code) or _is_wrapper(code):
        return ""
    parts = [part for part in code.co_qualname.split(".") if part != "<locals>"]
    while len(parts) > 1 and parts[-1] in _GENERIC:
        parts.pop()
    return parts[-1].strip("_<>") or "block"


def _folders(packages: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the folders of the packages that are imported; the others have no frames."""
    modules = (sys.modules.get(package) for package in packages)
    files = (module.__file__ for module in modules if module is not None)
    return tuple(os.path.dirname(file) + os.sep for file in files if file)
