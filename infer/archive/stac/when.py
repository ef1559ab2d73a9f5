"""When a scene was taken, as far as its name and its file say so without a doubt.

In this order, as each is nearer to the moment of the picture than the next: the file's name; TIFF's
tag DateTime, which many programs set to when they wrote the file; when the object was last changed. The item
says which it was. A name with moments of several days is no answer, as it may hold when the product was made.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

FIRST = datetime(1960, 1, 1, tzinfo=timezone.utc)  # pictures from space
# 20240131T101112, 2024-01-31_10-11-12, 2024-01-31, A2024031.1011 (MODIS: the day of the year)
_CALENDAR = re.compile(
    r"(?<!\d)(\d{4})([-_.]?)(\d{2})\2(\d{2})"
    r"(?:[T_ -]?(\d{2})[-_:.]?(\d{2})(?:[-_:.]?(\d{2}))?(?:\.\d+)?Z?)?(?!\d)"
)
_DAY_OF_YEAR = re.compile(r"(?<![A-Za-z0-9])A(\d{4})(\d{3})(?:[._](\d{2})(\d{2}))?(?!\d)")
_TAG = re.compile(r"(\d{4}):(\d{2}):(\d{2}) (\d{2}):(\d{2}):(\d{2})")


class Taken(NamedTuple):
    """The time of a scene, UTC: begin and end are equal where the moment is known; source says from what."""

    begin: datetime
    end: datetime
    source: str


def taken(name: str, tag: str | None, modified: datetime | None, latest: datetime) -> Taken | None:
    """Return when the scene was taken, None where nothing says so.

    name: of the file, without folders. tag: TIFFTAG_DATETIME, "YYYY:MM:DD HH:MM:SS", read as UTC: TIFF has
    no zones. modified: of the object. latest: no scene can be later; all with time zones.
    """
    found = {moment for moment in _moments(name) if moment.begin >= FIRST and moment.begin <= latest}
    days = {moment.begin.date() for moment in found}
    if len(found) == 1:
        return found.pop()
    if len(days) == 1:
        return Taken(min(one.begin for one in found), max(one.end for one in found), "name")
    tagged = _tagged(tag or "")
    if tagged and FIRST <= tagged <= latest:
        return Taken(tagged, tagged, "tag")
    if modified:
        return Taken(modified, modified, "modified")
    return None


def _moments(name: str) -> list[Taken]:
    found = []
    for year, _, month, day, *clock in _CALENDAR.findall(name):
        found.append(_moment(f"{year} {month} {day}", "%Y %m %d", clock))
    for year, day, *clock in _DAY_OF_YEAR.findall(name):
        found.append(_moment(f"{year} {day}", "%Y %j", [*clock, ""]))
    return [moment for moment in found if moment]


def _moment(day: str, form: str, clock: list[str]) -> Taken | None:
    hour, minute, second = clock
    try:
        begin = datetime.strptime(day, form).replace(tzinfo=timezone.utc)
        if not hour:
            return Taken(begin, begin + timedelta(days=1, seconds=-1), "name")
        begin = begin.replace(hour=int(hour), minute=int(minute), second=int(second or 0))
    except ValueError:  # digits that are no date, such as 20249999, or no time of the day
        return None
    return Taken(begin, begin if second else begin + timedelta(seconds=59), "name")


def _tagged(tag: str) -> datetime | None:
    match = _TAG.fullmatch(tag.strip("\0 "))
    try:
        return datetime(*map(int, match.groups()), tzinfo=timezone.utc) if match else None  # type: ignore[misc,arg-type]
    except ValueError:
        return None
