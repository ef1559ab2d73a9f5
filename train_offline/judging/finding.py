"""One fault of a submission: where it is, what it is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = {
    "missing": "a scene without its mask",
    "stem": "a mask under another name than its scene's",
    "extra": "a file that nobody asked for",
    "partial": "a file that was not written to its end",
    "unreadable": "a mask that is no image, or no PNG",
    "size": "a mask of another size than its scene",
    "mode": "a mask that is not one channel of 8 bits",
    "values": "a mask with other values than 0 and 255",
    "owner": "a file of another user than the job's",
    "permissions": "a file that the judge may not read",
    "outside": "something written or changed outside of the output folder",
    "exit": "a job that did not end with 0",
    "time": "a job that did not end in time",
    "processes": "a job that left processes behind",
    "default-line": "something that the judge's plain `docker run` line gets otherwise than a strict one",
    "hard": "something that goes wrong where a container gets very little",
    "truth": "a true mask that cannot be compared with: not the submission's fault, but nothing to score by",
}


@dataclass(frozen=True)
class Finding:
    """kind: one of KINDS. file: what it is about, relative to the output folder where it lies in there."""

    kind: str
    file: str
    what: str
    fix: str

    def __str__(self) -> str:
        where = f"{self.file}: " if self.file else ""
        return f"{where}{self.what}; {self.fix}"
