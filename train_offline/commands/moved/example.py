"""Say where this command has gone."""

import sys

sys.stderr.write("train_offline.example has moved: python -m train_offline.judging.showcase.example\n")
sys.exit(2)
