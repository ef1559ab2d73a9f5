"""Say where this command has gone."""

import sys

sys.stderr.write("train_offline.cpu_graph has moved: python -m train_offline.export.onnx_graph\n")
sys.exit(2)
