"""Say where this command has gone."""

import sys

sys.stderr.write("train_offline.gallery has moved: python -m train_offline.judging.showcase.gallery\n")
sys.exit(2)
