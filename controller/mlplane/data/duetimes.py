"""When a schedule of cron is due, in UTC. Pure: the present is an argument.

Called by ``reconcilers`` and ``gitops.validate``.
"""

from datetime import datetime, timedelta

from cronsim import CronSim, CronSimError


def fault_of(schedule: str) -> str:
    """What is wrong with a schedule, such as a minute that no hour has; empty if nothing is."""
    try:
        CronSim(schedule, datetime.min)  # noqa: DTZ901 - only parsed
    except CronSimError as error:
        return str(error)
    return ""


def latest_due(schedule: str, after: datetime, now: datetime) -> datetime | None:
    """The last due time up to now; None if there was none since ``after``.

    Those before it that were missed do not come back: two looks at a source say no more than one.
    """
    # The due time at which it is now counts, too: the search leaves out where it starts.
    latest: datetime = next(CronSim(schedule, now + timedelta(seconds=1), reverse=True))
    return latest if latest > after else None


def next_due(schedule: str, now: datetime) -> datetime:
    """The first due time after now."""
    following: datetime = next(CronSim(schedule, now))
    return following
