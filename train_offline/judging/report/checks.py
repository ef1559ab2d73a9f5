"""What a verdict rests on: every check by its name, whether it could be made, and whether it was passed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Seen:
    """What there was to check.

    masks: files under the name of a scene's mask; read: those of them whose pixels could be read. truths:
    scenes with a true mask. time_limit: seconds, None for none. timed_out: something was killed for its time.
    owner_known: whose the masks must be can be told. variants: kinds of findings that further runs were for.
    """

    scenes: int
    masks: int
    read: int
    truths: int
    time_limit: float | None = None
    timed_out: bool = False
    in_container: bool = False
    owner_known: bool = True
    variants: Collection[str] = ()


@dataclass(frozen=True)
class Check:
    """One check. kinds: of the findings that fail it; each kind is in one check only.

    not_made: why it could not be made, empty where it was. of: how many files it looked at, where that can
    be fewer than there are scenes. variant: it belongs to a further run, and is listed only if that was made.
    """

    name: str
    words: str
    kinds: tuple[str, ...]
    not_made: Callable[[Seen], str] = lambda seen: ""
    of: Callable[[Seen], int] | None = None
    variant: bool = False


def _no_mask(seen: Seen) -> str:
    return "" if seen.masks else "there is no mask"


def _no_pixels(seen: Seen) -> str:
    return "" if seen.read else "no mask could be read"


def _masks(seen: Seen) -> int:
    return seen.masks


CHECKS = (
    Check("exit code", "the job must end by itself, with 0", ("exit",),
          lambda seen: "it was stopped for its time" if seen.timed_out else ""),
    Check("time", "it must end within the time limit", ("time",),
          lambda seen: "" if seen.time_limit else "no limit was given"),
    Check("one mask per scene", "each scene must have a mask", ("missing",)),
    Check("names", "each mask must be named after its scene", ("stem",)),
    Check("nothing else", "the output folder must hold nothing but masks", ("extra",)),
    Check("whole files", "each file must be written to its end", ("partial",), _no_mask, _masks),
    Check("size", "each mask must be as high and as wide as its scene", ("size",), _no_mask, _masks),
    Check("PNG", "each mask must be a PNG that a strict reader takes", ("unreadable",), _no_mask, _masks),
    Check("mode", "each mask must have one channel of 8 bits", ("mode",), _no_mask, _masks),
    Check("values", "each pixel must be 0 or 255", ("values",), _no_pixels, lambda seen: seen.read),
    Check("owner", "each mask must belong to the user that the job ran as", ("owner",),
          lambda seen: _no_mask(seen) if seen.owner_known else "a rootless engine changes owners", _masks),
    Check("readable", "each mask must be readable for another user", ("permissions",), _no_mask, _masks),
    Check("nothing elsewhere", "nothing may be written or changed outside of the output", ("outside",)),
    Check("no process left", "no process may outlive the job", ("processes",),
          lambda seen: "a container ends with all its processes" if seen.in_container else ""),
    Check("truths", "each true mask must fit its scene, or there is nothing to score by", ("truth",),
          lambda seen: "" if seen.truths else "no scene has a true mask"),
    Check("default line", "a plain `docker run`, without --user, must make the same masks",
          ("default-line",), variant=True),
    Check("hard limits", "a container that gets little must make whole masks, 99 % of each the same",
          ("hard",), variant=True),
)  # fmt: skip


def results(kinds: Collection[str], seen: Seen) -> list[dict[str, Any]]:
    """Return each check as {"name", "words", "passed"}; passed is None where it could not be made.

    kinds: of all findings.
    """
    return [_result(check, kinds, seen) for check in CHECKS if _is_listed(check, kinds, seen)]


def _is_listed(check: Check, kinds: Collection[str], seen: Seen) -> bool:
    return not check.variant or bool(set(check.kinds) & {*seen.variants, *kinds})


def _result(check: Check, kinds: Collection[str], seen: Seen) -> dict[str, Any]:
    failed = bool(set(check.kinds) & set(kinds))
    why_not = "" if failed else check.not_made(seen)
    words = check.words
    if check.name == "time" and seen.time_limit:
        words += f" of {seen.time_limit:g} s"
    if why_not:
        words += f": {why_not}"
    elif check.of and check.of(seen) < seen.scenes:
        words += f" ({check.of(seen)} of {seen.scenes} looked at)"
    return {"name": check.name, "words": words, "passed": None if why_not else not failed}
