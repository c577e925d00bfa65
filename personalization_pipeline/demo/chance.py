"""All randomness of the demo world: every number is a function of the seed, a stream's name and the number of a thing.

Belongs here: turning those into choices, for many things at once (`Draws`) or for one (`Luck`). Does not belong here:
what is chosen. Nothing has a state that runs over things, so any person or record can be made without the others.
SQL has the same idea as the macro `u` (see world).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Item = TypeVar("Item")
Numbers = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Weights = Sequence[tuple[Any, float]]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_NORMAL = np.array([NormalDist().inv_cdf((step + 0.5) / 4096) for step in range(4096)])


class Draws:
    """Chance of the things with these numbers. Streams of different names are independent, so a new one moves no other."""

    def __init__(self, seed: int, numbers: Numbers) -> None:
        self._seed = seed
        self._steps = numbers.astype(np.uint64) * _GOLDEN

    def bits(self, stream: str) -> NDArray[np.uint64]:
        """64 even bits per thing: the finaliser of SplitMix64 (Steele, Lea and Flood 2014)."""
        key = np.uint64(int.from_bytes(hashlib.sha256(f"{self._seed}/{stream}".encode()).digest()[:8], "big"))
        z = self._steps + key
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))

    def uniform(self, stream: str) -> Floats:
        """Numbers in [0, 1)."""
        return np.asarray((self.bits(stream) >> np.uint64(11)) * 2.0**-53, dtype=np.float64)

    def happens(self, stream: str, probability: float | Floats) -> Flags:
        """True with this probability."""
        return np.asarray(self.uniform(stream) < probability)

    def between(self, stream: str, low: int | Numbers, high: int | Numbers) -> Numbers:
        """Whole numbers from low to high, both included, all equally likely."""
        width = np.asarray(high) - np.asarray(low) + 1
        return np.asarray(low + (self.uniform(stream) * width).astype(np.int64), dtype=np.int64)

    def weighted(self, stream: str, weights: Weights) -> NDArray[Any]:
        """Items in proportion to their weights, which need not add up to one."""
        edges = np.cumsum([weight for _, weight in weights])
        place = np.searchsorted(edges / edges[-1], self.uniform(stream), side="right")
        return np.array([item for item, _ in weights])[place]

    def common(self, stream: str, lengths: int | Numbers) -> Numbers:
        """Places in lists of these lengths, listed from the most common down: frequency falls about as 1 / (place + 12).

        Without the 12 the first name would be borne by every tenth person; with it by every thirtieth, as in registers.
        """
        size = np.asarray(lengths)
        place = 12 * np.exp(self.uniform(stream) * np.log1p(size / 12)) - 12
        return np.asarray(np.minimum(place.astype(np.int64), size - 1), dtype=np.int64)

    def exponential(self, stream: str, mean: float | Floats) -> Floats:
        """Waiting times with this mean; also the gamma distribution of shape 1."""
        return np.asarray(-mean * np.log1p(-self.uniform(stream)))

    def normal(self, stream: str) -> Floats:
        """Standard normal numbers, in 4,096 steps."""
        return _NORMAL[(self.bits(stream) >> np.uint64(52)).astype(np.int64)]

    def beta_one(self, stream: str, b: float) -> Floats:
        """Shares from the beta distribution with a = 1, by its inverse: mean 1 / (1 + b)."""
        return np.asarray(1 - (1 - self.uniform(stream)) ** (1 / b))

    def poisson(self, stream: str, mean: Floats, most: int) -> Numbers:
        """Poisson counts by inversion, at most `most`; good for means below 500."""
        left, count = self.uniform(stream), np.zeros(len(mean), dtype=np.int64)
        term = np.exp(-mean)
        open_ = left >= term
        for step in range(1, most + 1):
            if not open_.any():
                break
            left = left - term
            term = term * mean / step
            count[open_] = step
            open_ &= left >= term
        return count


@dataclass
class Luck:
    """The chance of one thing: 64 bits, used up choice by choice."""

    bits: int

    def between(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        self.bits, place = divmod(self.bits, high - low + 1)
        return low + place

    def pick(self, items: Sequence[Item]) -> Item:
        """One of the items, all equally likely."""
        return items[self.between(0, len(items) - 1)]

    def happens(self, percent: int) -> bool:
        """True this often in a hundred."""
        return self.between(0, 99) < percent
