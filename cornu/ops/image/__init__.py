"""Operations on images: `keras.ops.image`.

Images have the shape (batch, height, width, channels), or the channels before height and width
with `data_format="channels_first"`; the batch axis may be missing.
"""

# Each module lists its public names; a name that is added there appears here.
# ruff: noqa: F403

from cornu.errors import suggest_names as _suggest_names
from cornu.ops.image import (
    color,
    filter,
    patches,
    sizes,
    warp,
)
from cornu.ops.image.color import *
from cornu.ops.image.filter import *
from cornu.ops.image.patches import *
from cornu.ops.image.sizes import *
from cornu.ops.image.warp import *

__all__ = []
__all__ += color.__all__
__all__ += filter.__all__
__all__ += patches.__all__
__all__ += sizes.__all__
__all__ += warp.__all__

_suggest_names(__name__, __all__)
