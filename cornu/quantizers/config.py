"""How a layer is quantized: the quantizers of weights and inputs, and the data for calibration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from cornu import registry
from cornu.core.state.quantized_policy import QUANTIZATION_MODES
from cornu.errors import suggest
from cornu.quantizers.abs_max import AbsMaxQuantizer
from cornu.registry import Configurable
from cornu.types import Config

__all__ = [
    "AWQConfig",
    "Float8QuantizationConfig",
    "GPTQConfig",
    "Int4QuantizationConfig",
    "Int8QuantizationConfig",
    "QuantizationConfig",
    "resolve_config",
]


class QuantizationConfig(Configurable):
    """Base class of the configs of `quantize`.

    Args:
        weight_quantizer: the quantizer of the weights; that of the mode by default.
        activation_quantizer: the quantizer of the inputs of the layer; None to keep them as they
            are.

    Example:

    >>> Int8QuantizationConfig(activation_quantizer=None).mode
    'int8'
    """

    _category_ = "quantizers"
    _mode_: ClassVar[str | None] = None

    def __init__(self, weight_quantizer: Any = None, activation_quantizer: Any = None) -> None:
        self.weight_quantizer = registry.resolve("quantizers", weight_quantizer)
        self.activation_quantizer = registry.resolve("quantizers", activation_quantizer)

    @property
    def mode(self) -> str:
        """The quantization mode."""
        if self._mode_ is None:
            raise NotImplementedError(
                f"{type(self).__name__} has no mode. Use the config of a mode, such as "
                "Int8QuantizationConfig, or define the property `mode`."
            )
        return self._mode_

    def dtype_policy_string(self) -> str:
        """Returns the mode as names of dtype policies contain it, such as `"gptq/4/128"`."""
        return self.mode

    @staticmethod
    def weight_quantizer_or_default(config: QuantizationConfig | None, default: Any) -> Any:
        """Returns the weight quantizer of a config, or `default` if there is none.

        Args:
            config: the config, or None.
            default: what is returned otherwise.
        """
        found = None if config is None else config.weight_quantizer
        return default if found is None else found

    @staticmethod
    def activation_quantizer_or_default(config: QuantizationConfig | None, default: Any) -> Any:
        """Returns the activation quantizer of a config, which may be None; else `default`.

        Args:
            config: the config, or None.
            default: what is returned for no config.
        """
        return default if config is None else config.activation_quantizer

    def get_config(self) -> Config:
        """Returns the quantizers as plain data."""
        return {
            "weight_quantizer": registry.serialize(self.weight_quantizer),
            "activation_quantizer": registry.serialize(self.activation_quantizer),
        }

    def _check_weight_dtype(self) -> None:
        found = getattr(self.weight_quantizer, "output_dtype", "int8")
        if found != "int8":
            raise ValueError(
                f"{type(self).__name__} requires a weight_quantizer with output_dtype='int8'. "
                f"Received: output_dtype={found!r}"
            )


class Int8QuantizationConfig(QuantizationConfig):
    """Config of the mode `"int8"`: weights and inputs are integers of 8 bits.

    Args:
        weight_quantizer: the quantizer of the weights; by default one scale per output.
        activation_quantizer: the quantizer of the inputs; `"default"` for one scale per row, None
            to keep them as they are.

    Raises:
        ValueError: the weights would not be of dtype int8.

    Example:

    >>> Int8QuantizationConfig().activation_quantizer.value_range
    (-127, 127)
    """

    _mode_ = "int8"

    def __init__(self, weight_quantizer: Any = None, activation_quantizer: Any = "default") -> None:
        if activation_quantizer == "default":
            activation_quantizer = AbsMaxQuantizer()
        super().__init__(weight_quantizer, activation_quantizer)
        self._check_weight_dtype()


class Int4QuantizationConfig(QuantizationConfig):
    """Config of the mode `"int4"`: weights are integers of 4 bits, two in a byte.

    Args:
        weight_quantizer: the quantizer of the weights, without `block_size`.
        activation_quantizer: the quantizer of the inputs, without `block_size`; by default they
            stay as they are.
        block_size: the number of inputs that share a scale and a zero point; None or -1 for one
            scale per output.

    Raises:
        ValueError: `block_size` is neither, or there are quantizers beside it; the weights would
            not be integers in [-8, 7].

    Example:

    >>> Int4QuantizationConfig(block_size=64).dtype_policy_string()
    'int4/64'
    """

    _mode_ = "int4"

    def __init__(
        self,
        weight_quantizer: Any = None,
        activation_quantizer: Any = "default",
        block_size: int | None = 128,
    ) -> None:
        if activation_quantizer == "default":
            activation_quantizer = None
        super().__init__(weight_quantizer, activation_quantizer)
        if block_size is not None and block_size != -1 and block_size <= 0:
            raise ValueError(
                f"block_size must be a positive integer, -1 or None. Received: {block_size!r}"
            )
        self.block_size = block_size
        is_grouped = block_size is not None and block_size > 0
        if is_grouped and (self.weight_quantizer or self.activation_quantizer):
            raise ValueError(
                "Quantizers cannot be combined with block_size, whose groups have scales and zero "
                f"points. Pass block_size=None to use the quantizers. Received: {block_size=}"
            )
        self._check_weight_dtype()
        found = getattr(self.weight_quantizer, "value_range", (-8, 7))
        if tuple(found) != (-8, 7):
            raise ValueError(
                "Int4QuantizationConfig requires a weight_quantizer with value_range=(-8, 7). "
                f"Received: value_range={found}"
            )

    def dtype_policy_string(self) -> str:
        """Returns the mode as names of dtype policies contain it: `"int4/<block size>"`."""
        return f"int4/{-1 if self.block_size is None else self.block_size}"

    def get_config(self) -> Config:
        """Returns the arguments of the constructor as plain data."""
        return {**super().get_config(), "block_size": self.block_size}

    @classmethod
    def from_config(cls, config: Config, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """Creates a config; one without a block size is of the time before there were blocks."""
        return super().from_config({"block_size": None, **config}, custom_objects)


class Float8QuantizationConfig(QuantizationConfig):
    """Config of the mode `"float8"`: training with products of 8-bit floats.

    Example:

    >>> Float8QuantizationConfig().mode
    'float8'
    """

    _mode_ = "float8"

    def __init__(self) -> None:
        super().__init__(None, None)

    def get_config(self) -> Config:
        """Returns an empty dict: there are no arguments."""
        return {}


class _CalibratedConfig(QuantizationConfig):
    """Base class of the configs of modes that need data for calibration."""

    # Arguments that are needed only once, for the calibration, and are not saved.
    _not_saved = ("dataset", "tokenizer", "quantization_layer_structure")

    dataset: Any
    tokenizer: Any
    weight_bits: int
    num_samples: int
    sequence_length: int
    group_size: int
    quantization_layer_structure: Mapping[str, Any] | None

    def _store(self, arguments: Mapping[str, Any]) -> None:
        super().__init__()
        given = {k: v for k, v in arguments.items() if k not in ("self", "__class__")}
        vars(self).update(given)
        for name in ("num_samples", "sequence_length", "num_grid_points"):
            if name in given and given[name] <= 0:
                raise ValueError(f"{name} must be a positive integer. Received: {given[name]!r}")
        if self.group_size < -1 or self.group_size == 0:
            raise ValueError(
                "group_size must be a positive integer, or -1 for all inputs. "
                f"Received: {self.group_size!r}"
            )

    def dtype_policy_string(self) -> str:
        """Returns the mode as names of dtype policies contain it, such as `"gptq/4/128"`."""
        return f"{self.mode}/{self.weight_bits}/{self.group_size}"

    def get_config(self) -> Config:
        """Returns the arguments of the constructor without the data and the layers of a model."""
        arguments = self._constructor_arguments_()
        return {k: None if k in self._not_saved else v for k, v in arguments.items()}


class GPTQConfig(_CalibratedConfig):
    """Config of the mode `"gptq"`, which corrects the error of each weight in those after it.

    Args:
        dataset: the data for calibration: an iterable of texts or of arrays of token indices.
        tokenizer: an object whose method `tokenize` returns the token indices of a text.
        weight_bits: the number of bits of a weight: 2, 3, 4 or 8.
        num_samples: the number of sequences for calibration.
        per_channel: whether each output has scales of its own.
        sequence_length: the number of tokens of a sequence.
        hessian_damping: the fraction of the mean of the diagonal that is added to it, so that the
            Hessian has an inverse.
        group_size: the number of inputs that share a scale; -1 for all.
        symmetric: whether the zero point is the middle of the range.
        activation_order: whether inputs are quantized in the order of their importance.
        quantization_layer_structure: a dict of `"pre_block_layers"`, which the tokens pass first,
            and `"sequential_blocks"`, whose layers are quantized; by default that which
            `model.get_quantization_layer_structure("gptq")` returns.

    Raises:
        ValueError: an argument is out of range.

    Example:

    >>> GPTQConfig(dataset=None, tokenizer=None, group_size=32).dtype_policy_string()
    'gptq/4/32'

    References: Elias Frantar et al. (2022), "GPTQ: Accurate Post-Training Quantization for
    Generative Pre-trained Transformers", arXiv 2210.17323.

    Fixes: the data decides on the levels. In Keras 3.15, `Model.quantize` passes no data to the
    algorithm, whose sums stay zero, so that weights are rounded to the nearest level. A group may
    have more than 128 inputs. Models can be saved and loaded; in Keras, files lack the zero points,
    and a config with `quantization_layer_structure` cannot be saved.
    """

    _mode_ = "gptq"

    per_channel: bool
    hessian_damping: float
    symmetric: bool
    activation_order: bool

    def __init__(
        self,
        dataset: Iterable[Any] | None,
        tokenizer: Any,
        *,
        weight_bits: int = 4,
        num_samples: int = 128,
        per_channel: bool = True,
        sequence_length: int = 512,
        hessian_damping: float = 0.01,
        group_size: int = 128,
        symmetric: bool = False,
        activation_order: bool = False,
        quantization_layer_structure: Mapping[str, Any] | None = None,
    ) -> None:
        self._store(locals())
        if weight_bits not in (2, 3, 4, 8):
            raise ValueError(f"weight_bits must be 2, 3, 4 or 8. Received: {weight_bits!r}")
        if not 0 <= hessian_damping <= 1:
            raise ValueError(f"hessian_damping must be in [0, 1]. Received: {hessian_damping!r}")


class AWQConfig(_CalibratedConfig):
    """Config of the mode `"awq"`, which scales the weights of large inputs before quantization.

    Args:
        dataset: the data for calibration: an iterable of texts or of arrays of token indices.
        tokenizer: an object whose method `tokenize` returns the token indices of a text.
        weight_bits: the number of bits of a weight: 4.
        num_samples: the number of sequences for calibration.
        sequence_length: the number of tokens of a sequence.
        group_size: the number of inputs that share a scale; -1 for all.
        num_grid_points: the number of exponents that are tried in the search of the scales.
        quantization_layer_structure: as in `GPTQConfig`.

    Raises:
        ValueError: an argument is out of range.

    Example:

    >>> AWQConfig(dataset=None, tokenizer=None).dtype_policy_string()
    'awq/4/128'

    References: Ji Lin et al. (2023), "AWQ: Activation-aware Weight Quantization for LLM Compression
    and Acceleration", arXiv 2306.00978.

    Fixes: the data decides on the levels. In Keras 3.15, `Model.quantize` passes no data to the
    algorithm, whose magnitudes stay zero, so that all factors are one. Models can be saved and
    loaded; in Keras, files lack the zero points, and a config with `quantization_layer_structure`
    cannot be saved.
    """

    _mode_ = "awq"

    num_grid_points: int

    def __init__(
        self,
        dataset: Iterable[Any] | None,
        tokenizer: Any,
        *,
        weight_bits: int = 4,
        num_samples: int = 128,
        sequence_length: int = 512,
        group_size: int = 128,
        num_grid_points: int = 20,
        quantization_layer_structure: Mapping[str, Any] | None = None,
    ) -> None:
        self._store(locals())
        if weight_bits != 4:
            raise ValueError(f"weight_bits must be 4. Received: {weight_bits!r}")


_DEFAULTS = {
    "int8": Int8QuantizationConfig,
    "int4": Int4QuantizationConfig,
    "float8": Float8QuantizationConfig,
}
_CALIBRATED: dict[str, type[QuantizationConfig]] = {"gptq": GPTQConfig, "awq": AWQConfig}


def resolve_config(mode: str | None, config: Any) -> QuantizationConfig:
    """Returns the config for the arguments `mode` and `config` of `quantize`.

    Raises:
        ValueError: the mode is unknown, contradicts the config, or requires one.
    """
    if isinstance(config, str):
        mode, config = config, None
    if mode is not None and mode not in QUANTIZATION_MODES:
        raise ValueError(f"Unknown mode {mode!r}. {suggest(mode, QUANTIZATION_MODES)}")
    if config is None:
        if mode is None:
            raise ValueError('quantize() requires a mode or a config, as in quantize("int8").')
        if mode in _CALIBRATED:
            raise ValueError(
                f"The mode {mode!r} requires data for calibration: pass "
                f"config=cornu.quantizers.{_CALIBRATED[mode].__name__}(dataset, tokenizer)."
            )
        made: QuantizationConfig = _DEFAULTS[mode]()
        return made
    if not isinstance(config, QuantizationConfig):
        raise ValueError(
            "config must be a config of cornu.quantizers, such as Int8QuantizationConfig(). "
            f"Received: {config!r}"
        )
    if mode is not None and config.mode != mode:
        raise ValueError(f"mode={mode!r} contradicts the config, whose mode is {config.mode!r}.")
    required = _CALIBRATED.get(config.mode, QuantizationConfig)
    if not isinstance(config, required):
        raise ValueError(
            f"The mode {config.mode!r} requires a {required.__name__}. Received: {config!r}"
        )
    return config
