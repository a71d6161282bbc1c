"""Former module path of `pad_sequences`."""

from cornu.errors import suggest_names
from cornu.utils.arrays import pad_sequences

__all__ = ["pad_sequences"]

suggest_names(__name__, __all__)
