"""Writes the imports of a rewritten program, and inserts the helpers that it uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import libcst as cst

from cornu.modernize.context import COMMENT, Context
from cornu.modernize.expressions import code_of
from cornu.modernize.helpers import HELPERS
from cornu.modernize.layout import drop_placeholders, placeholder
from cornu.modernize.names import find_today
from cornu.modernize.scope import Path, below_keras, dotted_name

__all__ = ["write_imports"]

_WIDTH = 100
_ORDINARY = (cst.Import, cst.ImportFrom)


def write_imports(
    original: cst.Module, changed: cst.Module, context: Context, package: str
) -> cst.Module:
    """Returns a program with the imports that it needs.

    Args:
        original: the program before all changes.
        changed: the program with rewritten expressions.
        context: the state of the rewriting.
        package: what it imports: "keras" or "cornu".
    """
    used_before, used = _used_names(original), _used_names(changed)
    used |= context.references.helpers.keys() and _names_in_helpers(context)
    plan = _Plan(context, package, used, used_before)
    changed.visit(_Reader(plan))
    plan.allocate()
    written = changed.visit(_Writer(plan))
    if not plan.lines and plan.rest():
        written = _insert(written, plan.rest())
    texts = [HELPERS[name] for name in context.references.helpers]
    return _insert_helpers(written, texts)


def _names_in_helpers(context: Context) -> set[str]:
    return {"keras"} if context.references.needs_root else set()


class _Names(cst.CSTVisitor):
    """Collects the names that expressions use."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def visit_Import(self, node: cst.Import) -> bool:
        return False

    def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:
        return False

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        node.value.visit(self)
        return False

    def visit_Arg(self, node: cst.Arg) -> bool:
        node.value.visit(self)
        return False

    def visit_Name(self, node: cst.Name) -> None:
        self.found.add(node.value)


def _used_names(module: cst.Module) -> set[str]:
    names = _Names()
    module.visit(names)
    return names.found


@dataclass
class _Line:
    """What one import statement becomes.

    Attributes:
        groups: for each module below `keras` the names, with their new names or None.
        roots: lines such as `import keras`.
        is_changed: whether the statement changes.
        is_top: whether it is at the top level of the program.
        modules: the modules from which the statement imports, or imported.
        comments: the comments before it.
    """

    groups: dict[str, dict[str, str | None]] = field(default_factory=dict)
    roots: list[str] = field(default_factory=list)
    is_changed: bool = False
    is_top: bool = True
    modules: dict[str, None] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)


def _merge_groups(lines: Sequence[_Line]) -> None:
    """Joins the names that several changed statements import from the same module."""
    for i, line in enumerate(lines):
        for module in list(line.groups):
            first = next((one for one in lines[:i] if one.groups.get(module)), None)
            if line.is_changed and first is not None and not line.comments:
                first.groups[module] |= line.groups.pop(module)
                first.is_changed = True


class _Plan:
    """Decides what each import statement becomes."""

    def __init__(
        self, context: Context, package: str, used: set[str], used_before: set[str]
    ) -> None:
        self.context = context
        self.package = package
        self.lines: dict[int, _Line] = {}
        self._used = used
        self._used_before = used_before
        self._has_root = False

    def add(self, statement: cst.SimpleStatementLine, is_top: bool) -> None:
        """Reads a statement with one import."""
        small = statement.body[0]
        if len(statement.body) != 1 or not isinstance(small, _ORDINARY):
            return
        line = _Line(is_top=is_top)
        known = (
            self._add_import(small, line)
            if isinstance(small, cst.Import)
            else self._add_from(small, line)
        )
        if known:
            self.lines[id(statement)] = line

    def _add_import(self, node: cst.Import, line: _Line) -> bool:
        if len(node.names) != 1:
            return False
        alias = node.names[0]
        name = dotted_name(alias.name) or ""
        asname = None if alias.asname is None else code_of(alias.asname.name)
        if name == "tensorflow":
            bound = asname or "tensorflow"
            line.is_changed = bound not in self._used and bound in self._used_before
            line.roots = [] if line.is_changed else [code_of(node)]
            return line.is_changed
        below = below_keras(name)
        if below is None:
            return False
        bound = asname or name.partition(".")[0]
        if asname is None:
            self._has_root = True
            line.roots.append(self._root())
            line.is_changed = name != "keras" or self.package != "keras"
            return True
        today = find_today(below.name) if below.name else ""
        if bound not in self._used and (today is None or bound in self._used_before):
            line.is_changed = True
            return True
        path = today if today is not None else below.name
        line.roots.append(f"import {self.package}.{path} as {bound}".replace(". as", " as"))
        line.is_changed = today != below.name or below.is_tensorflow or self.package != "keras"
        return True

    def _root(self) -> str:
        return "import keras" if self.package == "keras" else f"import {self.package} as keras"

    def _add_from(self, node: cst.ImportFrom, line: _Line) -> bool:
        if node.relative or isinstance(node.names, cst.ImportStar) or node.module is None:
            return False
        module = dotted_name(node.module) or ""
        below = below_keras(module)
        if module == "tensorflow":
            names = [dotted_name(alias.name) for alias in node.names]
            if names != ["keras"]:
                return False
            self._has_root = True
            line.roots.append(self._root())
            line.is_changed = True
            return True
        if below is None:
            return False
        for alias in node.names:
            self._add_alias(alias, below, line)
        same = list(line.groups) == [below.name] and len(line.groups[below.name]) == len(node.names)
        line.is_changed |= not same or below.is_tensorflow or self.package != "keras"
        return True

    def _add_alias(self, alias: cst.ImportAlias, below: Path, line: _Line) -> None:
        name = dotted_name(alias.name) or ""
        bound = name if alias.asname is None else code_of(alias.asname.name)
        path = below.child(name)
        today = find_today(path.name)
        is_used = bound in self._used
        if today is None and is_used:
            line.groups.setdefault(below.name, {})[name] = None if bound == name else bound
            line.comments.append(self.context.mark_import(alias, path.name))
            return
        parent, _, last = (today or below.name).rpartition(".")
        line.modules[parent] = None
        if today is None or (not is_used and bound in self._used_before):
            line.is_changed = True
            return
        line.groups.setdefault(parent, {})[last] = None if bound == last else bound
        line.is_changed |= last != name

    def allocate(self) -> None:
        """Adds the names that the new program needs to the statements."""
        references = self.context.references
        top = [line for line in self.lines.values() if line.is_top]
        if not top:
            return
        for module, names in references.names.items():
            for name in names:
                if any(name in line.groups.get(module, {}) for line in top):
                    continue
                place = next((one for one in top if module in one.modules), top[0])
                place.groups.setdefault(module, {})[name] = None
                place.is_changed = True
        _merge_groups(top)
        first = top[0]
        if references.needs_root and not self._has_root:
            first.roots.insert(0, self._root())
            first.is_changed = True
        for module in references.modules:
            first.roots.insert(0, f"import {module}")
            first.is_changed = True

    def rest(self) -> list[str]:
        """Returns the import statements of a program without any of its own."""
        references = self.context.references
        roots = [self._root()] if references.needs_root and not self._has_root else []
        return [*roots, *self.texts(references.names)]

    def texts(
        self, groups: dict[str, dict[str, None]] | dict[str, dict[str, str | None]]
    ) -> list[str]:
        """Returns import statements."""
        lines = []
        for module, names in groups.items():
            shown = [name if new is None else f"{name} as {new}" for name, new in names.items()]
            start = f"from {self.package}.{module}".rstrip(".") + " import "
            text = start + ", ".join(shown)
            if len(text) > _WIDTH:
                text = start + "(\n    " + ",\n    ".join(shown) + ",\n)"
            if shown:
                lines.append(text)
        return lines


