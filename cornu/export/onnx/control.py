"""Primitives with functions: calls, loops and branches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from cornu.export.onnx.graph import GraphWriter, Value, element_type, is_known
from cornu.export.onnx.shapes import count_up

__all__ = ["CALLS", "CONTROL", "Converter"]


class Converter(Protocol):
    """Writes the equations of a function into a graph, and returns its outputs."""

    def __call__(
        self, graph: GraphWriter, jaxpr: Any, consts: Sequence[Any], inputs: Sequence[Value]
    ) -> list[Value]: ...


Control = Callable[[GraphWriter, Any, list[Value], Converter], list[str]]

# Primitives that call a function, and the parameter that has it.
CALLS = {
    "jit": "jaxpr",
    "pjit": "jaxpr",
    "closed_call": "call_jaxpr",
    "core_call": "call_jaxpr",
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
    "checkpoint": "jaxpr",
    "remat2": "jaxpr",
}


def _info(name: str, dtype: Any, shape: Sequence[Any]) -> Any:
    import onnx

    sizes = [size if is_known(size) else None for size in shape]
    return onnx.helper.make_tensor_value_info(name, element_type(dtype), sizes)


def _body(
    graph: GraphWriter,
    label: str,
    inputs: Sequence[tuple[str, Any, Sequence[Any]]],
    write: Callable[[GraphWriter, list[Value]], list[Value]],
) -> Any:
    """Returns the graph of a body.

    Args:
        graph: the graph around it.
        label: its name.
        inputs: name, dtype and shape of each input.
        write: writes the nodes for these inputs, and returns the outputs.
    """
    import onnx

    inner = GraphWriter(graph)
    values = [Value(inner.new_name(name), tuple(shape), dtype) for name, dtype, shape in inputs]
    outputs = write(inner, values)
    # An output must be the output of a node of the body.
    names = [inner.node("Identity", [value]) for value in outputs]
    pairs = zip(names, outputs, strict=True)
    return onnx.helper.make_graph(
        inner.nodes,
        graph.new_name(label),
        [_info(value.name, value.dtype, value.shape) for value in values],
        [_info(name, value.dtype, value.shape) for name, value in pairs],
    )


def _scan(graph: GraphWriter, eqn: Any, inputs: list[Value], convert: Converter) -> list[str]:
    params = eqn.params
    closed, consts, carries = params["jaxpr"], params["num_consts"], params["num_carry"]
    fixed, start, rows = (
        inputs[:consts],
        inputs[consts : consts + carries],
        inputs[consts + carries :],
    )
    reverse = int(params["reverse"])
    # A loop without rows still has to have a length.
    counter = [] if rows else [_row_numbers(graph, params["length"])]
    inner = [(f"carry_{i}", x.dtype, x.shape) for i, x in enumerate(start)]
    inner += [(f"row_{i}", x.dtype, x.shape[1:]) for i, x in enumerate([*rows, *counter])]

    def write(body: GraphWriter, values: list[Value]) -> list[Value]:
        used = values[: len(start) + len(rows)]
        return convert(body, closed.jaxpr, closed.consts, [*fixed, *used])

    count = len(eqn.outvars)
    stacked = count - carries
    return graph.nodes_of(
        "Scan",
        [*start, *rows, *counter],
        count,
        body=_body(graph, "body", inner, write),
        num_scan_inputs=len(rows) + len(counter),
        scan_input_directions=[reverse] * (len(rows) + len(counter)),
        scan_output_directions=[reverse] * stacked or None,
    )


def _row_numbers(graph: GraphWriter, length: Any) -> Value:
    return Value(count_up(graph, length), (length,), np.dtype(np.int64))


def _while(graph: GraphWriter, eqn: Any, inputs: list[Value], convert: Converter) -> list[str]:
    params = eqn.params
    tests, steps = params["cond_nconsts"], params["body_nconsts"]
    of_test, of_step = inputs[:tests], inputs[tests : tests + steps]
    start = inputs[tests + steps :]
    test, step = params["cond_jaxpr"], params["body_jaxpr"]
    inner = [("iteration", np.dtype(np.int64), ()), ("continue", np.dtype(bool), ())]
    inner += [(f"carry_{i}", x.dtype, x.shape) for i, x in enumerate(start)]

    def write(body: GraphWriter, values: list[Value]) -> list[Value]:
        after = convert(body, step.jaxpr, step.consts, [*of_step, *values[2:]])
        return [*convert(body, test.jaxpr, test.consts, [*of_test, *after]), *after]

    first = convert(graph, test.jaxpr, test.consts, [*of_test, *start])
    body = _body(graph, "body", inner, write)
    return graph.nodes_of("Loop", ["", *first, *start], len(start), body=body)


def _cond(graph: GraphWriter, eqn: Any, inputs: list[Value], convert: Converter) -> list[str]:
    which, *operands = inputs
    return _branch(graph, eqn.params["branches"], which, operands, convert)


def _branch(
    graph: GraphWriter,
    cases: Sequence[Any],
    which: Value,
    operands: list[Value],
    convert: Converter,
) -> list[str]:
    def writer(case: Any) -> Callable[[GraphWriter, list[Value]], list[Value]]:
        return lambda body, _: convert(body, case.jaxpr, case.consts, operands)

    def write_rest(body: GraphWriter, _: list[Value]) -> list[Value]:
        names = _branch(body, cases[:-1], which, operands, convert)
        avals = cases[0].out_avals
        return [Value(n, a.shape, a.dtype) for n, a in zip(names, avals, strict=True)]

    last = len(cases) - 1
    is_last = graph.node(
        "GreaterOrEqual", [graph.cast(which, np.int64), graph.constant(last, np.int64)]
    )
    rest = writer(cases[0]) if last == 1 else write_rest
    return graph.nodes_of(
        "If",
        [is_last],
        len(cases[0].out_avals),
        then_branch=_body(graph, "then", [], writer(cases[-1])),
        else_branch=_body(graph, "else", [], rest),
    )


CONTROL: dict[str, Control] = {"scan": _scan, "while": _while, "cond": _cond}
