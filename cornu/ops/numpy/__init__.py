"""Operations with the names and the meaning that they have in NumPy: `keras.ops.numpy`."""

# Each module lists its public names; a name that is added there appears here.
# ruff: noqa: F403

from cornu.errors import suggest_names as _suggest_names
from cornu.ops.numpy import (
    arithmetic,
    bitwise,
    complex_numbers,
    creation,
    cumulative,
    diagonals,
    exponential,
    functional,
    indexing,
    joining,
    logic,
    nan_reduction,
    products,
    rearranging,
    reduction,
    rounding,
    shaping,
    sorting,
    statistics,
    trigonometric,
)
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

__all__ = []
__all__ += arithmetic.__all__
__all__ += bitwise.__all__
__all__ += complex_numbers.__all__
__all__ += creation.__all__
__all__ += cumulative.__all__
__all__ += diagonals.__all__
__all__ += exponential.__all__
__all__ += functional.__all__
__all__ += indexing.__all__
__all__ += joining.__all__
__all__ += logic.__all__
__all__ += nan_reduction.__all__
__all__ += products.__all__
__all__ += rearranging.__all__
__all__ += reduction.__all__
__all__ += rounding.__all__
__all__ += shaping.__all__
__all__ += sorting.__all__
__all__ += statistics.__all__
__all__ += trigonometric.__all__

_suggest_names(__name__, __all__)
