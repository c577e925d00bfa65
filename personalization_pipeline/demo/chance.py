"""All randomness of the demo world: named streams of one seed, and the few distributions that the world needs.

Belongs here: turning uniform numbers into choices. Does not belong here: what is chosen.
Only `Random.random()` is used: it is the one method whose sequence Python promises to keep between versions.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Sequence
from statistics import NormalDist
from typing import TypeVar

Item = TypeVar("Item")


class Chance:
    """One stream of chance; streams of different names are independent, so a new module moves no older one."""

    def __init__(self, seed: int, stream: str) -> None:
        digest = hashlib.sha256(f"{seed}/{stream}".encode()).digest()
        self._source = random.Random(int.from_bytes(digest, "big"))

    def uniform(self) -> float:
        """A number in [0, 1)."""
        return self._source.random()

    def happens(self, probability: float) -> bool:
        """True with this probability."""
        return self.uniform() < probability

    def between(self, low: int, high: int) -> int:
        """A whole number from low to high, both included, all equally likely."""
        return low + int(self.uniform() * (high - low + 1))

    def pick(self, items: Sequence[Item]) -> Item:
        """One of the items, all equally likely."""
        return items[int(self.uniform() * len(items))]

    def pick_common(self, items: Sequence[Item]) -> Item:
        """One of the items, listed from the most common down: frequency falls about as 1 / (rank + 12) (Zipf).

        Without the 12 the first name would be borne by every tenth person; with it by every thirtieth, as in registers.
        """
        place = 12 * math.exp(self.uniform() * math.log1p(len(items) / 12))
        return items[min(int(place) - 12, len(items) - 1)]

    def pick_weighted(self, weights: Sequence[tuple[Item, float]]) -> Item:
        """One of the items in proportion to its weight; the weights need not add up to one."""
        left = self.uniform() * math.fsum(weight for _, weight in weights)
        for item, weight in weights:
            left -= weight
            if left < 0:
                return item
        return weights[-1][0]

    # The next two keep away from 0, where the inverse has no value.
    def exponential(self, mean: float) -> float:
        """A waiting time with this mean; also the gamma distribution of shape 1."""
        return -mean * math.log(max(self.uniform(), 1e-12))

    def normal(self) -> float:
        """A standard normal number."""
        return NormalDist().inv_cdf(max(self.uniform(), 1e-12))

    def beta_one(self, b: float) -> float:
        """A share from the beta distribution with a = 1, by its inverse: mean 1 / (1 + b)."""
        return float(1 - (1 - self.uniform()) ** (1 / b))
