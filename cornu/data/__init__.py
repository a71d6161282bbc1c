"""Sources of batches: whatever the user passes as data becomes one of two kinds."""

from cornu.data.adapt import adapt
from cornu.data.arrays import Arrays
from cornu.data.stream import Stream

__all__ = ["Arrays", "Stream", "adapt"]
