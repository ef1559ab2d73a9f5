"""Every error that is raised on purpose, of the job and of what happens before it.

    SeaIceError               reason: one line without a path; path: the file or folder that it is about
    |-- UsageError            what was asked for cannot be done; remedy: what to do about it
    |   `-- FileError         a file or folder of the user's cannot be used; kind: how it is unusable
    |-- SceneError            one scene is lost, but not the run
    |   |-- HeaderError       its header cannot be read
    |   `-- DecodeError       its pixels cannot be decoded
    |-- NotFiniteError        the network's output is infinite or not a number
    |-- NotWrittenError       the disk does not take a mask
    |-- EngineUnusableError   an engine does not run here, and another one may
    |-- GpuLostError          the GPU fails, and whatever this process asks of it next will
    |-- StoreDownError        an object store has not answered for as long as it was to be waited for
    |-- ChangedError          an object is another one than was listed
    `-- MissingError          an object is not, or no longer, there

Code branches on the type or on `kind`, never on the words. Only commands know what the flag of a setting is
called: a remedy names the setting in braces, and the command that prints the line puts its own flag there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_SETTING = re.compile(r"{([a-z_]+)}")


class SeaIceError(Exception):
    """Base of all; reason is one line, path None where the error is about no file."""

    def __init__(self, reason: str, path: Path | None = None) -> None:
        super().__init__(reason)
        self.reason, self.path = reason, path

    def __str__(self) -> str:
        return self.reason

    def __reduce__(self) -> tuple[Any, ...]:
        """Let it pass from one process to another: what it is made by differs from what it holds."""
        return _restored, (type(self), self.args, self.__dict__)


class UsageError(SeaIceError):
    """What the user asked for cannot be done.

    remedy: what to do, beginning with the punctuation that parts it from the reason. `{name}` in it stands
    for the flag of a setting, as in "; lower {batch} or {crop}"; other braces stay as they are. What the
    user has named, a path for one, belongs into the reason: it may look like a setting in braces.
    """

    def __init__(self, reason: str, remedy: str = "", path: Path | None = None) -> None:
        super().__init__(reason, path)
        self.remedy = remedy

    def line(self, flags: Mapping[str, str]) -> str:
        """Return the message of a command that has these flags; a remedy with another one is left out."""
        try:
            return self._about(flags) + _SETTING.sub(lambda setting: flags[setting[1]], self.remedy)
        except KeyError:
            return self._about(flags)

    def _about(self, flags: Mapping[str, str]) -> str:
        return self.reason

    def __str__(self) -> str:
        return self.line(_AsNamed())


class FileError(UsageError):
    """A file or folder that the user named, or that lies in one, cannot be used.

    kind: a word that code may branch on, such as "missing", "unreadable", "size" or "form"; often empty.
    setting: that named the path, whose flag then stands before it.
    """

    def __init__(
        self, path: Path, reason: str, remedy: str = "", *, kind: str = "", setting: str | None = None
    ) -> None:
        super().__init__(reason, remedy, path)
        self.kind, self.setting = kind, setting

    def _about(self, flags: Mapping[str, str]) -> str:
        try:
            return f"{flags[self.setting]} {self.path}: {self.reason}" if self.setting else self._plain()
        except KeyError:
            return self._plain()

    def _plain(self) -> str:
        return f"{self.path}: {self.reason}"


class SceneError(SeaIceError):
    """A scene gets no mask of its own; the run goes on."""


class HeaderError(SceneError):
    """The header of a scene cannot be read."""


class DecodeError(SceneError):
    """The pixels of a scene cannot be decoded."""


class NotFiniteError(SeaIceError):
    """A logit is infinite or not a number: what it decides would be a guess."""

    def __init__(self) -> None:
        super().__init__("the network's output is not finite")


class NotWrittenError(SeaIceError):
    """A mask cannot be written; the scene and the engine are not to blame."""


class EngineUnusableError(SeaIceError):
    """An engine cannot run on this machine, or not with these weights."""


class GpuLostError(SeaIceError):
    """The GPU has failed. After most errors of CUDA it fails this process for good: another one goes on."""


def _restored(kind: type[SeaIceError], arguments: tuple[Any, ...], state: dict[str, Any]) -> SeaIceError:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(state)
    return error


class _AsNamed(dict[str, str]):
    """The flag of any setting: its name with dashes. What most commands have, and what str(error) shows."""

    def __missing__(self, setting: str) -> str:
        return f"--{setting.replace('_', '-')}"


class StoreDownError(SeaIceError):
    """An object store has not answered for as long as it was to be waited for."""


class ChangedError(SeaIceError):
    """An object in a store is another one than was listed: a mask of it would belong to no known scene."""


class MissingError(SeaIceError):
    """An object is not, or no longer, in its store."""
