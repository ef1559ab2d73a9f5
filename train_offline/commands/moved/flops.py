"""Say where this command has gone."""

import sys

sys.stderr.write("train_offline.flops has moved: python -m train_offline.models.flops\n")
sys.exit(2)
