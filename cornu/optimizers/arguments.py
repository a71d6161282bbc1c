"""The constructor arguments that all optimizers share."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from inspect import Parameter
from typing import Any, TypedDict, TypeVar

from cornu.optimizers.base import SHARED_DEFAULTS, Optimizer

__all__ = ["OtherSharedArguments", "SharedArguments", "accept_shared_arguments"]

Constructor = TypeVar("Constructor", bound=Callable[..., None])


class OtherSharedArguments(TypedDict, total=False):
    """The shared arguments of optimizers that declare `weight_decay` themselves."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    name: str | None


class SharedArguments(OtherSharedArguments, total=False):
    """The keyword arguments behind `**shared: Unpack[SharedArguments]` (see `Optimizer`).

    Type checkers and editors read the names and types of `**shared` from this class.
    """

    weight_decay: float | None


def accept_shared_arguments(init: Constructor) -> Constructor:
    """Decorator: lets a constructor with `**shared` take shared arguments by position too.

    As in Keras, they follow the constructor's own positional arguments, and are followed by its
    keyword-only arguments, which then can be positional as well. A shared argument that the
    constructor declares itself keeps its own position.
    """
    own = list(inspect.signature(init).parameters.values())
    first = [p for p in own if p.kind is Parameter.POSITIONAL_OR_KEYWORD]
    last = [p for p in own if p.kind is Parameter.KEYWORD_ONLY]
    declared = {p.name for p in own}
    shared = [
        parameter
        for name, parameter in inspect.signature(Optimizer.__init__).parameters.items()
        if name in SHARED_DEFAULTS and name not in declared
    ]
    # Keras has the arguments that are declared keyword-only, those of Muon, after the shared ones.
    positional = [p.replace(kind=Parameter.POSITIONAL_OR_KEYWORD) for p in (*first, *shared, *last)]
    signature = inspect.Signature([*positional, Parameter("kwargs", Parameter.VAR_KEYWORD)])

    @functools.wraps(init)
    def call(*args: Any, **kwargs: Any) -> None:
        arguments = signature.bind(*args, **kwargs).arguments
        unknown = arguments.pop("kwargs", {})
        init(**arguments, **unknown)

    # `help()`, `get_config` and the messages about unknown arguments read this signature.
    call.__signature__ = signature  # type: ignore[attr-defined]
    return call  # type: ignore[return-value]  # the static signature stays the explicit one
