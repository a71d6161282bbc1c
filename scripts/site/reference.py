"""The reference: a page for each public name, and one for each module."""

from __future__ import annotations

import functools
import inspect
import itertools
import posixpath
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

import cornu
from scripts.site.docstrings import to_markdown

__all__ = ["Entry", "docstring", "entries", "find", "own_bases", "pages"]

_WIDTH = 88  # columns of a signature
# Modules that repeat the names of others, or that no program imports from.
_SKIPPED = {"cornu.ops.numpy", "cornu.ops.nn", "cornu.ops.core"}


class Entry(NamedTuple):
    """A public name.

    Attributes:
        path: the shortest import path, such as "cornu.layers.Dense".
        aliases: the other paths.
        value: the object.
        page: the path of its page.
    """

    path: str
    aliases: tuple[str, ...]
    value: Any
    page: str

    @property
    def name(self) -> str:
        """The last component of the path."""
        return self.path.rpartition(".")[2]

    @property
    def module(self) -> str:
        """The path of the module."""
        return self.path.rpartition(".")[0]

    @property
    def summary(self) -> str:
        """The first sentence of the docstring."""
        return " ".join(docstring(self.value).split("\n\n")[0].split())


@functools.cache
def entries() -> tuple[Entry, ...]:
    """Returns all public names, sorted by module and name."""
    paths: dict[int, list[str]] = {}
    values: dict[int, Any] = {}
    # cornu.serving requires further packages, so that it is not in cornu.__all__.
    roots = (cornu, "cornu", ()), (cornu.serving, "cornu.serving", (cornu,))
    for path, value in itertools.chain.from_iterable(_walk(*root) for root in roots):
        paths.setdefault(id(value), []).append(path)
        values[id(value)] = value
    found = []
    for key, names in paths.items():
        path, *aliases = sorted(names, key=lambda name: (name.count("."), name))
        found.append((path, tuple(aliases), values[key]))
    found.sort(key=lambda row: (row[0].rpartition(".")[0], row[0].lower(), row[0]))
    taken: set[str] = set()
    result = []
    for path, aliases, value in found:
        page = f"reference/{path.replace('.', '/')}"
        if page.lower() in taken:  # some file systems do not distinguish Huber and huber
            page += "_function"
        taken.add(page.lower())
        result.append(Entry(path, aliases, value, f"{page}.md"))
    return tuple(result)


def pages() -> Iterator[tuple[str, str]]:
    """Yields the paths and the Markdown of all pages."""
    by_module: dict[str, list[Entry]] = {}
    for entry in entries():
        by_module.setdefault(entry.module, []).append(entry)
        yield entry.page, _page(entry)
    for module in [*by_module]:  # cornu.datasets itself has no names
        by_module.setdefault(module.rpartition(".")[0] or module, [])
    for module, members in by_module.items():
        inner = sorted(name for name in by_module if name.rpartition(".")[0] == module)
        yield _module_page(module), _list_module(module, inner, members)
    lines = _list_modules(sorted(by_module), "reference")
    yield (
        "reference/index.md",
        "\n".join(["# Reference", "", "All public names, by module.", "", *lines]),
    )


def _walk(module: ModuleType, path: str, around: tuple[ModuleType, ...]) -> Iterator[Any]:
    for name in module.__all__:
        value = getattr(module, name)
        inner = f"{path}.{name}"
        if not isinstance(value, ModuleType):
            if not name.startswith("__") and (callable(value) or inspect.isclass(value)):
                yield inner, value
        elif value.__name__.startswith("cornu") and value not in around and inner not in _SKIPPED:
            if hasattr(value, "__all__"):
                yield from _walk(value, inner, (*around, module))


def _module_page(module: str) -> str:
    return f"reference/{module.replace('.', '/')}/index.md"


def _module_summary(module: str) -> str:
    value = functools.reduce(getattr, module.split(".")[1:], cornu)
    return " ".join((inspect.getdoc(value) or "").split("\n\n")[0].split())


def _list_modules(modules: list[str], folder: str) -> list[str]:
    return [
        f"- [`{name}`]({posixpath.relpath(_module_page(name), folder)}): {_module_summary(name)}"
        for name in modules
    ]


def _list_module(module: str, inner: list[str], members: list[Entry]) -> str:
    """Returns the page of a module: its modules, its classes and its functions."""
    lines = [f"# {module}", "", _module_summary(module), ""]
    if inner:
        modules = _list_modules(inner, posixpath.dirname(_module_page(module)))
        lines += ["## Modules", "", *modules, ""]
    for title, classes in (("Classes", True), ("Functions", False)):
        rows = [entry for entry in members if inspect.isclass(entry.value) is classes]
        if rows:
            lines += [f"## {title}", ""]
        for entry in rows:
            address = posixpath.relpath(entry.page, posixpath.dirname(_module_page(module)))
            summary = to_markdown(entry.summary, lambda name: None).strip()
            lines.append(f"- [`{entry.name}`]({address}): {summary}")
        lines.append("")
    return "\n".join(lines)


