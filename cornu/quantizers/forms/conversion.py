"""Gives a layer the form in which it stores its weight: quantized, with an adapter, or both."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from cornu.core.state.dtype_policy import DTypePolicy, get_policy
from cornu.core.state.forms_version import note_change
from cornu.core.state.quantized_policy import QUANTIZATION_MODES, Int4DTypePolicy
from cornu.names import is_library_class
from cornu.quantizers.config import (
    AWQConfig,
    GPTQConfig,
    Int4QuantizationConfig,
    QuantizationConfig,
    resolve_config,
)
from cornu.quantizers.forms.calibration import calibrate
from cornu.quantizers.forms.form import WeightForm, stored, whole_or_not_at_all
from cornu.quantizers.forms.low_rank import enable_lora
from cornu.quantizers.forms.maps import LinearMap
from cornu.quantizers.forms.models import Filters, quantize_layers
from cornu.registry.names import add_class, classes, search
from cornu.types import InitializerLike

__all__ = ["Conversion"]


@functools.cache
def _find(name: str) -> Any:
    """Returns the form or map with a name, or None. They have no state, so there is one of each."""
    found, _ = search(name, "weight_forms", classes)
    return None if found is None else found()


class Conversion:
    """The functions that layers call; the class is a name for the registry."""

    @staticmethod
    def find_map(layer: Any) -> LinearMap:
        """Returns the linear map that a layer computes."""
        linear: LinearMap = _find(f"map/{layer._map_name_}")
        return linear

    @staticmethod
    def find_form(layer: Any, mode: str) -> WeightForm:
        """Returns the form of the weight of a layer in a quantization mode, or with `"lora"`.

        Raises:
            NotImplementedError: there is none.
        """
        kind = layer._linear_map_.kind
        form: WeightForm | None = _find(f"{mode}/{kind}")
        if form is None:
            known = [m for m in QUANTIZATION_MODES if _find(f"{m}/{kind}") is not None]
            possible = f"Its modes are {', '.join(map(repr, known))}." if known else ""
            raise NotImplementedError(
                f"{layer._label_()} cannot be quantized with the mode {mode!r}. {possible}".strip()
            )
        return form

    @staticmethod
    def build(
        layer: Any, shape: Sequence[int], mode: str, config: QuantizationConfig | None
    ) -> None:
        """Creates the Variables of a layer whose policy is quantized."""
        form = Conversion.find_form(layer, mode)
        layer._weight_shape_ = tuple(shape)
        form.create(layer, shape, config)
        layer._weight_form_ = form

    @staticmethod
    def quantize(layer: Any, mode: str | None, type_check: bool, config: Any) -> None:
        """Replaces the weight of a built layer by a quantized one; see `Layer.quantize`."""
        if type_check and not is_library_class(type(layer)):
            raise NotImplementedError(
                f"{layer._label_()} is of a class of the program, whose `call` may not work with "
                "quantized weights. Pass type_check=False to quantize it all the same, or define "
                "`quantize`."
            )
        given = resolve_config(mode, config)
        if not layer.built:
            raise ValueError(
                f"{layer._label_()} is not built, so that it has no weights to quantize. Call it "
                "on an input first."
            )
        policy = layer._active_policy_
        if policy.quantization_mode is not None:
            raise ValueError(
                f"{layer._label_()} is quantized already: its dtype policy is {policy.name!r}. "
                f"Received: mode={given.mode!r}"
            )
        # Raises ValueError if the mode is not possible with the compute dtype.
        quantized = get_policy(f"{given.dtype_policy_string()}_from_{policy.name}")
        _convert(layer, given, quantized)

    @staticmethod
    def quantize_model(
        model: Any, mode: str | None, config: Any, filters: Filters, type_check: bool
    ) -> None:
        """Quantizes the layers of a model; see `Model.quantize`."""
        given = resolve_config(mode, config)
        if isinstance(given, (GPTQConfig, AWQConfig)):
            calibrate(model, given, filters, type_check)
        else:
            quantize_layers(model, given, filters, type_check)

    @staticmethod
    def adopt_policy(layer: Any, policy: DTypePolicy) -> None:
        """Quantizes a built layer whose `dtype_policy` is set to a quantized one.

        Raises:
            ValueError: the mode requires data.
        """
        config = None
        if policy.quantization_mode == "int4":
            size = policy.block_size if isinstance(policy, Int4DTypePolicy) else None
            config = Int4QuantizationConfig(block_size=size)
        _convert(layer, resolve_config(policy.quantization_mode, config), policy)

    @staticmethod
    def enable_lora(
        layer: Any,
        rank: int,
        lora_alpha: float | None,
        a_initializer: InitializerLike,
        b_initializer: InitializerLike,
    ) -> None:
        """Adds an adapter to the weight of a built layer; see `enable_lora` of the layers."""
        form = layer._weight_form_
        if form is None:
            form = Conversion.find_form(layer, "lora")
        if not form.is_adaptable:
            raise NotImplementedError(
                f"{layer._label_()}: adapters of LoRA are not possible with the quantization mode "
                f"{form.mode!r}."
            )
        with whole_or_not_at_all([layer]):
            _hold(layer)
            enable_lora(layer, rank, lora_alpha, a_initializer, b_initializer)
            stored(layer).trainable = False
            layer._weight_form_ = form
            layer.lora_enabled = True
            layer._call_method_ = layer._choose_call_()
            # Files hold the merged weight in place of the weight and the adapter.
            layer._stores_itself_ = True
        note_change()


def _convert(layer: Any, config: QuantizationConfig, policy: DTypePolicy) -> None:
    """Replaces the weight of a built layer, and sets its policy."""
    form = Conversion.find_form(layer, config.mode)
    if layer.lora_enabled and not form.is_adaptable:
        raise NotImplementedError(
            f"{layer._label_()} has an adapter of LoRA, which is not possible with the mode "
            f"{config.mode!r}. Save the model, which merges the adapters, and load it."
        )
    with whole_or_not_at_all([layer]):
        _hold(layer)
        layer.quantization_config = config
        layer._weight_form_ = form
        layer._set_policy_(policy, layer.name)
        form.convert(layer, config)
    note_change()


def _hold(layer: Any) -> None:
    """Moves the weight to the attribute that forms use, if it is not there."""
    name = layer._linear_map_.weight
    if name in vars(layer):
        vars(layer)[f"_{name}"] = vars(layer).pop(name)
        layer._weight_shape_ = tuple(vars(layer)[f"_{name}"].shape)


add_class("weight_forms", Conversion, "forms/conversion")
