"""CallSignature: the parameters of the `call` of a layer class."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import jax

from cornu.core.graph.tensor import Tensor
from cornu.core.sparse.arrays import is_sparse
from cornu.errors import suggest

__all__ = ["CallSignature", "call_signature"]


class CallSignature:
    """The parameters of the `call` of a layer class.

    Attributes:
        names: the names of the parameters, without `self`.
        open: whether it accepts any keyword argument.
        training, mask: whether it has a parameter of this name.
        default: the default of `training`.
    """

    __slots__ = ("_position", "_signature", "default", "mask", "names", "open", "training")

    def __init__(self, fn: Callable[..., Any]) -> None:
        whole = inspect.signature(fn)
        parameters = list(whole.parameters.values())[1:]
        self._signature = whole.replace(parameters=parameters)
        plain = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        self.names = [p.name for p in plain]
        self.open = any(p.kind is p.VAR_KEYWORD for p in parameters)
        self.training = "training" in self.names
        self.mask = "mask" in self.names
        self.default = next((p.default for p in plain if p.name == "training"), None)
        self._position = self.names.index("training") if self.training else -1

    def bind_tensors(self, args: Any, kwargs: Any) -> dict[str, Any]:
        """Returns the arguments that hold arrays or Tensors, by parameter name."""
        named = dict(zip(self.names, args, strict=False))
        for i in range(len(named), len(args)):
            named[f"argument_{i}"] = args[i]
        named.update(kwargs)
        return {
            name: value
            for name, value in named.items()
            if name not in ("training", "mask")
            and not name.endswith("_mask")
            and _contains_tensor(value)
        }

    def bind(self, args: Any, kwargs: Any) -> dict[str, Any]:
        """Returns the arguments by parameter name; raises TypeError if they do not match."""
        return self._signature.bind(*args, **kwargs).arguments

    def describe_mismatch(self, args: Any, kwargs: Any) -> str:
        """Returns the signature and the reason why arguments do not match it, or ''."""
        kwargs = {k: v for k, v in kwargs.items() if k != "training" or self.training}
        try:
            self._signature.bind(*args, **kwargs)
        except TypeError as error:
            known = [name for name in self.names if name not in kwargs]
            wrong = [name for name in kwargs if name not in self.names]
            hint = f"\n{suggest(wrong[0], known)}" if wrong else ""
            shown = self._signature.replace(
                parameters=[
                    p.replace(annotation=p.empty) for p in self._signature.parameters.values()
                ],
                return_annotation=inspect.Signature.empty,
            )
            return f"{shown}: {error}.{hint}"
        return ""

    def resolve_training(self, args: Any, kwargs: Any, around: bool | None) -> tuple[Any, Any, Any]:
        """Returns args, kwargs and the training phase of a call.

        The phase is the argument `training` if it is passed and not None, otherwise that of the
        outer layer or step, otherwise the default of the parameter.
        """
        given = None
        if self.training and len(args) > self._position >= 0:
            given = args[self._position]
            later = dict(
                zip(self.names[self._position + 1 :], args[self._position + 1 :], strict=False)
            )
            for name in later:
                if name in kwargs:
                    raise TypeError(f"multiple values for argument {name!r}")
            args, kwargs = args[: self._position], {**later, **kwargs}
        elif "training" in kwargs:
            given = kwargs["training"]
            kwargs = {k: v for k, v in kwargs.items() if k != "training"}
        phase = given if given is not None else around
        if phase is None:
            phase = self.default if isinstance(self.default, bool) else False
        if self.training:
            kwargs = {**kwargs, "training": phase}
        return args, kwargs, phase


_signatures: dict[Any, CallSignature] = {}


def call_signature(cls: type) -> CallSignature:
    """Returns the parameters of the `call` of a class; cached."""
    call = cls.call  # type: ignore[attr-defined]
    if call not in _signatures:
        _signatures[call] = CallSignature(call)
    return _signatures[call]


def _contains_tensor(value: Any) -> bool:
    if isinstance(value, (Tensor, jax.Array)):
        return True
    if isinstance(value, (list, tuple)):
        return any(_contains_tensor(item) for item in value)
    if isinstance(value, dict):
        return any(_contains_tensor(item) for item in value.values())
    return is_sparse(value)
