"""All that happens before the image is built: scenes, training, export, dry run. `infer` never imports it."""

import os

# Commands by the names of earlier versions: `python -m train_offline.train` runs commands/train.py.
_COMMANDS = os.path.join(os.path.dirname(__file__), "commands")
__path__ += [_COMMANDS, os.path.join(_COMMANDS, "moved")]