class _Reader(cst.CSTVisitor):
    """Shows all import statements to a plan."""

    def __init__(self, plan: _Plan) -> None:
        super().__init__()
        self._plan = plan
        self._depth = 0

    def visit_IndentedBlock(self, node: cst.IndentedBlock) -> None:
        self._depth += 1

    def leave_IndentedBlock(self, original_node: cst.IndentedBlock) -> None:
        self._depth -= 1

    def visit_SimpleStatementLine(self, node: cst.SimpleStatementLine) -> None:
        self._plan.add(node, self._depth == 0)


class _Writer(cst.CSTTransformer):
    """Replaces the import statements."""

    def __init__(self, plan: _Plan) -> None:
        super().__init__()
        self._plan = plan

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.BaseStatement | cst.FlattenSentinel[cst.BaseStatement]:
        line = self._plan.lines.get(id(original_node))
        if line is None:
            return updated_node
        comments = [
            cst.EmptyLine(comment=cst.Comment(f"{COMMENT}{text}")) for text in line.comments
        ]
        if not line.is_changed:
            return updated_node.with_changes(leading_lines=[*updated_node.leading_lines, *comments])
        text = "\n".join([*line.roots, *self._plan.texts(line.groups)])
        if not text:
            return placeholder(updated_node.leading_lines)
        statements = list(cst.parse_module(f"{text}\n").body)
        statements[0] = statements[0].with_changes(
            leading_lines=[*updated_node.leading_lines, *comments]
        )
        statements[-1] = statements[-1].with_changes(
            trailing_whitespace=updated_node.trailing_whitespace
        )
        return cst.FlattenSentinel(statements)

    def leave_Module(self, original_node: cst.Module, updated_node: cst.Module) -> cst.Module:
        return updated_node.with_changes(body=drop_placeholders(updated_node.body))

    def leave_IndentedBlock(
        self, original_node: cst.IndentedBlock, updated_node: cst.IndentedBlock
    ) -> cst.IndentedBlock:
        body = drop_placeholders(updated_node.body)
        if not body:
            body = list(cst.parse_module("pass\n").body)
        return updated_node.with_changes(body=body)


def _is_import(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.SimpleStatementLine) and isinstance(node.body[0], _ORDINARY)


def _insert(module: cst.Module, texts: Sequence[str]) -> cst.Module:
    """Inserts import statements after the docstring and `from __future__` imports."""
    body = list(module.body)
    place = 0
    for i, node in enumerate(body):
        text = code_of(node).strip()
        if text.startswith("from __future__") or i == 0 and text[:1] in "\"'r":
            place = i + 1
    body[place:place] = cst.parse_module("\n".join(texts) + "\n").body
    return module.with_changes(body=body)


def _insert_helpers(module: cst.Module, texts: Sequence[str]) -> cst.Module:
    """Inserts functions and classes after the last import."""
    if not texts:
        return module
    body = list(module.body)
    place = max((i for i, node in enumerate(body) if _is_import(node)), default=-1) + 1
    empty = [cst.EmptyLine(indent=False), cst.EmptyLine(indent=False)]
    new = [cst.parse_module(text).body[0].with_changes(leading_lines=empty) for text in texts]
    if place < len(body):
        lines = [line for line in body[place].leading_lines if line.comment is not None]
        body[place] = body[place].with_changes(leading_lines=[*empty, *lines])
    body[place:place] = new
    return module.with_changes(body=body)
