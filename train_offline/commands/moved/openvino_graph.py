"""Say where this command has gone."""

import sys

sys.stderr.write("train_offline.openvino_graph has moved: python -m train_offline.export.openvino_graph\n")
sys.exit(2)
