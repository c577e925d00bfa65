"""The moment that a night is about. Resolved once; nothing else in the package asks what time it is.

Belongs here: reading `as_of` from text, the hour of the schedule, local dates.
Does not belong here: what is done with it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from personalization_pipeline.foundation.errors import MissingArgument

NIGHT_FORMAT = "%Y%m%dT%H%M%SZ"


def now() -> datetime:
    """The wall clock, naive UTC, whole seconds. Only for `as_of` when nobody says another, and for receipts."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


def read_as_of(text: str, zone: ZoneInfo, hour: int) -> datetime:
    """A moment from text, naive UTC. A bare date means the schedule's hour of that day in the project's zone."""
    cleaned = text.strip().replace("Z", "+00:00")
    try:
        if len(cleaned) == len("2026-11-20"):
            moment = _at_hour(date.fromisoformat(cleaned), hour, zone)
        else:
            moment = datetime.fromisoformat(cleaned)
    except ValueError:
        raise MissingArgument(
            f"as_of {text!r} is not a moment",
            fix="write a date (2026-11-20) or a moment with its offset (2026-11-20T02:00:00Z)",
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return moment.astimezone(UTC).replace(tzinfo=None, microsecond=0)


def scheduled_moments(after: datetime, until: datetime, zone: ZoneInfo, hour: int) -> list[datetime]:
    """The schedule's hour of every local day, later than `after` and not later than `until` (all naive UTC), in order.

    Where summer time begins or ends these are the moments at which Dagster's schedule ticks.
    """
    day, last, found = local_date(after, zone), local_date(until, zone), []
    while day <= last:
        moment = _at_hour(day, hour, zone).replace(tzinfo=None)
        if after < moment <= until:
            found.append(moment)
        day += timedelta(days=1)
    return found


def _at_hour(day: date, hour: int, zone: ZoneInfo) -> datetime:
    """An hour of a local day, in UTC: the later one where it occurs twice, the next one where it is left out."""
    return max(datetime.combine(day, time(hour, fold=fold), zone).astimezone(UTC) for fold in (0, 1))


def moment_of(night: str) -> datetime:
    """as_of of a night, by its name: 20261120T020000Z-r1."""
    return datetime.strptime(night.partition("-")[0], NIGHT_FORMAT)


def local_date(moment: datetime, zone: ZoneInfo) -> date:
    """The calendar day of a naive UTC moment in a zone."""
    return moment.replace(tzinfo=UTC).astimezone(zone).date()
