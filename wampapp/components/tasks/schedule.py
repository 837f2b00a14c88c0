"""When a task is due that is enqueued again and again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wampapp.errors import UsageError
from wampapp.registry.extras import check_extra

#: How many missed times are made up for at most.
MAX_MISSED: Final = 1000


class Schedule:
    """The times of a cron expression, or of an interval.

    Args:
        spec: a cron expression of five fields, or of six with seconds first; or a number of
            seconds.
        timezone: the time zone of the expression.

    Raises:
        UsageError: it is neither, the zone is not known, or cronsim is not installed.
    """

    def __init__(self, spec: str, timezone: str = "UTC") -> None:
        self.spec = spec
        self.timezone = timezone
        self._seconds: float | None = None
        try:
            self._zone = ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError, TypeError):
            raise UsageError(
                f"There is no time zone {timezone!r}; name one such as 'Europe/Berlin' or 'UTC'."
            ) from None
        try:
            self._seconds = float(spec)
        except ValueError:
            self._check_cron()
        else:
            if not 1 <= self._seconds <= 366 * 24 * 3600:
                raise UsageError(f"every({spec}) is not between a second and a year.")

    def _check_cron(self) -> None:
        check_extra("A cron expression", "cronsim", extra="tasks")
        from cronsim import CronSim, CronSimError

        try:
            next(CronSim(self.spec, datetime.now(self._zone)))
        except (CronSimError, StopIteration) as error:
            raise UsageError(
                f"{self.spec!r} is not a cron expression ({error or 'it has no time'}); write it "
                "as 'minute hour day month weekday', such as '*/15 * * * *'."
            ) from None

    def after(self, moment: float) -> float:
        """Return the first time after a moment, in seconds since 1970."""
        if self._seconds is not None:
            # Whole multiples, so that a restart does not shift them.
            return (moment // self._seconds + 1) * self._seconds
        from cronsim import CronSim

        start = datetime.fromtimestamp(moment, UTC).astimezone(self._zone)
        following: datetime = next(CronSim(self.spec, start))
        return following.timestamp()

    def due(self, first: float, now: float, *, catch_up: bool) -> tuple[list[float], float]:
        """Return which times are due, and the first that is not.

        Args:
            first: the first time that was not enqueued yet.
            now: the present.
            catch_up: whether all of them are made up for, or only the last.
        """
        times: list[float] = []
        following = first
        while following <= now and len(times) < MAX_MISSED:
            times.append(following)
            following = self.after(following)
        if following <= now:  # away for too long
            following = self.after(now)
        return (times if catch_up else times[-1:]), following

    def __str__(self) -> str:
        if self._seconds is not None:
            return f"every {timedelta(seconds=self._seconds)}"
        return f"{self.spec} ({self.timezone})"
