"""Rewrites one program."""

from __future__ import annotations

from types import ModuleType
from typing import NamedTuple, TypeVar

import libcst as cst
from libcst.metadata import MetadataWrapper, ParentNodeProvider, PositionProvider

from cornu.modernize import custom_layers, merging
from cornu.modernize.calls import rewrite_call
from cornu.modernize.context import COMMENT, Context, Frame, Mark
from cornu.modernize.eras import Era
from cornu.modernize.expressions import code_of, parse
from cornu.modernize.imports import write_imports
from cornu.modernize.layout import placeholder, wrap_call
from cornu.modernize.names import find_today
from cornu.modernize.scope import Scope, dotted_name

__all__ = ["Modernized", "modernize_source"]

_Compound = TypeVar("_Compound", cst.FunctionDef, cst.ClassDef, cst.For, cst.If)

_ORDERS = {"th": "channels_first", "tf": "channels_last"}


class Modernized(NamedTuple):
    """A rewritten program.

    Attributes:
        text: the program.
        marks: what could not be decided, by the lines of the original program.
    """

    text: str
    marks: list[Mark]


def modernize_source(text: str, era: Era, package: str = "keras") -> Modernized:
    """Rewrites a program to today's API.

    Args:
        text: the program.
        era: the version of Keras that it was written for.
        package: what it imports afterwards: "keras" or "cornu".

    Raises:
        libcst.ParserSyntaxError: it is not a program of Python 3.
    """
    wrapper = MetadataWrapper(cst.parse_module(text))
    scope = Scope(wrapper.module)
    parents = dict(wrapper.resolve(ParentNodeProvider))
    context = Context(era, scope, parents, dict(wrapper.resolve(PositionProvider)))
    changed = wrapper.module.visit(_Program(context))
    written = write_imports(wrapper.module, changed, context, package)
    return Modernized(written.code, sorted(context.marks, key=lambda mark: mark.line))


