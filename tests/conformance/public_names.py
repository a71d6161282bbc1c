"""Every public name of Keras, and whether cornu's is the same, differs, or is absent.

Differences come from three places and are written nowhere else: the sections *Differences*, *Fixes*
and *Extensions* of docstrings, the comparison of signatures and members, and the reasons below for
names and members that do not exist.
"""

from __future__ import annotations

import fnmatch
import functools
import inspect
import operator
import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, NamedTuple

import keras

import cornu
from tests.conformance import test_signatures

PLANNED = "planned"

# Pattern of a name of Keras that cornu does not have -> why.
ABSENT = {
    "visualization.*": PLANNED,
    "layers.TorchModuleWrapper": "wraps a module of PyTorch, which JAX cannot compile",
    "legacy.*": "kept by Keras for files of Keras 2",
    "optimizers.legacy.*": "in Keras, these classes only raise an error",
}

# Members of classes that cornu does not have -> why.
MEMBERS = {
    **{
        f"layers.{name}.variable_serialization_spec": "read by the code of Keras for files only"
        for name in ("Dense", "EinsumDense", "Embedding", "ReversibleEmbedding")
    },
    "callbacks.TensorBoard.summary": "a module of TensorFlow, which is not used",
}

# Classes that users derive from. What differs in them holds for all of their subclasses, and is
# not repeated there.
BASES = (
    *("Layer", "Model", "Loss", "Metric", "Optimizer", "callbacks.Callback", "Initializer"),
    *("Regularizer", "constraints.Constraint", "optimizers.schedules.LearningRateSchedule"),
    *("metrics.MeanMetricWrapper", "layers.Wrapper"),
)

# A paragraph of a docstring that begins with the name of its section.
_SECTION = re.compile(
    r"^(Differences|Fixes|Extensions): (.*?)(?=\n\n|\Z)", re.MULTILINE | re.DOTALL
)

_NAME = re.compile(r"Keras\b|[a-z]+\d")


class Difference(NamedTuple):
    """A difference from Keras.

    Attributes:
        text: what differs.
        section: of the docstring: "Differences"; "Fixes" if Keras is wrong; or "Extensions" if it
            concerns only what Keras does not have or refuses.
    """

    text: str
    section: str = "Differences"

    @property
    def fixes(self) -> bool:
        """Whether cornu is right where Keras is not."""
        return self.section == "Fixes"


class PublicName(NamedTuple):
    """A public name of Keras.

    Attributes:
        path: the name below `keras`, such as "layers.Dense".
        alias_of: the path of the same object that comes first, or None.
        theirs, ours: the objects; `ours` is None if cornu does not have the name.
        differences: from Keras, empty if cornu's object is the same.
    """

    path: str
    alias_of: str | None
    theirs: Any
    ours: Any
    differences: tuple[Difference, ...]

    @property
    def status(self) -> str:
        """ "same", "extended", "differs" or "absent"."""
        if self.ours is None:
            return "absent"
        if any(d.section == "Differences" for d in self.differences):
            return "differs"
        return "extended" if self.differences else "same"

    @property
    def module(self) -> str:
        """The path of the module of Keras, "" for `keras` itself."""
        return self.path.rpartition(".")[0]


@functools.cache
def public_names() -> tuple[PublicName, ...]:
    """Returns every public name of Keras, aliases included, sorted by module."""
    found = list(_walk(keras, cornu, ""))
    first: dict[int, str] = {}
    paths: dict[int, list[str]] = {}
    for path, theirs, _ in sorted(found, key=lambda row: (_rank(*row[:2]), row[0])):
        first.setdefault(id(theirs), path)
        paths.setdefault(id(theirs), []).append(path)
    names = []
    for path, theirs, ours in found:
        alias = first[id(theirs)]
        texts = () if ours is None else _differences(tuple(paths[id(theirs)]), theirs, ours)
        names.append(PublicName(path, None if alias == path else alias, theirs, ours, texts))
    return tuple(sorted(names, key=lambda name: (name.module, name.path)))


def reason(path: str) -> str | None:
    """Returns why cornu does not have a name."""
    return next(
        (why for pattern, why in ABSENT.items() if fnmatch.fnmatchcase(path, pattern)), None
    )


def find_fixes(path: str) -> list[str]:
    """Returns what a name of Keras, or a method of a class, says about faults of Keras.

    The texts of a class are without those of its methods.
    """
    found = {name.path: name for name in public_names()}
    name, member = (path, "") if path in found else path.rsplit(".", 1)
    texts = [d.text for d in found[name].differences if d.fixes]
    prefix = re.compile(rf"`{member}`: " if member else r"(?!`\w+`: )")
    return [text for text in texts if prefix.match(text)]


def sections(docstring: str | None) -> Iterator[Difference]:
    """Yields what the sections of a docstring say about Keras."""
    for section, text in _SECTION.findall(inspect.cleandoc(docstring or "")):
        text = " ".join(text.split())
        if not text.startswith("not in Keras") and text != "Keras has no such function.":
            yield Difference(_recase(text, str.upper), section)


