"""Context: what the parts of a rewriting share."""

from __future__ import annotations

from dataclasses import dataclass, field

import libcst as cst
from libcst.metadata import CodeRange

from cornu.modernize.eras import Era
from cornu.modernize.references import References
from cornu.modernize.scope import Scope

__all__ = ["COMMENT", "Context", "Frame", "Mark"]

# The beginning of the comments.
COMMENT = "# cornu modernize: "


@dataclass(frozen=True)
class Mark:
    """Something that cannot be decided.

    Attributes:
        line: the line of the program.
        text: what to look at, and why.
    """

    line: int
    text: str


@dataclass
class Frame:
    """A statement that is being rewritten.

    Attributes:
        marks: the texts of the comments before it.
        before: statements to insert before it.
        after: statements to insert after it.
        replacement: what stands in its place, or None.
    """

    marks: list[str] = field(default_factory=list)
    before: list[cst.BaseStatement] = field(default_factory=list)
    after: list[cst.BaseStatement] = field(default_factory=list)
    replacement: list[cst.BaseStatement] | None = None


class Context:
    """The state of the rewriting of one program.

    Args:
        era: the version of Keras.
        scope: the names of the program.
        parents: the parent of each node.
        positions: the lines of each node.

    Attributes:
        references: what the new program names.
        marks: what could not be decided.
        frames: the statements that contain the current node, the innermost last.
        input_elements: elements of `Sequential([...])` to insert before a layer, by its `id`.
        losses: the texts of the losses of models, by the text of the model.
    """

    def __init__(
        self,
        era: Era,
        scope: Scope,
        parents: dict[cst.CSTNode, cst.CSTNode],
        positions: dict[cst.CSTNode, CodeRange],
    ) -> None:
        self.era = era
        self.scope = scope
        self.references = References(scope)
        self.marks: list[Mark] = []
        self.frames: list[Frame] = [Frame()]
        self.input_elements: dict[int, cst.BaseExpression] = {}
        self.losses: dict[str, str] = {}
        self._parents = parents
        self._positions = positions
        self._once: set[str] = set()

    @property
    def frame(self) -> Frame:
        """The innermost statement."""
        return self.frames[-1]

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """Returns the parent of a node of the original program."""
        return self._parents.get(node)

    def column(self, node: cst.CSTNode) -> int:
        """Returns the column where a node of the original program begins."""
        return int(self._positions[node].start.column)

    def mark(self, node: cst.CSTNode, text: str, is_once: bool = False) -> None:
        """Marks the statement of a node.

        Args:
            node: a node of the original program.
            text: what to look at, and why.
            is_once: whether the same text is written only once in a program.
        """
        if text in self.frame.marks or is_once and text in self._once:
            return
        self._once.add(text)
        self.frame.marks.append(text)
        self.marks.append(Mark(self._positions[node].start.line, text))

    def mark_import(self, node: cst.CSTNode, path: str) -> str:
        """Marks an import of something that does not exist today, and returns the comment."""
        text = (
            f"keras.{path} has no equal in Keras 3. The original program keeps running with "
            f"python -m cornu run --as {self.era.dialect}"
        )
        self.marks.append(Mark(self._positions[node].start.line, text))
        return text

    def mark_kept(self, node: cst.CSTNode, text: str) -> None:
        """Marks something that today's API cannot say, and that is left as it is."""
        command = f"python -m cornu run --as {self.era.dialect}"
        self.mark(node, f"{text}. The original program keeps running with {command}")
