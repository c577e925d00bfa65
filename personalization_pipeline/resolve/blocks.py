"""Which pairs of records are looked at: those that share the columns of a block.

Belongs here: the blocks to score and to learn in, and the bound on how many pairs each may bring. Does not belong here:
what is compared (comparisons), and what a pair is worth (identity_model, link).

A block trusts a few facts to be without a mistake, so no block finds everybody. There are many: whichever two facts of
a person are right, one block looks there. One that would bring too many pairs is narrowed by the first letters of
names, and left out where that is not enough; the artefact says so.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import jellyfish
import polars as pl

Block = tuple[str, ...]

PAIRS_PER_RECORD = 20  # the most that one block may bring, for each record
FEW_PAIRS = 100_000  # in all; as many may be looked at whatever the number of records
# In all: of a million records a block may bring two pairs each. Many records need sharper blocks, and most have them.
MANY_PAIRS = 2_000_000

# A column in parentheses counts by its first letter. The first ones are scored first.
BLOCKS: tuple[Block, ...] = (
    ("email_std",),
    ("phone_std",),
    ("national_id_std",),
    ("email_local",),
    ("name_low", "name_high"),
    ("birth_date",),
    ("first_name_sound", "last_name_sound"),
    ("last_name_std", "postal_code_std"),
    ("last_name_std", "city_std"),
    ("last_name_std", "birth_place_std"),
    ("first_name_std", "postal_code_std"),
    ("first_name_std", "city_std"),
    ("first_name_std", "birth_place_std"),
    ("street_std", "house_number"),
    ("street_std", "first_name_std"),
    ("last_name_std", "birth_year"),
    ("first_name_std", "birth_year"),
    ("birth_day", "last_name_sound"),
    ("birth_day", "first_name_sound"),
    ("first_name_std", "middle_name_std"),
    ("last_name_std", "middle_name_std"),
    ("postal_code_std", "birth_year"),
    ("city_std", "birth_year"),
    ("birth_place_std", "birth_year"),
    ("birth_place_std", "birth_day"),
    ("last_name_sound",),
    ("first_name_sound",),
    ("birth_year",),
    ("birth_day",),
    ("postal_code_std",),
    ("city_std",),
    ("birth_place_std",),
)
NARROWER = (("(first_name_std)",), ("(last_name_std)",), ("(first_name_std)", "(last_name_std)"))


def with_keys(standardised: pl.DataFrame) -> pl.DataFrame:
    """The records with what only blocks look at: both names in alphabetical order, their sounds, parts of birth dates."""
    first, last = pl.col("first_name_std"), pl.col("last_name_std")
    given_year = pl.col("birth_year") if "birth_year" in standardised.columns else pl.lit(None, pl.Int32)
    return standardised.with_columns(
        pl.when(first.is_not_null() & last.is_not_null()).then(pl.min_horizontal(first, last)).alias("name_low"),
        pl.when(first.is_not_null() & last.is_not_null()).then(pl.max_horizontal(first, last)).alias("name_high"),
        _sound(standardised["first_name_std"]).alias("first_name_sound"),
        _sound(standardised["last_name_std"]).alias("last_name_sound"),
        pl.coalesce(given_year, pl.col("birth_date").dt.year()).alias("birth_year"),
        pl.col("birth_date").dt.strftime("%m-%d").alias("birth_day"),
    )


def bounded(
    records: pl.DataFrame, filled: frozenset[str], blocks: tuple[Block, ...]
) -> tuple[list[Block], list[str], int]:
    """The blocks that bring few enough pairs, those that bring too many narrowed; in words what was left out; and how
    many pairs those blocks bring, one that several bring counted as often.
    """
    bound = min(max(PAIRS_PER_RECORD * records.height, FEW_PAIRS), MANY_PAIRS)
    kept: list[Block] = []
    left_out: list[str] = []
    counted = functools.cache(functools.partial(count_pairs, records))
    for block in blocks:
        if not columns_of(block) <= filled:
            continue
        within = [one for one in _narrowed(counted, block, filled, bound) if not _is_covered(one, kept)]
        kept += within
        if block not in within and not _is_covered(block, kept):
            left_out.append(f"{' + '.join(block)}: {counted(block)} pairs")
    return kept, left_out, sum(map(counted, kept))


def rule_of(block: Block) -> str:
    """A block as an SQL join condition over l and r, the same for both orders of a pair."""
    return " AND ".join(f"{_key('l', column)} = {_key('r', column)}" for column in block)


def columns_of(block: Block) -> set[str]:
    """The columns that a block needs."""
    return {column.strip("()") for column in block}


def count_pairs(records: pl.DataFrame, block: Block) -> int:
    """How many pairs of the records share the columns of a block."""
    keys = [pl.col(column[1:-1]).str.head(1).alias(column) if column[0] == "(" else column for column in block]
    sizes = records.select(keys).drop_nulls().group_by(block).len()["len"].cast(pl.Int64)
    return int((sizes * (sizes - 1)).sum()) // 2


def _narrowed(counted: Callable[[Block], int], block: Block, filled: frozenset[str], bound: int) -> Iterator[Block]:
    """The block itself, or what is left of it within the bound: by either first letter, else by both."""
    if counted(block) <= bound:
        yield block
        return
    *either, both = [
        (*block, *letters)
        for letters in NARROWER
        if columns_of(letters) <= filled and not columns_of(letters) & columns_of(block)
    ] or [block]
    found = [narrow for narrow in either if counted(narrow) <= bound]
    yield from found
    if not found and counted(both) <= bound:
        yield both


def _is_covered(block: Block, kept: list[Block]) -> bool:
    return any(set(other) <= set(block) for other in kept)


def _key(side: str, column: str) -> str:
    return f"substr({side}.{column[1:-1]}, 1, 1)" if column.startswith("(") else f"{side}.{column}"


def _sound(names: pl.Series) -> pl.Series:
    """How names sound in English (Metaphone, Philips 1990): spellings of one name share it more often than letters."""
    distinct = names.drop_nulls().unique().sort()
    sounds = pl.Series([jellyfish.metaphone(name).replace(" ", "") or name for name in distinct], dtype=pl.String)
    return names.replace_strict(distinct, sounds, default=None, return_dtype=pl.String)
