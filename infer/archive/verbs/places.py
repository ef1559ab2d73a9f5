"""The places that a verb is called with, and the exit codes of all verbs."""

from __future__ import annotations

from infer.archive.store import Place, open_place
from infer.archive.verbs.arguments import ArchiveArguments, place_url
from infer.process.progress import tell

DONE, WRONG_CALL, FAILED_SCENES, STORE_DOWN = 0, 2, 4, 7


def opened(arguments: ArchiveArguments, url: str) -> Place:
    """Return the place at a path or URL."""
    return open_place(place_url(url), arguments.own.store_timeout, tell)


def run_place(arguments: ArchiveArguments) -> Place:
    """Return the place of the run."""
    return opened(arguments, arguments.own.output)
