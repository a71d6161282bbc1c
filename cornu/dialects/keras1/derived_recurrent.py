"""SimpleRNN, GRU and LSTM of Keras 1 for subclasses of the program.

They consist of methods that subclasses override: `step`, `get_constants`, `preprocess_input`,
`get_initial_states` and `reset_states`, on weights of single gates. Layers that are not subclassed
are those of `cornu.layers`, which compute the same with fewer operations.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from cornu import ops
from cornu.core.state.overridable import overridable_property
from cornu.core.state.variable import Variable
from cornu.dialects.keras1 import backend, factories, penalties
from cornu.dialects.keras1.layers import InputSpec
from cornu.dialects.keras1.recurrent import Recurrent, time_distributed_dense
from cornu.legacy.keras1.calls import OldCall
from cornu.legacy.keras1.class_mapping import ClassMapping, parse_signature

__all__ = ["make_subclassable"]

_K = backend.FUNCTIONS


class _Gated(Recurrent):
    """Base class of the three layers, of which each gate has the weights `W`, `U` and `b`.

    Attributes:
        gates: the names of the gates, in the order in which one matrix for all has them.
        stored: the same names in the order of `get_weights`.
    """

    gates: ClassVar[str] = ""
    stored: ClassVar[str] = ""
    # The gate whose first bias is that of `forget_bias_init`.
    forget_gate: ClassVar[str] = ""

    dropout_W: float
    dropout_U: float
    init: Callable[..., Any]
    inner_init: Callable[..., Any]
    activation: Callable[[Any], Any]
    inner_activation: Callable[[Any], Any]

    def _set_arguments(self, given: Mapping[str, Any]) -> None:
        """Sets the arguments of the constructor as attributes, as functions and objects."""
        for name, value in given.items():
            get = next((get for end, get in _GETTERS.items() if name.endswith(end)), None)
            setattr(self, name, value if get is None else get(value))

    @overridable_property
    def W(self) -> Any:
        """The weights of all gates for the inputs, as one matrix."""
        return self._joined("W")

    @overridable_property
    def U(self) -> Any:
        """The weights of all gates for the output before, as one matrix."""
        return self._joined("U")

    @overridable_property
    def b(self) -> Any:
        """The biases of all gates."""
        return self._joined("b")

    def _joined(self, kind: str) -> Any:
        return _K["concatenate"]([getattr(self, f"{kind}_{gate}") for gate in self.gates])

    def _add(self, kind: str, gate: str, count: int = 1) -> Variable:
        """Creates the weight of a gate, or of `count` gates."""
        n = self.output_dim
        shape = {"W": (self.input_dim, count * n), "U": (n, count * n), "b": (count * n,)}[kind]
        # Where gates have their own matrices, Keras 1.2.2 passes the arguments of W to U as well.
        of_u = "inner_init" if not gate else "init"
        regularizer = f"{'W' if gate and kind == 'U' else kind}_regularizer"
        initializer: Any = {"W": "init", "U": of_u, "b": "zero"}[kind]
        initializer = getattr(self, initializer, initializer)
        if kind == "b" and self.forget_gate:
            initializer = self._bias_init(gate)
        name = f"{self.name}_{kind}_{gate}".removesuffix("_")
        made: Variable = self.add_weight(
            shape, initializer, name=name, regularizer=getattr(self, regularizer)
        )
        setattr(self, f"{kind}_{gate}".removesuffix("_"), made)
        return made

    def _bias_init(self, gate: str) -> Any:
        init: Any = vars(self)["forget_bias_init"]
        if gate:
            return init if gate == self.forget_gate else "zero"
        zeros, start = factories.INITIALIZATIONS["zero"], self.gates.index(self.forget_gate)

        def joined(shape: Any, name: str | None = None) -> np.ndarray:
            size = (self.output_dim,)
            parts = [(init if i == start else zeros)(size) for i in range(len(self.gates))]
            return np.concatenate([part.numpy() for part in parts])

        return joined

    def build(self, input_shape: Any) -> None:
        """Creates the weights, and the states of a stateful layer."""
        self.input_spec = [InputSpec(shape=input_shape)]
        self.input_dim = input_shape[2]
        self._prepare_states()
        kinds = ("W", "U", "b")
        if self.consume_less == "gpu" or not self.gates:
            for kind in kinds:
                self._add(kind, "", max(1, len(self.gates)))
        else:
            made = {gate: [self._add(kind, gate) for kind in kinds] for gate in self.gates}
            self.trainable_weights = [w for gate in self.stored for w in made[gate]]
        self._finish_build()

    def preprocess_input(self, x: Any) -> Any:
        """Returns the products of the inputs and the weights, with `consume_less="cpu"`."""
        if self.consume_less != "cpu":
            return x
        pairs = [(getattr(self, f"W_{g}"), getattr(self, f"b_{g}")) for g in self.gates]
        found = [
            time_distributed_dense(x, w, b, self.dropout_W) for w, b in pairs or [(self.W, self.b)]
        ]
        return jnp.concatenate(found, axis=2)

    def get_constants(self, x: Any) -> list[Any]:
        """Returns the dropout masks of the outputs before, and those of the inputs."""
        count = max(1, len(self.gates))
        sizes = ((self.dropout_U, self.output_dim), (self.dropout_W, x.shape[-1]))
        found: list[Any] = []
        for rate, size in sizes:
            ones = ops.ones((x.shape[0], size), dtype=x.dtype) if 0 < rate < 1 else None
            masks = [
                jnp.asarray(1.0, x.dtype)
                if ones is None
                else _K["in_train_phase"](_K["dropout"](ones, rate), ones)
                for _ in range(count)
            ]
            found.append(masks if self.gates else masks[0])
        return found

    def _split(self, x: Any) -> list[Any]:
        n = self.output_dim
        return [x[:, i * n : (i + 1) * n] for i in range(len(self.gates))]

    def _inputs(self, x: Any, masks: Any) -> list[Any]:
        """Returns what each gate receives from the inputs of a step."""
        if self.consume_less == "cpu":
            return self._split(x)
        if self.consume_less == "gpu":
            return self._split(_K["dot"](x * masks[0], self.W) + self.b)
        return [
            _K["dot"](x * mask, getattr(self, f"W_{gate}")) + getattr(self, f"b_{gate}")
            for gate, mask in zip(self.gates, masks, strict=True)
        ]

    def _recurrent_weights(self) -> list[Any]:
        """Returns the weights of each gate for the output before."""
        if self.consume_less == "gpu":
            return self._split(self.U)
        return [getattr(self, f"U_{gate}") for gate in self.gates]


class SimpleRNN(_Gated):
    """`h = activation(x W + h U + b)`."""

    def step(self, x: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        """Returns the output and the new state."""
        before, of_output, of_input = states[:3]
        if self.consume_less != "cpu":
            x = _K["dot"](x * of_input, self.W) + self.b
        output = self.activation(x + _K["dot"](before * of_output, self.U))
        return output, [output]


class GRU(_Gated):
    """`h = z h + (1 - z) activation(x W_h + (r h) U_h + b_h)`, with the gates `z` and `r`."""

    gates = stored = "zrh"

    def step(self, x: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        """Returns the output and the new state."""
        h, of_output, of_input = states[:3]
        x_z, x_r, x_h = self._inputs(x, of_input)
        u_z, u_r, u_h = self._recurrent_weights()
        # With one matrix for all gates, the first mask is that of all.
        m_z, m_r, m_h = of_output if self.consume_less != "gpu" else [of_output[0]] * 3
        z = self.inner_activation(x_z + _K["dot"](h * m_z, u_z))
        r = self.inner_activation(x_r + _K["dot"](h * m_r, u_r))
        new = self.activation(x_h + _K["dot"](r * h * m_h, u_h))
        h = z * h + (1 - z) * new
        return h, [h]


class LSTM(_Gated):
    """`c = f c + i activation(x W_c + h U_c + b_c)`, `h = o activation(c)`, with three gates."""

    gates, stored, forget_gate = "ifco", "icfo", "f"
    _count_of_states = 2

    def step(self, x: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        """Returns the output and the new states: the output and the cell."""
        h, c, of_output, of_input = states[:4]
        masks = of_output if self.consume_less != "gpu" else [of_output[0]] * 4
        weights = self._recurrent_weights()
        i, f, new, o = (
            part + _K["dot"](h * mask, u)
            for part, mask, u in zip(self._inputs(x, of_input), masks, weights, strict=True)
        )
        c = self.inner_activation(f) * c + self.inner_activation(i) * self.activation(new)
        h = self.inner_activation(o) * self.activation(c)
        return h, [h, c]


_GETTERS: dict[str, Callable[[Any], Any]] = {
    "init": factories.INITIALIZATIONS["get"],
    "activation": factories.ACTIVATIONS["get"],
    "regularizer": penalties.REGULARIZER_MAKERS["get"],
}


def make_subclassable(row: ClassMapping) -> type | None:
    """Returns the base of subclasses for a row of the table of layers; None for other layers."""
    cls = _CLASSES.get(row.old_name)
    if cls is None:
        return None
    own, everything = parse_signature(row.signature), parse_signature(row.signature, row.keywords)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        bound = everything.bind(*args, **kwargs)
        inherited = {k: v for k, v in bound.arguments.items() if k not in own.parameters}
        Recurrent.__init__(self, **inherited)
        bound.apply_defaults()
        self._set_arguments({name: bound.arguments[name] for name in own.parameters})
        self._given_ = {k: v for k, v in bound.arguments.items() if k != "weights"}

    def _old_call_(self: Any) -> OldCall:
        return OldCall(row, self._given_)

    first = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    signature = inspect.Signature([first, *everything.parameters.values()])
    __init__.__signature__ = signature  # type: ignore[attr-defined]
    body = {
        "__init__": __init__,
        "__module__": __name__,
        "__doc__": cls.__doc__,
        "_old_call_": _old_call_,
    }
    return type(row.old_name, (cls,), body)


_CLASSES: dict[str, type[_Gated]] = {cls.__name__: cls for cls in (SimpleRNN, GRU, LSTM)}
