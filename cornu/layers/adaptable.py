"""AdaptableLayer: the base of layers whose weight can be quantized, or adapted with LoRA."""

from __future__ import annotations

import functools
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, ClassVar

import numpy as np

from cornu.core.layer.signature import call_signature
from cornu.core.state.dtype_policy import DTypePolicy
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.errors import is_positive_integer
from cornu.layers.base import ConfiguredLayer
from cornu.names import is_library_class
from cornu.registry.names import classes, search
from cornu.types import InitializerLike, ShapeLike

__all__ = ["AdaptableLayer", "AdaptedWeight", "find_conversion"]


class AdaptedWeight:
    """Descriptor of the weight: computes it if the layer stores it in another form.

    A layer that is neither quantized nor adapted has an attribute of the same name, which precedes
    a descriptor without `__set__`. Access to it takes no longer than without the descriptor.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, layer: Any, owner: type | None = None) -> Any:
        if layer is None:
            return self
        if layer._weight_form_ is None:
            raise AttributeError(
                f"{layer._label_()} has no attribute {self._name!r} yet: it is not built. Call it "
                "on an input first."
            )
        return layer._weight_form_.weight(layer)


class AdaptableLayer(ConfiguredLayer):
    """A layer whose weight can be quantized, or get an adapter of LoRA.

    It computes a linear map of its inputs, which `_map_name_` names. As long as it is neither
    quantized nor adapted, `cornu.quantizers` takes no part in it. Otherwise, `_weight_form_` is
    the object that stores the weight, computes the outputs in place of `call`, and says what files
    contain.
    """

    # The linear map, and the kinds of forms, in `cornu.quantizers.forms`.
    _map_name_: ClassVar[str]
    _weight_form_: Any = None
    _weight_shape_: tuple[int, ...]

    lora_rank: int | None = None
    lora_alpha: float | None = None
    lora_enabled: bool = False
    quantization_config: Any = None

    def store_arguments(self, arguments: Mapping[str, Any], skip: tuple[str, ...] = ()) -> None:
        """Stores the constructor arguments, after validation and conversion."""
        super().store_arguments(arguments, (*skip, "lora_rank", "lora_alpha"))
        rank = arguments.get("lora_rank")
        if rank is not None:
            self.lora_rank = self._check_rank(rank)
            alpha = arguments.get("lora_alpha")
            self.lora_alpha = rank if alpha is None else alpha

    def _check_rank(self, rank: Any) -> int:
        if not is_positive_integer(rank):
            raise ValueError(
                f"{self._label_()}: the rank of LoRA must be a positive integer. Received: {rank!r}"
            )
        return int(rank)

    def create_adaptable_weight(self, name: str, shape: ShapeLike, **kwargs: Any) -> None:
        """Creates the weight as the attribute `name`, in the form that the dtype policy requires.

        Args:
            name: the name of the weight.
            shape: its shape.
            **kwargs: further arguments of `create_weight`.
        """
        mode = self.quantization_mode
        if mode is None:
            setattr(self, name, self.create_weight(name, shape, **kwargs))
            return
        self.quantized_build(shape, mode, self.quantization_config)
        if self._weight_form_ is not None and self._weight_form_.keeps_weight:
            setattr(self, f"_{name}", self.create_weight(name, shape, **kwargs))

    def _after_build_(self) -> None:
        if self.lora_rank and not self.lora_enabled:
            self.enable_lora(self.lora_rank, self.lora_alpha)

    # -------------------------------------------------------------------------------- quantization

    @property
    def _linear_map_(self) -> Any:
        return find_conversion().find_map(self)

    @api_boundary
    def quantize(
        self, mode: str | None = None, type_check: bool = True, config: Any = None
    ) -> None:
        """Replaces the weight by a quantized one, and sets the dtype policy.

        Args:
            mode: `"int8"`, `"int4"`, `"float8"`, `"gptq"` or `"awq"`; that of the config by
                default.
            type_check: whether a subclass of the program is refused.
            config: a config of `cornu.quantizers`; by default that of the mode.

        Raises:
            ValueError: the layer is not built, or quantized already; mode and config do not match.
            NotImplementedError: the layer does not have the mode.
        """
        find_conversion().quantize(self, mode, type_check, config)

    def quantized_build(self, input_shape: Any, mode: str, config: Any = None) -> None:
        """Creates the Variables of the quantized weight.

        Args:
            input_shape: the shape of the weight before quantization.
            mode: the quantization mode.
            config: a config of `cornu.quantizers`, or None.
        """
        find_conversion().build(self, input_shape, mode, config)

    def quantized_call(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the outputs with the quantized weight."""
        if self._weight_form_ is None or hasattr(type(self), f"_{self.quantization_mode}_call"):
            return super().quantized_call(*args, **kwargs)
        return self._call_form_(*args, **kwargs)

    def _call_form_(self, *args: Any, **kwargs: Any) -> Any:
        bound = call_signature(type(self)).bind(args, kwargs)
        (_, inputs), *others = bound.items()
        return self._weight_form_.call(self, inputs, **dict(others))

    def _choose_call_(self) -> str:
        is_adapted = self.lora_enabled and self.quantization_mode is None
        # A `call` of the program uses `self.kernel`, which is the merged weight.
        return "_call_form_" if is_adapted and self._is_own_call_() else super()._choose_call_()

    def _is_own_call_(self) -> bool:
        """Whether `call` is that of the library."""
        definer = next(cls for cls in type(self).__mro__ if "call" in vars(cls))
        return is_library_class(definer)

    def _change_policy_(self, policy: DTypePolicy) -> None:
        chosen, mode = policy._policy_for_(self.name), self.quantization_mode
        if self.built and chosen.quantization_mode != mode:
            if mode is not None:
                raise ValueError(
                    f"{self._label_()} is quantized with the mode {mode!r}, which cannot be undone "
                    f"or changed. Received: dtype_policy={chosen.name!r}"
                )
            find_conversion().adopt_policy(self, chosen)
        super()._change_policy_(policy)

    # ---------------------------------------------------------------------------------------- LoRA

    @api_boundary
    def enable_lora(
        self,
        rank: int,
        lora_alpha: float | None = None,
        a_initializer: InitializerLike = "he_uniform",
        b_initializer: InitializerLike = "zeros",
    ) -> None:
        """Freezes the weight, and adds the product of two small matrices, which training updates.

        Files hold the merged weight. The weight, its gradient and the states that an optimizer
        would have for it take part in no training step.

        Args:
            rank: the inner size of the product.
            lora_alpha: the product is multiplied by `lora_alpha / rank`; by default by 1.
            a_initializer, b_initializer: initializers of the two matrices.

        Raises:
            ValueError: the layer is not built, has a constraint of the weight, or an adapter.
            NotImplementedError: the quantization mode does not permit adapters.

        References: Edward Hu et al. (2021), "LoRA: Low-Rank Adaptation of Large Language Models",
        arXiv 2106.09685.

        Differences: the inputs are multiplied by the two matrices one after the other, where the
        layer permits it; Keras computes their product, as large as the weight. After loading, only
        the second matrix is zero, so that training can continue; in Keras both are, and have no
        gradients.
        """
        name = self._linear_map_.weight
        if getattr(self, f"{name}_constraint", None) is not None:
            raise ValueError(
                f"{self._label_()}: LoRA is not possible with `{name}_constraint`, which would "
                "apply to the frozen weight. Remove the constraint."
            )
        if not self.built:
            raise ValueError(
                f"{self._label_()} is not built, so that the shape of its weight is not known. "
                "Call it on an input first."
            )
        if self.lora_enabled:
            raise ValueError(f"{self._label_()} has an adapter already, of rank {self.lora_rank}.")
        find_conversion().enable_lora(
            self, self._check_rank(rank), lora_alpha, a_initializer, b_initializer
        )

    # -------------------------------------------------------------------------- configs and files

    def _constructor_arguments_(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, with those of the present form of the weight.

        As in Keras, arguments of LoRA are left out if there is no adapter.
        """
        arguments = super()._constructor_arguments_()
        for name in ("lora_rank", "lora_alpha"):
            arguments.pop(name, None)
            if self.lora_rank is not None:
                arguments[name] = getattr(self, name)
        if "quantization_config" in arguments:
            arguments["quantization_config"] = self.quantization_config
        return arguments

    def _stored_names_(self) -> list[str]:
        """Returns the names of the attributes that files hold, in the order of Keras."""
        names: Sequence[str] = self._weight_form_.names(self)
        return [name for name in names if isinstance(vars(self).get(name), Variable)]

    def _stored_variables_(self) -> list[Variable]:
        if self._weight_form_ is None:
            return super()._stored_variables_()
        return [vars(self)[name] for name in self._stored_names_()]

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Stores the values of the layer's Variables; those of an adapter are merged."""
        if not self.lora_enabled:
            return super().save_own_variables(store)
        merged = self._weight_form_.merge(self)
        for i, name in enumerate(self._stored_names_()):
            value = merged[name] if name in merged else vars(self)[name].numpy()
            store[str(i)] = np.asarray(value)
        return None

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Assigns stored values; an adapter adds nothing to them until it is trained."""
        super().load_own_variables(store)
        if self.lora_enabled:
            second = vars(self)[f"lora_{self._linear_map_.weight}_b"]
            second.assign(np.zeros(second.shape, second.dtype))


@functools.cache
def find_conversion() -> Any:
    """Returns the functions of `cornu.quantizers.forms`, which is imported when they are needed."""
    found, _ = search("forms/conversion", "weight_forms", classes)
    return found
