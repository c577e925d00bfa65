"""The conditions of an identity model as they are run: another text, the same answer for every pair.

Belongs here: what makes a condition cheaper without changing what it says. Does not belong here: what it says
(comparisons); the artefact keeps that text.
"""

from __future__ import annotations

import re

_VALUE = r"CAST\(\w+ AS VARCHAR\)|\w+"
_SLIP = re.compile(rf"damerau_levenshtein\(({_VALUE}), ({_VALUE})\) <= 1")


def quick(condition: str) -> str:
    """The condition with every distance of at most one asked for only where two values are nearly alike.

    Measuring that distance (Damerau 1964, in bytes) takes longer than all else that is compared together. One slip that
    changes the length is an insertion or deletion, which Levenshtein's cheaper distance counts alike; one that does not
    is one other letter or two swapped, and leaves at most two places different.
    """
    return _SLIP.sub(
        r"CASE WHEN abs(strlen(\1) - strlen(\2)) > 1 THEN false"
        r" WHEN strlen(\1) <> strlen(\2) THEN levenshtein(\1, \2) <= 1"
        r" WHEN \1 = \2 THEN true"
        r" WHEN hamming(\1, \2) > 2 THEN false"
        r" ELSE damerau_levenshtein(\1, \2) <= 1 END",
        condition,
    )
