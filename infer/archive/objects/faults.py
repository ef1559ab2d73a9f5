"""What an error of obstore means: whether waiting helps, and in which words it is told.

obstore has few types of errors and no status codes, so this one module reads their text.
It never shows it whole: a URL in it may hold a signature.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from infer.process.text import one_line

_STATUS = re.compile(r"(?:non-2xx status code: |status: )(\d{3})")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_AGAIN = {408, 409, 425, 429}  # of the client's errors those that pass
_OURS = ("PermissionDeniedError", "UnauthenticatedError")
_CREDENTIALS = "; set the credentials of the store in the environment, such as AWS_ACCESS_KEY_ID"
# What obstore says before it has asked anything; in the order in which they are looked for.
_BEFORE_ASKING = (
    (
        r"MissingAccessKeyId|MissingSecretAccessKey|169\.254\.|CredentialProvider",
        "no credentials",
        _CREDENTIALS,
    ),
    (r"TokenRequest|token request", "no credentials", _CREDENTIALS),
    (r"MissingAccount|Account must be", "no account", "; set AZURE_STORAGE_ACCOUNT_NAME"),
    (r"MissingRegion|RegionParse|without LOCATION", "the wrong region, or none", "; set AWS_REGION"),
    (r"BadScheme", "its address is http", "; set AWS_ALLOW_HTTP=true where that is meant"),
    (r"InvalidUri|RelativeUrl|UnableToParseUrl|builder error", "its address is no URL", "; set AWS_ENDPOINT"),
    (r"dns error|failed to lookup", "no host has the name of its address", "; look at AWS_ENDPOINT"),
)


class Fault(NamedTuple):
    """reason: in a few words. lasting: whether waiting is of no use. remedy: as of a UsageError."""

    reason: str
    lasting: bool = False
    remedy: str = ""


def fault_of(error: BaseException) -> Fault:
    """Return what an error of obstore, or what it panics with, means."""
    text = str(error)
    found, code = _STATUS.search(text), _CODE.search(text)
    status = int(found[1]) if found else 0
    said = " ".join(part for part in (str(status or ""), code[1] if code else "") if part)
    for pattern, reason, remedy in _BEFORE_ASKING:
        if re.search(pattern, text):
            return Fault(reason, True, remedy)
    if type(error).__name__ in _OURS or status in (401, 403):
        return Fault(f"access is refused ({said or 'permission'})", True, _CREDENTIALS)
    if (code and code[1] == "NoSuchBucket") or status == 404:
        return Fault("there is no such bucket", True, "; make it, or look at its name and at AWS_ENDPOINT")
    if 300 <= status < 500 and status not in _AGAIN and not (code and code[1] == "RequestTimeout"):
        return Fault(f"it answers {said}", True, "; look at AWS_ENDPOINT and AWS_REGION")
    return Fault(f"it answers {said}" if said else _in_words(text, type(error).__name__))


def lacks_bucket(error: BaseException) -> bool:
    """Return whether it is the bucket that is not found, and not an object in it."""
    return "NoSuchBucket" in str(error)


def _in_words(text: str, kind: str) -> str:
    """Return the cause at the end of the first line, without addresses."""
    first = " ".join(text.split("Debug source")[0].split())
    cause = re.sub(r"\S*(://|\?)\S*", "…", first.rpartition(" - ")[2] or first)
    return one_line(cause[:120]) or kind