def _recase(text: str, convert: Callable[[str], str]) -> str:
    """Converts the first letter, unless the text begins with a name."""
    return text if _NAME.match(text) else convert(text[0]) + text[1:]


def _walk(theirs: ModuleType, ours: Any, prefix: str) -> Iterator[tuple[str, Any, Any]]:
    for name in sorted(dir(theirs)):
        if name.startswith("_") or name == "src":
            continue
        value = getattr(theirs, name)
        found = None if ours is None else test_signatures.find(ours, name)
        if not isinstance(value, ModuleType):
            yield prefix + name, value, found
        elif value.__name__.startswith("keras."):
            yield from _walk(value, found, f"{prefix}{name}.")


def _rank(path: str, theirs: Any) -> tuple[bool, bool, int]:
    """Orders paths of one object: its own name in the module of its kind comes first."""
    old = path.startswith(("preprocessing", "mixed_precision", "backend", "legacy", "models"))
    alias = path.rpartition(".")[2] != getattr(theirs, "__name__", "")
    return old or "." not in path, alias, path.count(".")


@functools.cache
def _signature_rows() -> tuple[tuple[str, str], ...]:
    """Returns pairs of a path and how its signature differs, with the reason."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for path, text in test_signatures.found():
        for pattern in test_signatures.excuses(path, text):
            why = test_signatures.EXCEPTIONS[pattern][1]
            if why not in test_signatures.WITHOUT_EFFECT:
                grouped.setdefault((path, why), []).append(text)
    return tuple((path, f"{', '.join(texts)} ({why})") for (path, why), texts in grouped.items())


@functools.cache
def _differences(paths: tuple[str, ...], theirs: Any, ours: Any) -> tuple[Difference, ...]:
    found: list[Difference] = []
    if isinstance(ours, type):
        bases = {operator.attrgetter(path)(cornu) for path in BASES}
        for cls in ours.__mro__:
            if cls is not ours and cls in bases:
                break
            if cls.__module__.startswith("cornu."):
                found += _of_class(cls, theirs)
    else:
        found += sections(getattr(ours, "__doc__", None))
    for path, text in _signature_rows():
        for own in paths:
            if path in (own, f"{own}()"):
                found.append(Difference(f"{text[0].upper()}{text[1:]}"))
            elif path.startswith(f"{own}."):
                found.append(Difference(f"`{path.removeprefix(own + '.')}`: {text}"))
    missing: dict[str, list[str]] = {}
    for name in _missing_members(theirs, ours):
        missing.setdefault(MEMBERS.get(f"{paths[0]}.{name}", PLANNED), []).append(f"`{name}`")
    for why, members in missing.items():
        found.append(Difference(f"Without {', '.join(members)} ({why})"))
    return tuple(dict.fromkeys(found))


def _of_class(cls: type, theirs: Any) -> Iterator[Difference]:
    yield from sections(cls.__doc__)
    for name, member in vars(cls).items():
        if not name.startswith("_") and hasattr(theirs, name):
            docstring = getattr(member, "__doc__", None)
            for text, section in sections(docstring if isinstance(docstring, str) else None):
                yield Difference(f"`{name}`: {_recase(text, str.lower)}", section)


def _missing_members(theirs: Any, ours: Any) -> list[str]:
    """Returns the public methods and properties of a class of Keras that cornu's lacks.

    Those of its public base class are listed there. Parameters of the constructor and what a
    method of cornu assigns count as attributes.
    """
    missing = _not_in_class(theirs, ours)
    return sorted(missing - _attributes(ours)) if missing else []


def instance_attributes() -> dict[str, list[str]]:
    """Returns the properties of classes of Keras that are attributes of instances in cornu."""
    found = {
        name.path: sorted(missing & _attributes(name.ours))
        for name in public_names()
        if not name.alias_of and (missing := _not_in_class(name.theirs, name.ours))
    }
    return {path: names for path, names in found.items() if names}


def _not_in_class(theirs: Any, ours: Any) -> set[str]:
    if not isinstance(theirs, type) or not isinstance(ours, type):
        return set()
    return {
        name
        for cls in theirs.__mro__
        if cls.__module__.startswith("keras.") and (cls is theirs or cls not in _public_classes())
        for name in vars(cls)
        if not name.startswith("_") and not hasattr(ours, name)
    }


def _attributes(ours: type) -> set[str]:
    """Returns the parameters of the constructor of a class, and what its methods assign."""
    own = [cls for cls in ours.__mro__ if cls.__module__.startswith("cornu.")]
    return {
        name
        for cls in own
        for name in (*_assigned(cls), *inspect.signature(cls.__init__).parameters)
    }


@functools.cache
def _assigned(cls: type) -> frozenset[str]:
    return frozenset(re.findall(r"\bself\.(\w+)(?:: [^=\n]+)? = ", inspect.getsource(cls)))


@functools.cache
def _public_classes() -> frozenset[type]:
    return frozenset(x for _, x, _ in _walk(keras, None, "") if isinstance(x, type))
