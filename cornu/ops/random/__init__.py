"""Random distributions and seed generators."""

# Each module lists its public names; a name that is added there appears here.
# ruff: noqa: F403

from cornu.ops.random import distributions
from cornu.ops.random.distributions import *
from cornu.ops.random.generator import SeedGenerator

__all__ = ["SeedGenerator"]
__all__ += distributions.__all__
