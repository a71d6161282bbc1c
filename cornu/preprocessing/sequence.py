"""Former module path of `pad_sequences`."""

from cornu.utils.arrays import pad_sequences

__all__ = ["pad_sequences"]
