"""Random sizes at which libraries fail: 1, primes, powers of two and their neighbors, long axes."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

__all__ = ["DTYPES", "LONGEST", "Sampler"]

T = TypeVar("T")

# float32 is what most models use, so half of the cases are.
DTYPES = ("float32", "float32", "bfloat16", "float16")
LONGEST = 100_000
_WORK = 2**19
_LARGE_WORK = 2**24


class Sampler:
    """Draws the sizes and values of one case.

    A case is a pure function of seed, kind and number, so that each one can be repeated alone.

    Args:
        kind: the kind of operation, or the family of models.
        number: of the case.
        seed: of the whole run.
    """

    def __init__(self, kind: str, number: int, seed: int = 0) -> None:
        self.rng = np.random.default_rng([seed, zlib.crc32(kind.encode()), number])

    def chance(self, probability: float) -> bool:
        """Returns True with a probability."""
        return bool(self.rng.random() < probability)

    def choice(self, options: Sequence[T]) -> T:
        """Returns one of some options."""
        return options[int(self.rng.integers(len(options)))]

    def size(self, most: int) -> int:
        """Returns a size between 1 and `most`; small ones are as likely as large ones."""
        if most <= 1 or self.chance(0.08):
            return 1
        near = 2 ** self.rng.uniform(0, math.log2(most))
        power = 2 ** round(math.log2(near))
        kind = self.choice(("prime", "power", "neighbor", "any"))
        sampled = {
            "prime": _prime_below(round(near)),
            "power": power,
            "neighbor": power + self.choice((-1, 1)),
            "any": round(near),
        }[kind]
        return min(max(sampled, 1), most)

    def sizes(self, count: int, product: int, most: int = LONGEST) -> list[int]:
        """Returns sizes in random order whose product is at most `product`.

        Now and then one of them is long and the others are at most 4.
        """
        thin = count > 1 and self.chance(0.1)
        found = []
        for place in range(count):
            left = count - place
            # Leaves the later axes about as much as each of them needs.
            bound = min(product, most, round(product ** min(1.0, 1.6 / left)))
            if thin and place:
                bound = min(product, 4)
            elif thin:
                bound = max(min(product, most) // 4 ** (count - 1), 1)
            # The long axis is sampled near its bound.
            size = self.size(bound)
            if thin and not place:
                size = max(size, bound - self.size(max(bound // 2, 1)))
            found.append(size)
            product //= size
        return [found[place] for place in self.rng.permutation(count)]

    def work(self) -> int:
        """Returns how many multiplications or elements a case may have: mostly few."""
        most = _LARGE_WORK if self.chance(0.05) else _WORK
        return int(2 ** self.rng.uniform(6, math.log2(most)))

    def normal(self, *shape: int) -> np.ndarray:
        """Returns normal numbers."""
        return self.rng.normal(size=shape)


def _prime_below(number: int) -> int:
    """Returns the largest prime that is not larger than a number, 2 at least."""
    for candidate in range(max(number, 2), 2, -1):
        if all(candidate % divisor for divisor in range(2, math.isqrt(candidate) + 1)):
            return candidate
    return 2
