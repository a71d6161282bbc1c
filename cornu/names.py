"""Automatic names (`dense`, `dense_1`, ...), glob patterns, and how names are shown."""

from __future__ import annotations

import functools
import os
import re
from collections import Counter
from collections.abc import Iterable

__all__ = [
    "auto_name",
    "check_name",
    "count_up",
    "escape_controls",
    "glob",
    "is_glob",
    "is_library_class",
    "is_submodule",
    "make_unique",
    "object_name",
    "printable",
    "public_names",
    "reset",
    "snake_case",
]

_counts: Counter[str] = Counter()

# `str.isprintable` is false for these, though they belong to ordinary words: spaces that do not
# break, the ideographic space, and the joiners of Persian and Indic scripts and of emoji.
_ORDINARY = "\xa0\u202f\u3000\u200c\u200d"
_MAX_WORD = 400  # characters; names in files may have any length
_SHOWN = 200  # characters of a word that is cut
_LONG_WORD = re.compile(rf"\S{{{_MAX_WORD + 1},}}")


# Cached: three regular expressions take longer than the rest of a small layer's constructor.
@functools.lru_cache(maxsize=1024)
def snake_case(name: str) -> str:
    """Converts a class name to snake case.

    Example:

    >>> snake_case("Conv2DTranspose"), snake_case("LSTM")
    ('conv2d_transpose', 'lstm')
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def auto_name(prefix: str) -> str:
    """Returns `prefix` in snake case; from the second call with a numeric suffix.

    The counts are those of the process, as in Keras, and `reset` sets them to zero.
    """
    prefix = snake_case(prefix)
    count = _counts[prefix]
    _counts[prefix] += 1
    return prefix if count == 0 else f"{prefix}_{count}"


def count_up(prefix: str) -> int:
    """Returns how often `prefix` has been counted, which starts with 1, also by `auto_name`."""
    _counts[prefix] += 1
    return _counts[prefix]


def check_name(label: str, name: object, forbidden: str = "") -> None:
    """Raises if a name is not a string, or if it cannot be written to files.

    Args:
        label: what has the name, such as "A layer's name".
        name: the name.
        forbidden: a character that the name must not contain.

    Raises:
        ValueError: it is not a string, contains the forbidden character or a null character, or
            is not Unicode text (it contains half of a surrogate pair).
    """
    if not isinstance(name, str) or forbidden and forbidden in name:
        without = f" without {forbidden!r}" if forbidden else ""
        raise ValueError(f"{label} must be a string{without}. Received: {name!r}")
    if "\0" in name or not name.isascii() and not _is_unicode(name):
        raise ValueError(
            f"{label} must be Unicode text without null characters, so that it can be written to "
            f"files. Received: {name!r}"
        )


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def object_name(obj: object) -> str:
    """Returns the name of a loss or metric in logs that is given as a function or other callable.

    Example:

    >>> object_name(lambda y, p: 0), object_name(object_name)
    ('lambda', 'object_name')
    """
    name = getattr(obj, "name", None) or getattr(obj, "__name__", None) or type(obj).__name__
    return snake_case(str(name))


def escape_controls(text: str, keep: str = "") -> str:
    """Returns a text with its control characters escaped as by `repr`.

    Names may come from files. A terminal would obey control characters, and marks of the direction
    of writing would change the order of what is read.

    Args:
        text: a name, or a text that contains names.
        keep: control characters that the text may contain, such as line ends.

    Example:

    >>> print(escape_controls("a\\x1b[31mred"), escape_controls("\\u202ea"))
    a\\x1b[31mred \\u202ea
    """
    if text.isprintable():
        return text
    keep += _ORDINARY
    escaped = (c for c in set(text) if not c.isprintable() and c not in keep)
    return text.translate({ord(c): repr(c)[1:-1] for c in escaped})


def printable(text: str, keep: str = "") -> str:
    """Returns a text as it is shown to people: control characters escaped, very long words cut.

    Args:
        text: a name, or a text that contains names.
        keep: control characters that the text may contain, such as line ends.

    Example:

    >>> printable("a" * 1000)[-24:]
    'aaa... (1000 characters)'
    """
    text = escape_controls(text, keep)
    return _LONG_WORD.sub(_cut_word, text) if len(text) > _MAX_WORD else text


def _cut_word(match: re.Match[str]) -> str:
    return f"{match[0][:_SHOWN]}... ({len(match[0])} characters)"


def make_unique(name: str, taken: dict[str, int]) -> str:
    """Returns `name`, with a numeric suffix if it is in use, and adds the result to `taken`.

    Args:
        name: the preferred name.
        taken: the names in use, with the last suffix used for each. The search starts from that
            suffix; otherwise, thousands of equal names would take quadratic time.

    Example:

    >>> taken = dict.fromkeys(["add_2"], 0)
    >>> [make_unique("add", taken) for _ in range(4)]
    ['add', 'add_1', 'add_3', 'add_4']
    """
    candidate, number = name, taken.get(name, 0)
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    taken[candidate] = 0
    taken[name] = number
    return candidate


def is_submodule(path: Iterable[str], name: str) -> bool:
    """Tells whether a package has a submodule, from the `__path__` of the package.

    `from package import module` asks the package for the attribute before it imports the module. A
    `__getattr__` that searches for similar names need not do it then.
    """
    files = (os.path.join(folder, name) for folder in path)
    return any(os.path.exists(file) or os.path.exists(f"{file}.py") for file in files)


def is_glob(value: object) -> bool:
    """Tells whether a value is a glob pattern."""
    return isinstance(value, str) and any(sign in value for sign in "*?[")


@functools.lru_cache(maxsize=256)
def glob(pattern: str) -> re.Pattern[str]:
    """Returns the regular expression of a glob pattern for paths such as `encoder/dense/kernel`.

    `*` and `?` match within a name, `**` matches any number of names, and `[ab]` one of several
    characters. A pattern matches a whole path or its last names; a pattern that starts with `/`
    matches whole paths only.

    Example:

    >>> [bool(glob("b*/conv").fullmatch(path)) for path in ("b_1/conv", "a/b/conv", "a/b/conv/x")]
    [True, True, False]
    """
    anchored = pattern.startswith("/")
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[[^]]+\])", pattern.removeprefix("/"))
    signs = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    text = "".join(signs.get(p, p if p.startswith("[") else re.escape(p)) for p in parts)
    # `[!a]` negates a set in glob patterns, `[^a]` in regular expressions.
    return re.compile(("" if anchored else "(?:.*/)?") + text.replace("[!", "[^"))


def public_names(obj: object, names: Iterable[str]) -> list[str]:
    """Returns the attributes of an object without the private ones of the library.

    Private attributes of the user's classes are kept.

    Args:
        obj: an object of a class of the library, or derived from one.
        names: all its attributes.
    """
    if is_library_class(type(obj)):
        return [name for name in names if not name.startswith("_") or name.endswith("__")]
    hidden: set[str] = set()
    for cls in type(obj).__mro__:
        if is_library_class(cls):
            hidden.update(vars(cls))
            hidden.update(cls.__dict__.get("__annotations__", ()))
    return [name for name in names if not _is_private(name, hidden)]


def _is_private(name: str, hidden: set[str]) -> bool:
    if not name.startswith("_") or (name.startswith("__") and name.endswith("__")):
        return False
    # Members of the library that subclasses do not see have names like `_trainer_`.
    return name in hidden or name.endswith("_")


def reset() -> None:
    """Resets the counts of automatic names."""
    _counts.clear()


def is_library_class(cls: type) -> bool:
    """Tells whether a class is defined in cornu, and not in the user's program."""
    return is_library_module(cls.__module__)


def is_library_module(name: str) -> bool:
    """Tells whether a module is one of cornu."""
    return name.partition(".")[0] == "cornu"
