"""Operations on arrays, Variables and symbolic Tensors, by their names in Keras."""

# Each module lists its public names; a name that is added there appears here.
# The modules of numpy and nn are imported one by one, because type checkers do not follow
# a star import through a package.
# ruff: noqa: F403

import sys as _sys

from cornu.core.graph.op import register_op_packages as _register_op_packages
from cornu.errors import suggest_names as _suggest_names
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
from cornu.ops.nn.activation import *
from cornu.ops.nn.attention import *
from cornu.ops.nn.convolution import *
from cornu.ops.nn.ctc import *
from cornu.ops.nn.encoding import *
from cornu.ops.nn.loss import *
from cornu.ops.nn.normalization import *
from cornu.ops.nn.patches import *
from cornu.ops.nn.pooling import *
from cornu.ops.numpy.arithmetic import *
from cornu.ops.numpy.bitwise import *
from cornu.ops.numpy.complex_numbers import *
from cornu.ops.numpy.creation import *
from cornu.ops.numpy.cumulative import *
from cornu.ops.numpy.diagonals import *
from cornu.ops.numpy.exponential import *
from cornu.ops.numpy.functional import *
from cornu.ops.numpy.indexing import *
from cornu.ops.numpy.joining import *
from cornu.ops.numpy.logic import *
from cornu.ops.numpy.nan_reduction import *
from cornu.ops.numpy.products import *
from cornu.ops.numpy.rearranging import *
from cornu.ops.numpy.reduction import *
from cornu.ops.numpy.rounding import *
from cornu.ops.numpy.shaping import *
from cornu.ops.numpy.sorting import *
from cornu.ops.numpy.statistics import *
from cornu.ops.numpy.trigonometric import *
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

_register_op_packages(
    {"": _sys.modules[__name__], "image": image, "linalg": linalg, "numpy": numpy}
)
_suggest_names(__name__, __all__)
