"""Say where this command has gone."""

import sys

sys.stderr.write("train_offline.blue_marble has moved: python -m train_offline.data.makers.blue_marble\n")
sys.exit(2)
