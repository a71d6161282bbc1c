"""How layers store and apply weights that are quantized or adapted.

`maps` describes the linear map that a layer computes with its weight, `form` is the base class of
what stores and applies the weight, with one module per quantization mode; `low_rank` has the
adapters of LoRA. Layers find forms and maps by name in the registry, so that programs without them
do not import this package. `calibration` chooses the levels of GPTQ and AWQ from data.
"""

from cornu.quantizers.forms.calibrated import AWQ, GPTQ
from cornu.quantizers.forms.conversion import Conversion
from cornu.quantizers.forms.float8 import Float8
from cornu.quantizers.forms.form import WeightForm
from cornu.quantizers.forms.int4 import Int4, Int4Table
from cornu.quantizers.forms.int8 import Int8, Int8Table
from cornu.quantizers.forms.low_rank import LowRank, enable_lora
from cornu.quantizers.forms.maps import Convolution, Einsum, LinearMap, Lookup, Matmul

__all__ = [
    "AWQ",
    "GPTQ",
    "Conversion",
    "Convolution",
    "Einsum",
    "Float8",
    "Int4",
    "Int4Table",
    "Int8",
    "Int8Table",
    "LinearMap",
    "Lookup",
    "LowRank",
    "Matmul",
    "WeightForm",
    "enable_lora",
]
