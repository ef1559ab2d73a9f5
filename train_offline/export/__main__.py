"""`python -m train_offline.export`, as the command was called before: see train_offline.commands.export."""

import sys

from train_offline.commands.export import main

if __name__ == "__main__":
    sys.exit(main())
