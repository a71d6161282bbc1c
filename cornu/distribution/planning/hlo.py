"""Reads the text of compiled XLA programs: computations, instructions, shapes and trip counts."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

__all__ = ["Array", "Computation", "Instruction", "Program", "read_program"]

# Bits of the element types whose names do not end in their number of bits.
_BITS = {"pred": 8, "token": 0, "opaque": 0, "c64": 64, "c128": 128}
_ARRAY = re.compile(r"([a-z][a-z0-9]*)\[([^\]]*)\]")
_COMPUTATION = re.compile(r"^(ENTRY )?%?([\w.\-]+) \(.*\) -> .*\{\s*$")
_INSTRUCTION = re.compile(r"^\s+(ROOT )?%?([\w.\-]+) = (.*)$")
_COMMENT = re.compile(r"/\*.*?\*/")
_NAME = re.compile(r"%([\w.\-]+)")
_TRIPS = re.compile(r'"known_trip_count":\{"n":"(\d+)"\}')
_CONSTANT = re.compile(r"^-?\d+$")


@dataclass(frozen=True)
class Array:
    """The element type and the shape of an array of a program.

    Attributes:
        dtype: XLA's name, such as "f32" or "bf16".
        shape: the sizes of the axes.
    """

    dtype: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The number of bytes; types of fewer than 8 bits are packed."""
        bits = _BITS.get(self.dtype)
        if bits is None:
            # The first number of a name is its bits: f8e4m3fn has 8.
            found = re.search(r"\d+", self.dtype)
            if found is None:
                raise ValueError(f"Unknown element type {self.dtype!r} in the text of a program.")
            bits = int(found[0])
        return -(-self.size * bits // 8)


@dataclass(frozen=True)
class Instruction:
    """An instruction.

    Attributes:
        name: the name, unique in its computation.
        opcode: the operation, such as "dot" or "all-gather".
        results: the arrays that it returns; several if it returns a tuple.
        operands: the names of the instructions whose results it uses.
        arguments: the text between the parentheses.
        attributes: the text after the parentheses.
        is_root: whether its result is that of the computation.
    """

    name: str
    opcode: str
    results: tuple[Array, ...]
    operands: tuple[str, ...]
    arguments: str
    attributes: str
    is_root: bool

    @property
    def nbytes(self) -> int:
        """The bytes of the results."""
        return sum(array.nbytes for array in self.results)

    def attribute(self, name: str) -> str | None:
        """Returns the text of an attribute up to the next comma outside of brackets, or None."""
        start = re.search(rf"(?:^|[ ,]){re.escape(name)}=", self.attributes)
        if start is None:
            return None
        return _take_balanced(self.attributes, start.end())

    def indices(self, name: str) -> tuple[int, ...]:
        """Returns an attribute such as `dimensions={0,1}`; empty if it is missing."""
        text = self.attribute(name) or ""
        return tuple(int(number) for number in re.findall(r"\d+", text))


@dataclass(frozen=True)
class Computation:
    """A function of a program.

    Attributes:
        name: the name.
        instructions: the instructions by name, in the order of the text.
        is_entry: whether the program begins here.
    """

    name: str
    instructions: Mapping[str, Instruction]
    is_entry: bool

    @cached_property
    def users(self) -> dict[str, list[Instruction]]:
        """The instructions that use a result, by the name of the instruction that returns it."""
        found: dict[str, list[Instruction]] = {}
        for instruction in self.instructions.values():
            for operand in dict.fromkeys(instruction.operands):
                found.setdefault(operand, []).append(instruction)
        return found

    def operands(self, instruction: Instruction) -> list[Instruction]:
        """Returns the instructions whose results an instruction uses."""
        known = self.instructions
        return [known[name] for name in instruction.operands if name in known]

    def operand_bytes(self, instruction: Instruction) -> int:
        """Returns the bytes of the operands."""
        return sum(operand.nbytes for operand in self.operands(instruction))


@dataclass(frozen=True)
class Program:
    """A compiled program.

    Attributes:
        computations: the computations by name.
        entry: the one that the program begins with.
        partitions: the number of devices between which it is partitioned.
    """

    computations: Mapping[str, Computation]
    entry: Computation
    partitions: int

    def executions(self) -> Iterator[tuple[Computation, Instruction, int]]:
        """Yields each instruction that is executed, and how often.

        The body of a loop is executed as often as the loop runs. Each branch of a conditional
        counts as executed. Instructions inside fusions are not yielded.
        """
        yield from self._executions(self.entry, 1)

    def _executions(
        self, computation: Computation, times: int
    ) -> Iterator[tuple[Computation, Instruction, int]]:
        for instruction in computation.instructions.values():
            yield computation, instruction, times
            for name, count in self._called(computation, instruction):
                yield from self._executions(self.computations[name], times * count)

    def _called(
        self, computation: Computation, instruction: Instruction
    ) -> Iterator[tuple[str, int]]:
        """Yields the computations that an instruction runs, and how often."""
        match instruction.opcode:
            case "while":
                body = instruction.attribute("body") or ""
                yield body.lstrip("%"), self.trip_count(computation, instruction) or 1
            case "call" | "async-start":
                name = instruction.attribute("to_apply") or instruction.attribute("calls") or ""
                yield name.lstrip("%"), 1
            case "conditional":
                names = ("branch_computations", "true_computation", "false_computation")
                for attribute in names:
                    for name in _NAME.findall(instruction.attribute(attribute) or ""):
                        yield name, 1

    def unbounded_loops(self) -> list[Instruction]:
        """Returns the loops of unknown length, whose bodies count once."""
        return [
            instruction
            for computation, instruction, _ in self.executions()
            if instruction.opcode == "while" and self.trip_count(computation, instruction) is None
        ]

    def trip_count(self, computation: Computation, loop: Instruction) -> int | None:
        """Returns how often the body of a `while` instruction runs; None if it is unknown.

        XLA states the number in optimized programs. Before optimization it follows from the
        comparison in the condition, if the counter has a constant start, step and limit.
        """
        stated = _TRIPS.search(loop.attributes)
        if stated is not None:
            return int(stated[1])
        condition = self.computations[(loop.attribute("condition") or "").lstrip("%")]
        body = self.computations[(loop.attribute("body") or "").lstrip("%")]
        test = next(i for i in condition.instructions.values() if i.is_root)
        if test.opcode != "compare" or test.attribute("direction") != "LT":
            return None
        counter, limit = condition.operands(test)
        stop, index = _constant(limit), _tuple_index(counter)
        initial = computation.operands(loop)[0]
        root = next(i for i in body.instructions.values() if i.is_root)
        if stop is None or index is None or "tuple" not in (initial.opcode, root.opcode):
            return None
        step, start = _step(body, root, index), None
        if initial.opcode == "tuple":
            start = _constant(computation.instructions[initial.operands[index]])
        if start is None or not step:
            return None
        return max(0, -(-(stop - start) // step))


def read_program(text: str) -> Program:
    """Reads the text of a program, as `compiled.as_text()` returns it or XLA dumps it.

    Args:
        text: the text of an HLO module.

    Raises:
        ValueError: the text has no entry computation.
    """
    computations: dict[str, Computation] = {}
    entry: Computation | None = None
    instructions: dict[str, Instruction] = {}
    for line in text.splitlines():
        head = _COMPUTATION.match(line)
        if head is not None:
            instructions = {}
            found = Computation(head[2], instructions, head[1] is not None)
            computations[found.name] = found
            entry = found if found.is_entry else entry
        elif (instruction := _read_instruction(line)) is not None:
            instructions[instruction.name] = instruction
    if entry is None:
        raise ValueError(
            "The text is not a compiled program of XLA: it has no line that starts with ENTRY.\n"
            "Pass compiled.as_text(), not the text of a lowered program."
        )
    stated = re.search(r"num_partitions=(\d+)", text.partition("\n")[0])
    return Program(computations, entry, int(stated[1]) if stated else 1)


def _read_instruction(line: str) -> Instruction | None:
    found = _INSTRUCTION.match(line)
    if found is None:
        return None
    rest = _COMMENT.sub("", found[3])
    end = _closing(rest, 0) + 1 if rest.startswith("(") else rest.index(" ")
    shape, rest = rest[:end], rest[end:].lstrip()
    opening = rest.index("(")
    closing = _closing(rest, opening)
    arguments = rest[opening + 1 : closing]
    return Instruction(
        name=found[2],
        opcode=rest[:opening],
        results=tuple(_read_arrays(shape)),
        operands=tuple(_NAME.findall(arguments)),
        arguments=arguments,
        attributes=rest[closing + 1 :].lstrip(", "),
        is_root=found[1] is not None,
    )


def _read_arrays(text: str) -> Iterator[Array]:
    for dtype, shape in _ARRAY.findall(text):
        # A dynamic size, written `<=8`, is at most the number.
        sizes = [int(size.lstrip("<=")) for size in shape.split(",") if size]
        yield Array(dtype, tuple(sizes))


def _closing(text: str, start: int) -> int:
    """Returns the position of the bracket that closes the one at `start`."""
    depth = 0
    for position in range(start, len(text)):
        depth += (text[position] in "([{") - (text[position] in ")]}")
        if depth == 0:
            return position
    raise ValueError(
        f"A bracket is not closed in the text of a program: {text[start : start + 80]}"
    )


def _take_balanced(text: str, start: int) -> str:
    depth = 0
    for position in range(start, len(text)):
        depth += (text[position] in "([{") - (text[position] in ")]}")
        if depth == 0 and text[position : position + 2] == ", ":
            return text[start:position]
    return text[start:]


def _constant(instruction: Instruction) -> int | None:
    if instruction.opcode == "constant" and _CONSTANT.match(instruction.arguments):
        return int(instruction.arguments)
    return None


def _tuple_index(instruction: Instruction) -> int | None:
    if instruction.opcode != "get-tuple-element":
        return None
    return instruction.indices("index")[0]


def _step(body: Computation, root: Instruction, index: int) -> int | None:
    """Returns the constant that the body of a loop adds to its counter."""
    if root.opcode != "tuple":
        return None
    addition = body.instructions[root.operands[index]]
    if addition.opcode != "add":
        return None
    known = [_constant(operand) for operand in body.operands(addition)]
    others = [_tuple_index(operand) for operand in body.operands(addition)]
    return next((step for step in known if step is not None and index in others), None)
