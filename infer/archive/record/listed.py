"""Scenes by a Parquet list, in place of a listing: a table of keys or URLs, or a stac-geoparquet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from infer.archive.objects.place import ObjectFacts
from infer.errors import UsageError
from infer.process.text import in_short

if TYPE_CHECKING:
    import pyarrow.parquet

NAMES = ("key", "href", "url")  # of the column that says where a scene lies, the first that is there
BATCH = 10_000  # rows that are Python's at once
SCENE = (".tif", ".tiff")
_REMEDY = ": give a Parquet table with a column key (also etag, size), or a stac-geoparquet"


class Listed(NamedTuple):
    """A scene as a list has it. href: a key, a path or a URL. size: bytes, 0 where it is not known."""

    href: str
    size: int
    etag: str | None


def read_list(path: Path, asset: str | None = None) -> Iterator[Listed]:
    """Yield what a Parquet file lists, some rows in memory at a time.

    Its column key, href or url says where a scene lies; etag and size (bytes) are optional. Or it is a
    stac-geoparquet: of the items' assets the one of that name, else the first that is a TIFF by its href.
    Raises UsageError where it is no such list.
    """
    with _opened(path) as table:
        names = table.schema_arrow.names
        place = next((name for name in NAMES if name in names), None)
        if place is None and "assets" not in names:
            raise UsageError(f"{path} says nowhere where its scenes are", _REMEDY)
        if place and asset:
            raise UsageError(f"{path} lists scenes by {place}, and has no assets", ": leave out {asset}")
        wanted = [place, *(name for name in ("etag", "size") if name in names)] if place else ["assets"]
        for batch in table.iter_batches(BATCH, columns=wanted):
            for row in batch.to_pylist():
                yield _of_row(row, place, path) if place else _of_item(row["assets"], asset, path)


def split_base(listed: Iterable[Listed], base: str) -> tuple[str, Iterator[ObjectFacts]]:
    """Return the place that all scenes lie in, and their keys there.

    base: the place of those that are named by keys alone. URLs name their bucket themselves, paths the root;
    raises UsageError, sooner or later, for scenes of two places and for what is no key.
    """
    source = iter(listed)
    first = next(source, None)
    if first is None:
        return base, iter(())
    place = _parts(first.href, base)[0]

    def facts() -> Iterator[ObjectFacts]:
        yield _facts(first, place, base)
        for one in source:
            yield _facts(one, place, base)

    return place, facts()


def _facts(one: Listed, place: str, base: str) -> ObjectFacts:
    there, key = _parts(one.href, base)
    if there != place:
        reason = f"the list names scenes in {place} and in {there}"
        raise UsageError(reason, ": plan a run for each place")
    if "\0" in key or any(step in ("", ".", "..") for step in key.split("/")):
        raise UsageError(f"{one.href!r} is no key of a scene", ": write it as a/b.tif")
    return ObjectFacts(key, one.size, one.etag)


def _parts(href: str, base: str) -> tuple[str, str]:
    """Return the place and the key that a key, a path or a URL stands for."""
    scheme, found, rest = href.partition("://")
    if found and scheme != "file":
        bucket, _, key = rest.partition("/")
        return f"{scheme}://{bucket}", key
    path = unquote(urlsplit(href).path) if found else href
    return ("/", path[1:]) if path.startswith("/") else (base, path)


def _of_row(row: dict[str, Any], place: str, path: Path) -> Listed:
    href, etag = row[place], row.get("etag")
    try:
        size = int(row.get("size") or 0)
        if not 0 <= size < 2**63:
            raise ValueError("no size")
        return Listed(_text(href), size, None if etag is None else _text(etag))
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageError(
            f"{path} has a row without a usable {place}, size or etag: {row}", _REMEDY
        ) from error


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("no text")
    return value


def _of_item(assets: object, asset: str | None, path: Path) -> Listed:
    named = assets if isinstance(assets, dict) else {}
    hrefs = {name: str(one.get("href") or "") for name, one in named.items() if isinstance(one, dict)}
    if asset is None:
        href = next((href for href in hrefs.values() if href.lower().endswith(SCENE)), "")
    else:
        href = hrefs.get(asset, "")
    if not href:
        what = "no asset that is a TIFF" if asset is None else f"no asset {asset}"
        raise UsageError(f"{path} has an item with {what}, but {', '.join(hrefs) or 'none'}", _REMEDY)
    return Listed(href, 0, None)


@contextmanager
def _opened(path: Path) -> Iterator[pyarrow.parquet.ParquetFile]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        reason = 'a list of scenes needs the packages of the image\'s target "archive"'
        raise UsageError(reason, " (or .venv: ./run.sh setup)") from None
    try:
        with pyarrow.parquet.ParquetFile(path) as table:
            yield table
    except (pyarrow.ArrowException, OSError) as error:
        raise UsageError(f"{path} cannot be read as a list of scenes: {in_short(error)}", _REMEDY) from error
