"""Open the place of scenes or of a run: a local folder, or an object store by its URL."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from infer.archive.objects.local import LocalPlace
from infer.archive.objects.place import ObjectFacts, Place, Say
from infer.archive.objects.remote import open_remote
from infer.errors import UsageError

__all__ = ["ObjectFacts", "Place", "open_place"]
_SCHEMES = ("s3", "s3a", "gs", "az")


def open_place(url: str | Path, timeout_s: float, say: Say) -> Place:
    """Return the place at a path or URL (file, s3, gs, az); nothing is asked of it yet, see Place.check.

    timeout_s: for how long a store that does not answer is waited for. say: takes a line for the user.
    Credentials are those of the environment (AWS_ACCESS_KEY_ID, AWS_ENDPOINT, AWS_ALLOW_HTTP ...).
    Raises UsageError for a URL of another kind, and where the packages of the archive are missing.
    """
    text = str(url)
    scheme, found, _ = text.partition("://")
    if isinstance(url, Path) or not found:
        return LocalPlace(Path(text))
    if scheme == "file":
        return LocalPlace(Path(unquote(urlsplit(text).path)))
    parts = urlsplit(text)
    if scheme not in _SCHEMES:
        raise UsageError(f"{scheme}:// is no place for an archive", "; use a folder, s3://, gs:// or az://")
    if parts.query or parts.fragment or "@" in parts.netloc:
        reason = f"{scheme}://…: a place is a bucket and a prefix, without secrets or options"
        raise UsageError(reason, "; credentials are taken from the environment")
    if not parts.netloc:
        raise UsageError(f"{text} names no bucket", f"; write {scheme}://BUCKET/PREFIX")
    return open_remote(text.rstrip("/"), timeout_s, say)
