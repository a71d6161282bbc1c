"""Operations of neural networks: `keras.ops.nn`."""

# Each module lists its public names; a name that is added there appears here.
# ruff: noqa: F403

from cornu.errors import suggest_names as _suggest_names
from cornu.ops.nn import (
    activation,
    attention,
    convolution,
    ctc,
    encoding,
    loss,
    normalization,
    patches,
    pooling,
)
from cornu.ops.nn.activation import *
from cornu.ops.nn.attention import *
from cornu.ops.nn.convolution import *
from cornu.ops.nn.ctc import *
from cornu.ops.nn.encoding import *
from cornu.ops.nn.loss import *
from cornu.ops.nn.normalization import *
from cornu.ops.nn.patches import *
from cornu.ops.nn.pooling import *

__all__ = []
__all__ += activation.__all__
__all__ += attention.__all__
__all__ += convolution.__all__
__all__ += ctc.__all__
__all__ += encoding.__all__
__all__ += loss.__all__
__all__ += normalization.__all__
__all__ += patches.__all__
__all__ += pooling.__all__

_suggest_names(__name__, __all__)
