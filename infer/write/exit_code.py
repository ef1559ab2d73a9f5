"""What a run says at its end, and its exit code."""

from __future__ import annotations

from infer.errors import UsageError
from infer.process.progress import say, tell
from infer.settings import Settings
from infer.write.messages import MAX_LINES
from infer.write.report import RunReport

DONE, DEGRADED, NOT_WRITTEN, NO_SCENE, NONE_READ = 0, 3, 4, 5, 6


def conclude(report: RunReport, settings: Settings) -> int:
    """Name the masks that failed, write the report, print the summary; return the exit code."""
    failures = [scene for scene in report.scenes if scene.status == "failed"]
    for scene in failures[:MAX_LINES]:
        tell(f"infer: {scene.name}: {scene.error}")
    if len(failures) > MAX_LINES:
        tell(f"infer: and {len(failures) - MAX_LINES} more failed; --report names them all")
    if report.polygons_error:
        tell(f"infer: {report.polygons_error}")
    if settings.report:
        try:
            report.write(settings.report)
        except UsageError as error:  # the place was fine when the run began, and the masks are there
            tell(f"infer: {error}")
    if not settings.quiet:
        say(report.summary())  # where nobody reads it, that is no reason to call the run a failure
    if failures or report.polygons_error:
        return NOT_WRITTEN
    if not report.scenes:
        return NO_SCENE
    if report.count("degraded") == len(report.scenes):
        return NONE_READ
    return DEGRADED if settings.strict and report.count("degraded") else DONE
