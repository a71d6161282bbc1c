"""Operations with the names and the meaning that they have in NumPy: `keras.ops.numpy`."""

# Each theme lists its public names; a name that is added there appears here.
# ruff: noqa: F403

from cornu.ops.numpy import (
    creation,
    elementwise,
    functional,
    indexing,
    manipulation,
    products,
    reduction,
)
from cornu.ops.numpy.creation import *
from cornu.ops.numpy.elementwise import *
from cornu.ops.numpy.functional import *
from cornu.ops.numpy.indexing import *
from cornu.ops.numpy.manipulation import *
from cornu.ops.numpy.products import *
from cornu.ops.numpy.reduction import *

__all__: list[str] = []
__all__ += creation.__all__
__all__ += elementwise.__all__
__all__ += functional.__all__
__all__ += indexing.__all__
__all__ += manipulation.__all__
__all__ += products.__all__
__all__ += reduction.__all__
