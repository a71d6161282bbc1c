"""Writes the equations of a function that JAX has traced as nodes of ONNX."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jax import export
from jax.extend import core

from cornu.export.onnx import elementwise, indexing, integers, products, reductions, shapes
from cornu.export.onnx.control import CALLS, CONTROL
from cornu.export.onnx.elementwise import Rule
from cornu.export.onnx.graph import GraphWriter, Value, is_known

__all__ = ["RULES", "convert"]

RULES: dict[str, Rule] = {
    **elementwise.RULES,
    **indexing.RULES,
    **products.RULES,
    **reductions.RULES,
    **shapes.RULES,
    **integers.RULES,  # in place of some of the above
}
_MOST_FOLDED = 1 << 22  # numbers in a constant that is computed while the graph is written


def convert(
    graph: GraphWriter, jaxpr: Any, consts: Sequence[Any], inputs: Sequence[Value]
) -> list[Value]:
    """Writes the equations of a function, and returns its outputs.

    Equations of constants are computed here. The scopes of JAX, which are the names of blocks and
    layers, become prefixes of the names of nodes.

    Args:
        graph: the graph, or the body of a loop.
        jaxpr, consts: the function.
        inputs: its arguments.

    Raises:
        NotImplementedError: a primitive cannot be expressed in ONNX.
    """
    known: dict[Any, Value] = dict(zip(jaxpr.invars, inputs, strict=True))
    known.update((v, _constant(x)) for v, x in zip(jaxpr.constvars, consts, strict=True))

    def read(atom: Any) -> Value:
        if isinstance(atom, core.Literal):
            aval: Any = atom.aval
            return _constant(np.asarray(atom.val, aval.dtype))
        return known[atom]

    outer = graph.scope
    needed = _needed(jaxpr)
    known.update(_fold_together(jaxpr, needed, known))
    for eqn, is_needed in zip(jaxpr.eqns, needed, strict=True):
        if not is_needed or all(v in known for v in eqn.outvars):
            continue
        stack = str(eqn.source_info.name_stack)
        graph.scope = "/".join(part for part in (outer, stack) if part)
        try:
            outputs = _convert_equation(graph, eqn, [read(atom) for atom in eqn.invars])
        except NotImplementedError as error:
            raise _locate(error, eqn, graph.scope) from error
        known.update(zip(eqn.outvars, outputs, strict=True))
    graph.scope = outer
    return [read(atom) for atom in jaxpr.outvars]


def _needed(jaxpr: Any) -> list[bool]:
    """Returns which equations the outputs depend on."""
    used = {id(v) for v in jaxpr.outvars}
    found = []
    for eqn in reversed(jaxpr.eqns):
        is_needed = any(id(v) in used for v in eqn.outvars)
        if is_needed:
            used.update(id(v) for v in eqn.invars)
        found.append(is_needed)
    return found[::-1]


def _convert_equation(graph: GraphWriter, eqn: Any, inputs: list[Value]) -> list[Value]:
    name = eqn.primitive.name
    if name in CALLS:
        inner = eqn.params[CALLS[name]]
        is_closed = isinstance(inner, core.ClosedJaxpr)
        jaxpr, consts = (inner.jaxpr, inner.consts) if is_closed else (inner, ())
        return convert(graph, jaxpr, consts, inputs[: len(jaxpr.invars)])
    avals: list[Any] = [v.aval for v in (*eqn.invars, *eqn.outvars)]
    if name in integers.NOT_OF_UINT64 and any(aval.dtype == np.uint64 for aval in avals):
        raise NotImplementedError(f"the primitive {name!r} of unsigned integers of 64 bits")
    if (folded := _fold(eqn, inputs)) is not None:
        return folded
    if name in CONTROL:
        names = CONTROL[name](graph, eqn, inputs, convert)
    elif name in RULES:
        names = RULES[name](graph, eqn, inputs)
    else:
        raise NotImplementedError(f"the primitive {name!r}")
    outputs = zip(names, avals[len(eqn.invars) :], strict=True)
    return [Value(name, aval.shape, aval.dtype) for name, aval in outputs]


def _fold_together(jaxpr: Any, needed: list[bool], known: Mapping[Any, Value]) -> dict[Any, Value]:
    """Returns the constants that equations of floats compute, as one program.

    XLA replaces divisions by products, for example. Constants that are computed one by one would
    differ from those of the model by a few roundings, which a kernel of an image multiplies by 255.
    """
    folded: list[Any] = []
    outputs: set[Any] = set()
    given: set[Any] = set()
    used = {v for v in jaxpr.outvars if isinstance(v, core.Var)}
    for eqn, is_needed in zip(jaxpr.eqns, needed, strict=True):
        variables = {v for v in eqn.invars if isinstance(v, core.Var)}
        is_constant = all(
            v in outputs or (v in known and known[v].known is not None) for v in variables
        )
        if is_needed and is_constant and _can_fold(eqn):
            folded.append(eqn)
            given |= variables - outputs
            outputs |= set(eqn.outvars)
        elif is_needed:
            used |= variables
    floats = sum(v.aval.dtype in (np.float32, np.float16) for eqn in folded for v in eqn.outvars)
    dtypes = [v.aval.dtype for eqn in folded for v in (*eqn.invars, *eqn.outvars)]
    if floats < 2 or any(dtype.itemsize == 8 for dtype in dtypes):
        return {}
    results = [v for v in outputs if v in used]
    arguments = list(given)
    part = jaxpr.replace(constvars=[], invars=arguments, outvars=results, eqns=folded)
    values = [known[v].known for v in arguments]
    arrays = jax.jit(lambda: core.jaxpr_as_fun(core.ClosedJaxpr(part, ()))(*values))()
    return {v: _constant(x) for v, x in zip(results, arrays, strict=True)}


def _can_fold(eqn: Any) -> bool:
    """Returns whether an equation of constants has outputs that may be constants of the graph."""
    sizes = [math.prod(v.aval.shape) for v in eqn.outvars]
    return all(is_known(n) and n <= _MOST_FOLDED for n in sizes) and not _has_symbols(eqn)


def _has_symbols(eqn: Any) -> bool:
    """Returns whether a parameter of an equation, or of a function that it calls, is symbolic."""
    if any(map(_is_symbolic, eqn.params.values())):
        return True
    inner = (p for value in eqn.params.values() for p in _functions_of(value))
    return any(map(_has_symbols, (eqn for jaxpr in inner for eqn in jaxpr.eqns)))


def _functions_of(value: Any) -> list[Any]:
    items = value if isinstance(value, (tuple, list)) else (value,)
    closed = [item.jaxpr for item in items if isinstance(item, core.ClosedJaxpr)]
    return closed + [item for item in items if isinstance(item, core.Jaxpr)]


def _fold(eqn: Any, inputs: list[Value]) -> list[Value] | None:
    """Returns the outputs of an equation of constants, or None."""
    if not all(x.known is not None for x in inputs) or not _can_fold(eqn):
        return None
    # Without x64, JAX would return integers of 64 bits as those of 32.
    with jax.enable_x64(True), jax.ensure_compile_time_eval():
        outputs = eqn.primitive.bind(*(x.known for x in inputs), **eqn.params)
    return [_constant(x) for x in (outputs if eqn.primitive.multiple_results else [outputs])]


def _is_symbolic(value: Any) -> bool:
    items = value if isinstance(value, tuple) else (value,)
    return any(export.is_symbolic_dim(item) for item in items)


def _constant(x: Any) -> Value:
    is_key = jax.numpy.issubdtype(x.dtype, jax.dtypes.prng_key)
    array = x if is_key else np.asarray(x)
    return Value("", tuple(x.shape), x.dtype, array)


def _locate(error: NotImplementedError, eqn: Any, scope: str) -> NotImplementedError:
    text = str(error)
    if text.startswith("ONNX cannot express"):
        return error
    shapes = ", ".join(str(v.aval) for v in eqn.invars)
    return NotImplementedError(
        f"ONNX cannot express {text}, in {scope or 'the model'} "
        f"({eqn.primitive.name} of {shapes}).\n"
        "Export to StableHLO, which expresses all models."
    )
