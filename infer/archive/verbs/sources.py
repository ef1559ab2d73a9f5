"""Where the scenes of a run come from: all below a place, or those of a Parquet list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

from infer.archive.record.listed import read_list, split_base
from infer.archive.store import ObjectFacts, Place
from infer.archive.verbs.arguments import ArchiveArguments, place_url
from infer.archive.verbs.places import opened
from infer.errors import MissingError, UsageError
from infer.process.files import drop_scratch, scratch_folder

LIST = ".parquet"


class SceneSource(NamedTuple):
    """A place with scenes, and what gives the facts of those that are wanted: all, or those of a list."""

    place: Place
    objects: Callable[[], Iterator[ObjectFacts]]
    is_listing: bool


@contextmanager
def source_of(arguments: ArchiveArguments) -> Iterator[SceneSource]:
    """Give the source that the arguments name; raises UsageError where there is none such."""
    url = place_url(arguments.own.source)
    if not url.lower().endswith(LIST) or Path(url).is_dir():
        if arguments.own.base or arguments.own.asset:
            raise UsageError(f"{url} is no list", ": {base} and {asset} are of lists")
        place = opened(arguments, url)
        if "://" not in url and not Path(url).is_dir():
            raise UsageError(f"no folder {place}", ": give the folder, prefix or list that names the scenes")
        place.check()
        yield SceneSource(place, place.list, True)
        return
    folder, _, name = url.rpartition("/")
    with _local(arguments, folder, name) as path:
        base = place_url(arguments.own.base) if arguments.own.base else folder or "/"
        where, objects = split_base(read_list(path, arguments.own.asset), base)
        place = opened(arguments, where)
        if "://" not in where and not Path(where).is_dir():
            raise UsageError(f"no folder {where}", ": give the place of the list's keys with {base}")
        place.check()
        yield SceneSource(place, lambda: objects, False)


def _local(arguments: ArchiveArguments, folder: str, name: str) -> AbstractContextManager[Path]:
    """Give the list as a local file."""
    if "://" in folder:
        return _fetched(arguments, folder, name)
    return _there(Path(folder, name))


@contextmanager
def _there(path: Path) -> Iterator[Path]:
    if not path.is_file():
        raise UsageError(f"no list {path}", ": give the folder, prefix or list that names the scenes")
    yield path


@contextmanager
def _fetched(arguments: ArchiveArguments, folder: str, name: str) -> Iterator[Path]:
    local = scratch_folder("sea-ice-archive")
    try:
        try:
            opened(arguments, folder).fetch(name, local / name)
        except MissingError:
            reason = f"no list {folder}/{name}"
            raise UsageError(reason, ": give the folder, prefix or list that names the scenes") from None
        yield local / name
    finally:
        drop_scratch(local)
