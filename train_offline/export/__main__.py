"""`python -m train_offline.export`, as the command was called before: see train_offline.commands.export."""

from __future__ import annotations

import sys

from train_offline.runtime.signals import leave_at_once

if __name__ == "__main__":
    leave_at_once("export")  # before the imports, which take seconds
    from train_offline.commands.export import main

    sys.exit(main())