def _page(entry: Entry) -> str:
    def link(name: str) -> str | None:
        other = find(name, entry)
        return other and posixpath.relpath(other.page, posixpath.dirname(entry.page))

    value = entry.value
    first, _, rest = docstring(value).partition("\n\n")
    lines = [f"# {entry.name}", "", to_markdown(first, link)]
    lines += [f"```python\n{_signature(entry.path, value)}\n```", "", to_markdown(rest, link)]
    if inspect.isclass(value):
        lines += _methods(entry, link)
    if entry.aliases:
        lines += ["**Also available as**", ""]
        lines += [f"- `{alias}`" for alias in entry.aliases]
    return "\n".join(lines) + "\n"


def _methods(entry: Entry, link: Any) -> list[str]:
    """Returns the methods of a class that no other page describes, and where the others are."""
    own: dict[str, Any] = {}
    for base in own_bases(entry.value):
        for name, member in vars(base).items():
            public = not name.startswith("_") and not inspect.isclass(member)
            if public and docstring(member):
                own.setdefault(name, member)
    inherited = [
        f"[`{other.name}`]({posixpath.relpath(other.page, posixpath.dirname(entry.page))})"
        for base in entry.value.__mro__[1:]
        if (other := _classes().get(base)) is not None
    ]
    lines = []
    for name, member in sorted(own.items()):
        if not lines:
            lines += ["## Members", ""]
        if isinstance(member, (property, functools.cached_property)):
            lines += [f"### {name}", "", to_markdown(docstring(member), link)]
            continue
        function = getattr(entry.value, name)
        lines += [f"### {name}", "", f"```python\n{_signature(name, function)}\n```", ""]
        lines.append(to_markdown(docstring(member), link))
    if inherited:
        lines += [f"Other members are those of {', '.join(inherited)}.", ""]
    return lines


@functools.cache
def _classes() -> dict[type, Entry]:
    return {entry.value: entry for entry in entries() if inspect.isclass(entry.value)}


def own_bases(value: type) -> list[type]:
    """Returns a class, and those of its bases whose members no page of a base describes."""
    public = [base for base in value.__mro__[1:] if base in _classes()]
    described = {base for other in public for base in other.__mro__}
    bases = [base for base in value.__mro__[1:] if base.__module__.startswith("cornu")]
    return [value, *(base for base in bases if base not in described)]


def docstring(value: Any) -> str:
    """Returns the docstring that was written for an object, not that of its class; "" if none."""
    if isinstance(value, (staticmethod, classmethod)):
        value = value.__func__
    if isinstance(value, functools.cached_property):
        value = value.func
    if not (callable(value) or isinstance(value, property)):
        return ""
    text = value.__doc__
    inherited = not inspect.isclass(value) and text == type(value).__doc__
    return inspect.cleandoc(text) if text and not inherited else ""


def _signature(name: str, value: Any) -> str:
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return name
    parameters = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in signature.parameters.values()
        if parameter.name != "self"
    ]
    shown = signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty)
    text = re.sub(r"<(?:function|class|object)? ?'?([\w.]+)'?[^>]*>", r"\1", str(shown))
    if len(name) + len(text) <= _WIDTH:
        return f"{name}{text}"
    inner = [str(p) for p in _with_separators(parameters)]
    inner = [re.sub(r"<(?:function|class|object)? ?'?([\w.]+)'?[^>]*>", r"\1", p) for p in inner]
    return f"{name}(\n" + "".join(f"    {p},\n" for p in inner) + ")"


def _with_separators(parameters: list[inspect.Parameter]) -> Iterator[Any]:
    """Yields parameters, and "/" and "*" between their kinds."""
    before = None
    for parameter in parameters:
        if before == inspect.Parameter.POSITIONAL_ONLY != parameter.kind:
            yield "/"
        keyword_only = parameter.kind == inspect.Parameter.KEYWORD_ONLY
        if keyword_only and before not in (parameter.kind, inspect.Parameter.VAR_POSITIONAL):
            yield "*"
        yield parameter
        before = parameter.kind


@functools.cache
def _by_name() -> dict[str, Entry | None]:
    """Returns the names that a docstring may refer to; None where several entries have one."""
    found: dict[str, Entry | None] = {}
    for entry in entries():
        for path in (entry.path, *entry.aliases):
            parts = path.split(".")
            for start in range(len(parts)):
                short = ".".join(parts[start:])
                if start == len(parts) - 1 and not inspect.isclass(entry.value):
                    continue  # names such as `sum` and `name` have other meanings
                found[short] = entry if found.get(short, entry) is entry else None
    return found


def find(name: str, around: Entry) -> Entry | None:
    """Returns the entry of a name in the docstring of another; None if it is not the only one."""
    found = _by_name().get(re.sub(r"\(.*\)$", "", name))
    return None if found is around else found
