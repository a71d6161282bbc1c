"""Operations on arrays, Variables and symbolic Tensors, by their names in Keras."""

# Each theme lists its public names; a name that is added there appears here.
# ruff: noqa: F403

from cornu.ops import (
    control,
    convert,
    einops,
    fourier,
    image,
    linalg,
    nn,
    numpy,
    segments,
    slicing,
    special,
)
from cornu.ops.control import *
from cornu.ops.convert import *
from cornu.ops.einops import *
from cornu.ops.fourier import *
from cornu.ops.linalg import *
from cornu.ops.nn import *
from cornu.ops.numpy import *
from cornu.ops.segments import *
from cornu.ops.slicing import *
from cornu.ops.special import *

__all__ = ["image", "linalg", "nn", "numpy"]
__all__ += control.__all__
__all__ += convert.__all__
__all__ += einops.__all__
__all__ += linalg.__all__
__all__ += nn.__all__
__all__ += numpy.__all__
__all__ += segments.__all__
__all__ += fourier.__all__
__all__ += slicing.__all__
__all__ += special.__all__