class _Program(cst.CSTTransformer):
    """Rewrites expressions and statements; imports are written afterwards."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._chains: dict[int, tuple[str, merging.Chain]] = {}
        self._nested: set[str] = set()

    # ---------------------------------------------------------------------------------- blocks

    def visit_Module(self, node: cst.Module) -> None:
        self._chains |= merging.find_chains(node.body, self._context)

    def visit_IndentedBlock(self, node: cst.IndentedBlock) -> None:
        self._chains |= merging.find_chains(node.body, self._context)

    # ------------------------------------------------------------------------------ statements

    def visit_SimpleStatementLine(self, node: cst.SimpleStatementLine) -> bool:
        self._context.frames.append(Frame())
        is_import = any(isinstance(one, (cst.Import, cst.ImportFrom)) for one in node.body)
        return not is_import

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.BaseStatement | cst.FlattenSentinel[cst.BaseStatement]:
        frame = self._context.frames.pop()
        statements: list[cst.BaseStatement] = [updated_node]
        if frame.replacement is not None:
            statements = list(frame.replacement)
        elif id(original_node) in self._chains:
            part, chain = self._chains[id(original_node)]
            is_last = chain.last == id(original_node)
            statements = merging.rewrite_chain_statement(
                part, chain, is_last, updated_node, self._nested, self._context
            )
        else:
            reset = self._reset_states(original_node)
            statements = statements if reset is None else [reset]
        if statements == [updated_node] and not (frame.marks or frame.before or frame.after):
            return updated_node
        lines = [*updated_node.leading_lines, *_comments(frame.marks)]
        if not statements and not frame.before:
            return placeholder(lines)
        if statements:
            statements[0] = statements[0].with_changes(leading_lines=[])
        statements = [*frame.before, *statements, *frame.after]
        first = statements[0]
        assert isinstance(first, (cst.SimpleStatementLine, cst.BaseCompoundStatement))
        statements[0] = first.with_changes(leading_lines=[*lines, *first.leading_lines])
        return cst.FlattenSentinel(statements) if len(statements) > 1 else statements[0]

    def _reset_states(self, node: cst.SimpleStatementLine) -> cst.BaseStatement | None:
        """Returns the loop for `model.reset_states()`, a method that no longer exists."""
        small = node.body[0]
        if not isinstance(small, cst.Expr) or not isinstance(small.value, cst.Call):
            return None
        function = small.value.func
        if not isinstance(function, cst.Attribute) or function.attr.value != "reset_states":
            return None
        if self._context.scope.kind_of(function.value) not in ("Model", "Sequential"):
            return None
        text = (
            f"for layer in {code_of(function.value)}.layers:\n"
            "    if getattr(layer, 'stateful', False):\n"
            "        layer.reset_state()\n"
        )
        loop = cst.parse_module(text).body[0]
        assert isinstance(loop, cst.For)
        return loop.with_changes(leading_lines=node.leading_lines)

    def leave_Assign(self, original_node: cst.Assign, updated_node: cst.Assign) -> cst.Assign:
        """Replaces a list of one InputSpec, which stands for several inputs today."""
        is_spec = code_of(original_node.targets[0].target) == "self.input_spec"
        value = updated_node.value
        if is_spec and isinstance(value, cst.List) and len(value.elements) == 1:
            return updated_node.with_changes(value=value.elements[0].value)
        return updated_node

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self._context.frames.append(Frame())

    def leave_FunctionDef(
        self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
    ) -> cst.FunctionDef:
        renamed = custom_layers.rename_method(original_node, updated_node, self._context)
        return self._close(renamed)

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        self._context.frames.append(Frame())

    def leave_ClassDef(
        self, original_node: cst.ClassDef, updated_node: cst.ClassDef
    ) -> cst.ClassDef:
        initialized = custom_layers.initialize_base(original_node, updated_node, self._context)
        return self._close(initialized)

    def visit_For(self, node: cst.For) -> None:
        self._context.frames.append(Frame())

    def leave_For(self, original_node: cst.For, updated_node: cst.For) -> cst.For:
        return self._close(updated_node)

    def visit_If(self, node: cst.If) -> None:
        self._context.frames.append(Frame())

    def leave_If(self, original_node: cst.If, updated_node: cst.If) -> cst.If:
        return self._close(updated_node)

    def _close(self, node: _Compound) -> _Compound:
        frame: Frame = self._context.frames.pop()
        if not frame.marks:
            return node
        return node.with_changes(leading_lines=[*node.leading_lines, *_comments(frame.marks)])

    # ----------------------------------------------------------------------------- expressions

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        if custom_layers.is_add_weight(original_node, self._context):
            return custom_layers.rewrite_add_weight(original_node, updated_node, self._context)
        created = custom_layers.rewrite_creation(original_node, updated_node, self._context)
        if created is not None:
            return created
        result = rewrite_call(original_node, updated_node, self._context)
        if result is updated_node or not isinstance(result, cst.Call):
            return result
        wrapped = wrap_call(result, self._context.column(original_node), original_node)
        if id(result) in self._context.input_elements:
            self._context.input_elements[id(wrapped)] = self._context.input_elements[id(result)]
        return wrapped

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:
        context = self._context
        if original_node.value not in context.scope.imported or not self._is_used(original_node):
            return updated_node
        path = context.scope.paths[original_node.value]
        today = find_today(path.name)
        if today is None or today == path.name or self._is_called(original_node):
            return updated_node
        last = today.rpartition(".")[2]
        if last == path.name.rpartition(".")[2]:
            return updated_node  # only the import changes
        return context.references.local(today)

    def _is_used(self, node: cst.Name) -> bool:
        """Tells whether a name is an expression, not an attribute or a parameter."""
        parent = self._context.parent(node)
        if isinstance(parent, cst.Attribute):
            return parent.value is node
        if isinstance(parent, cst.Arg):
            return parent.keyword is not node
        others = (cst.Param, cst.AssignTarget, cst.FunctionDef, cst.ClassDef, cst.ImportAlias)
        return not isinstance(parent, (*others, cst.AsName))

    def _is_called(self, node: cst.BaseExpression) -> bool:
        """Tells whether an expression is the class of a call, which the call rewrites."""
        parent = self._context.parent(node)
        path = self._context.scope.path_of(node)
        if not isinstance(parent, cst.Call) or parent.func is not node or path is None:
            return False
        kind = path.name.partition(".")[0]
        return kind in ("layers", "backend") or path.name.endswith("Merge")

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        return self._context.scope.path_of(node) is None

    def leave_Attribute(
        self, original_node: cst.Attribute, updated_node: cst.Attribute
    ) -> cst.BaseExpression:
        context = self._context
        path = context.scope.path_of(original_node)
        if path is None:
            return custom_layers.rename_attribute(original_node, updated_node, context)
        today = find_today(path.name)
        is_called = self._is_called(original_node)
        if path.name.startswith("backend.") and is_called:
            return updated_node
        if today is None:
            era = context.era.find(path.name, path.is_tensorflow)
            if not is_called and not isinstance(era, ModuleType):
                context.mark_kept(original_node, f"keras.{path.name} has no equal in Keras 3")
            return updated_node
        if today == path.name and not path.is_tensorflow:
            return updated_node
        base = dotted_name(original_node.value)
        bound = context.scope.path_of(original_node.value)
        module = today.rpartition(".")[0]
        if bound is not None and base is not None and "." not in base and not path.is_tensorflow:
            if find_today(bound.name) == bound.name == module:
                return updated_node.with_changes(attr=cst.Name(today.rpartition(".")[2]))
        return context.references.dotted(today)

    def leave_Comparison(
        self, original_node: cst.Comparison, updated_node: cst.Comparison
    ) -> cst.Comparison:
        """Converts the other side of `K.image_dim_ordering() == "th"`."""
        if "image_dim_ordering" not in code_of(original_node):
            return updated_node
        targets = [
            target.with_changes(comparator=_convert_order(target.comparator))
            for target in updated_node.comparisons
        ]
        return updated_node.with_changes(
            left=_convert_order(updated_node.left), comparisons=targets
        )

    def leave_Subscript(
        self, original_node: cst.Subscript, updated_node: cst.Subscript
    ) -> cst.Subscript:
        """Renames "acc" in `history.history["val_acc"]`."""
        text = code_of(original_node.value)
        if not self._context.era.renames_accuracy or not ("history" in text or "log" in text):
            return updated_node
        index = updated_node.slice[0].slice
        if not isinstance(index, cst.Index) or not isinstance(index.value, cst.SimpleString):
            return updated_node
        new = _rename_accuracy(index.value)
        element = updated_node.slice[0].with_changes(slice=index.with_changes(value=new))
        return updated_node.with_changes(slice=[element, *updated_node.slice[1:]])

    def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:
        """Renames "acc" in `monitor="val_acc"`."""
        is_monitor = original_node.keyword is not None and original_node.keyword.value == "monitor"
        value = updated_node.value
        if not self._context.era.renames_accuracy or not is_monitor:
            return updated_node
        if not isinstance(value, cst.SimpleString):
            return updated_node
        return updated_node.with_changes(value=_rename_accuracy(value))


def _rename_accuracy(node: cst.SimpleString) -> cst.SimpleString:
    name = node.raw_value
    if name != "acc" and not name.endswith("_acc"):
        return node
    quote = node.quote
    return node.with_changes(value=f"{quote}{name.removesuffix('acc')}accuracy{quote}")


def _convert_order(node: cst.BaseExpression) -> cst.BaseExpression:
    if isinstance(node, cst.SimpleString) and node.raw_value in _ORDERS:
        return parse(f"{node.quote}{_ORDERS[node.raw_value]}{node.quote}")
    return node


def _comments(texts: list[str]) -> list[cst.EmptyLine]:
    return [cst.EmptyLine(comment=cst.Comment(f"{COMMENT}{text}")) for text in texts]
