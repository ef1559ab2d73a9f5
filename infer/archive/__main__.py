"""`./run.sh archive VERB`: arguments in, exit code out, one line for every mistake."""

from __future__ import annotations

import sys
from collections.abc import Callable

from infer.archive.verbs.arguments import ArchiveArguments, parse
from infer.archive.verbs.exporting import export
from infer.archive.verbs.looking import map_page, retry, status, verify
from infer.archive.verbs.places import STORE_DOWN, WRONG_CALL
from infer.archive.verbs.planning import plan_run
from infer.archive.verbs.running import STOPPED, run
from infer.errors import StoreDownError, UsageError
from infer.process.environment import prepare_environment
from infer.process.progress import tell
from infer.process.signals import leave_on_signals

VERBS: dict[str, Callable[[ArchiveArguments], int]] = {
    "plan": plan_run, "run": run, "status": status, "retry": retry, "verify": verify, "map": map_page,
    "export": export,
}  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    """Do what the arguments ask for and return the exit code."""
    try:
        arguments = parse(argv)
        prepare_environment()
        return VERBS[arguments.own.verb](arguments)
    except UsageError as error:
        tell(f"archive: {error}")
        return WRONG_CALL
    except StoreDownError as error:
        tell(f"archive: {error}")
        return STORE_DOWN


if __name__ == "__main__":
    leave_on_signals(STOPPED, lambda: None)
    sys.exit(main())
