"""What a run did: status of each scene, where the seconds went, as one line and as JSON."""

from __future__ import annotations

import json
import resource
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from infer import __version__
from infer.errors import UsageError
from infer.process.clock import process_start
from infer.process.journal import Redone
from infer.settings import DEFAULT_THRESHOLD


@dataclass(frozen=True)
class SceneResult:
    """status: ok; kept (by --resume); degraded (a black mask, error says why); failed (no mask, likewise).

    notes: what a user should know of how it was read.
    """

    name: str
    height: int
    width: int
    status: str
    error: str | None = None
    ice_fraction: float | None = None
    notes: tuple[str, ...] = ()


@dataclass
class Seconds:
    """Where the time went. start, first_mask, predicted and total count from the start of the process.

    retries is a part of start; weights, imports and device are parts of setup. read is the decoding thread's
    and write the sum over the writing threads; both run beside predict, so that the parts add up to more than
    the total.
    """

    start: float = 0.0  # interpreter and arguments
    retries: float = 0.0  # child processes that crashed, and those that tried single scenes after them
    setup: float = 0.0  # from there until the network is on its device
    weights: float = 0.0  # reading and checking them
    imports: float = 0.0  # torch or ONNX Runtime
    device: float = 0.0  # the network put together on its device, and the first touch of a GPU
    first_mask: float | None = None
    predicted: float | None = None  # when the last mask was handed to the writing threads
    read: float = 0.0
    predict: float = 0.0
    write: float = 0.0
    total: float = 0.0


@dataclass
class RunReport:
    """Everything about one run; peak memory in bytes, None where the engine does not tell.

    threshold: probability above which a pixel is ice. polygons: how many were drawn, None where none were
    asked for; polygons_error: why some are missing. began: when the process started, on the scale of
    time.monotonic(), which all processes of a machine share, those in containers too: whoever started this
    one can tell how long that took.
    """

    device: str = "none"
    precision: str = "none"
    engine: str = "none"
    weights_sha256: str | None = None
    threshold: float = DEFAULT_THRESHOLD
    scenes: list[SceneResult] = field(default_factory=list)
    polygons: int | None = None
    polygons_error: str | None = None
    redone: list[Redone] = field(default_factory=list)
    seconds: Seconds = field(default_factory=Seconds)
    peak_gpu_bytes: int | None = 0
    began: float = field(default_factory=process_start)

    def elapsed(self) -> float:
        """Return the seconds since the process started."""
        return time.monotonic() - self.began

    def count(self, status: str) -> int:
        """Return how many scenes have this status."""
        return sum(scene.status == status for scene in self.scenes)

    def summary(self) -> str:
        """Return the one line for stdout."""
        masks = [scene for scene in self.scenes if scene.status != "kept"]
        megapixels = sum(scene.height * scene.width for scene in masks) / 1e6
        failed = f" {self.count('failed')} failed" if self.count("failed") else ""
        kept = f" {self.count('kept')} kept" if self.count("kept") else ""
        return (
            f"{len(self.scenes)} scenes {self.count('degraded')} degraded{failed}{kept} "
            f"{self.seconds.total:.2f} s {megapixels / max(self.seconds.total, 1e-9):.1f} MP/s "
            f"({self.device}, {self.precision})"
        )

    def write(self, path: Path) -> None:
        """Write the JSON report; raises UsageError when the file cannot be written."""
        content = {"version": __version__, **asdict(self), "peak_rss_bytes": peak_rss_bytes()}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(content, indent=1) + "\n")
        except OSError as error:
            raise UsageError(f"cannot write the report {path}: {error.strerror}") from None


def peak_rss_bytes() -> int:
    """Return the largest resident size of this process so far, in bytes.

    Linux keeps it for the program that runs; what getrusage says begins at the size of the program's parent.
    """
    with suppress(OSError, ValueError), open("/proc/self/status", "rb") as status:
        for line in status:
            if line.startswith(b"VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
