"""`python -m train_offline.export`, as the command was called before: see train_offline.commands.export."""

import runpy

runpy.run_module("train_offline.commands.export", run_name="__main__")
