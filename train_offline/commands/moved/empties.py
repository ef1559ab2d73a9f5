"""Say where this command has gone."""

import sys

sys.stderr.write("train_offline.empties has moved: python -m train_offline.data.makers.negatives\n")
sys.exit(2)
